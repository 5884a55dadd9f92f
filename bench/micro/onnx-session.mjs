import * as ort from 'onnxruntime-node';

/** An ONNX session in a loop, one run after the other, as the server opens it: one thread. */

const { path, seconds } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit(1));
const session = await ort.InferenceSession.create(path, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
});
const [{ name, shape }] = session.inputMetadata;
const dims = shape.map((dimension) => (typeof dimension === 'number' && dimension > 0 ? dimension : 1));
const length = dims.reduce((product, dimension) => product * dimension, 1);
const data = Float32Array.from({ length }, (_, index) => (index % 17) / 16);
const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength).toString('base64');

const run = () => session.run({ [name]: new ort.Tensor('float32', data, dims) });
const results = await run();

/** Runs for a while; the microseconds that each run takes, of the processor and of the clock. */
async function loop(milliseconds) {
  const start = performance.now();
  const before = process.cpuUsage();
  let count = 0;
  while (performance.now() - start < milliseconds) {
    await run();
    count++;
  }
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / count, wall: ((performance.now() - start) * 1_000) / count };
}

await loop(500);
process.send({
  ...(await loop(seconds * 1_000)),
  input: { name, data: bytesOf(data) },
  dims,
  outputs: session.outputNames.map((output) => bytesOf(results[output].data)),
});
