import { startServer } from './server-process.mjs';

const WARM_UP_CALLS = 3;

/** Where a server copies bytes during one call: the places that copy at least 64 KiB in all, and how much each does. */
async function countCopies(subject, wire) {
  const nodeArguments = ['--stack-trace-limit=30', '--import', new URL('../copies.mjs', import.meta.url).href];
  const server = await startServer({ ...subject, nodeArguments });
  try {
    for (let call = 0; call < WARM_UP_CALLS; call++) await wire.check(server, subject);
    await server.ask('count copies');
    await wire.check(server, subject);
    const { copies } = await server.ask('count copies');
    return copies.map((copy) => ({ server: subject.name, ...copy }));
  } finally {
    await server.stop();
  }
}

/** The copies of each subject as multiples of the size of its tensor. */
export async function copiesTable(subjects, wire, tensorBytes) {
  const copies = [];
  for (const subject of subjects) copies.push(...(await countCopies(subject, wire)));
  return {
    title: 'Copies of the data by one call, in JavaScript, as multiples of the tensor, by the place that makes them',
    columns: ['server', 'times', 'copies', 'by', 'whose', 'where'],
    rows: copies.map(({ server, bytes, count, by, whose, where }) => [
      server,
      (bytes / tensorBytes).toFixed(2),
      String(count),
      by,
      whose,
      where,
    ]),
  };
}
