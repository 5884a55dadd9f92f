import fastify from 'fastify';

/** What a REST server costs at the least with Fastify: parse, the same answers, stringify; no checks. */

process.once('disconnect', () => process.exit(1));

const server = fastify({ bodyLimit: 256 * 1024 * 1024 });
server.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
  done(null, body),
);

const answer = (model, outputs) => ({ model_name: model, model_version: '1', outputs });

server.post('/v2/models/simple/infer', ({ body: { inputs } }) => {
  const [a, b] = inputs.map(({ data }) => data);
  const { datatype, shape } = inputs[0];
  return answer('simple', [
    { name: 'OUTPUT0', datatype, shape, data: a.map((value, index) => value + b[index]) },
    { name: 'OUTPUT1', datatype, shape, data: a.map((value, index) => value - b[index]) },
  ]);
});

server.post('/v2/models/echo/infer', ({ body, headers }, reply) => {
  if (!Buffer.isBuffer(body)) return answer('echo', [{ ...body.inputs[0], name: 'OUTPUT0' }]);
  const jsonLength = headers['inference-header-content-length'];
  return reply
    .header('content-type', 'application/octet-stream')
    .header('inference-header-content-length', jsonLength)
    .send(body);
});

process.send({ http: await server.listen({ host: '127.0.0.1', port: 0 }) });
