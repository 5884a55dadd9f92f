const { HTTP_URL = 'http://localhost:8080' } = process.env;

/** Sends three values of one sequence, one after the other. */
const values = [10, 20, 60];
for (const [index, value] of values.entries()) {
  const parameters = {
    sequence_id: 'kitchen',
    sequence_start: index === 0,
    sequence_end: index === values.length - 1,
  };
  const inputs = [{ name: 'value', datatype: 'FP32', shape: [1], data: [value] }];
  const body = JSON.stringify({ parameters, inputs });
  const reply = await fetch(`${HTTP_URL}/v2/models/mean/infer`, { method: 'POST', body });
  const { outputs, error } = await reply.json();
  console.log(error ?? `${value} -> mean ${outputs[0].data[0]}`);
}
