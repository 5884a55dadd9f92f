import { createServer } from 'node:http';

/** The ceiling of the platform for REST: node:http with JSON.parse and JSON.stringify; binary bodies go back unread. */

process.once('disconnect', () => process.exit(1));

const MODELS = {
  simple: ([a, b]) => [
    { ...a, name: 'OUTPUT0', data: a.data.map((value, index) => value + b.data[index]) },
    { ...a, name: 'OUTPUT1', data: a.data.map((value, index) => value - b.data[index]) },
  ],
  echo: ([a]) => [{ ...a, name: 'OUTPUT0' }],
};

function answer(request, body) {
  const jsonLength = request.headers['inference-header-content-length'];
  if (jsonLength !== undefined) {
    return [body, { 'content-type': 'application/octet-stream', 'inference-header-content-length': jsonLength }];
  }
  const model_name = request.url.split('/')[3];
  const outputs = MODELS[model_name](JSON.parse(body.toString()).inputs);
  const text = JSON.stringify({ model_name, model_version: '1', outputs });
  return [Buffer.from(text), { 'content-type': 'application/json' }];
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const [body, headers] = answer(request, Buffer.concat(chunks));
    response.writeHead(200, { ...headers, 'content-length': body.length });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => process.send({ http: `http://127.0.0.1:${server.address().port}` }));
