const { HTTP_URL = 'http://localhost:8080' } = process.env;

/** Sends 16 requests of one row each, all at once. */
const rows = Array.from({ length: 16 }, (_, row) => row);
const replies = rows.map(async (row) => {
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [row, 0, 0, 0] }];
  const reply = await fetch(`${HTTP_URL}/v2/models/scores/infer`, { method: 'POST', body: JSON.stringify({ inputs }) });
  return reply.json();
});
for (const [row, { outputs, parameters, error }] of (await Promise.all(replies)).entries()) {
  console.log(error ?? `row ${row}: score ${outputs[0].data[0]}, run with ${parameters.merged - 1} others`);
}
