const { HTTP_URL = 'http://localhost:8080' } = process.env;

const inputs = [{ name: 'x', datatype: 'FP32', shape: [3], data: [1, 2, 3] }];
const reply = await fetch(`${HTTP_URL}/v2/models/far-doubler/infer`, {
  method: 'POST',
  body: JSON.stringify({ inputs }),
});
const { outputs, error } = await reply.json();
console.log(error ?? outputs[0].data);
