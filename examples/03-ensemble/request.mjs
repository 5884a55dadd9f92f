const { HTTP_URL = 'http://localhost:8080' } = process.env;

/** Two flowers: length and width of sepal and petal, in inches. */
const inputs = [
  { name: 'inches', datatype: 'FP32', shape: [2, 4], data: [2, 1.38, 0.55, 0.08, 2.48, 1.3, 2.36, 0.98] },
];
const reply = await fetch(`${HTTP_URL}/v2/models/flower/infer`, { method: 'POST', body: JSON.stringify({ inputs }) });
const { outputs = [], error } = await reply.json();
if (error !== undefined) console.log(error);
for (const label of outputs.find(({ name }) => name === 'label')?.data ?? []) console.log(`a flower of class ${label}`);
