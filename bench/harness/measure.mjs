import { cpuTime, residentMb } from './process-usage.mjs';
import { startServer } from './server-process.mjs';
import { inTurns } from './statistics.mjs';

/** A part of the replies may still be on its way when the time is over. */
const REPLY_SHARE = 0.95;

/** A server is measured as it goes on, behind the first collection of its whole heap: that comes after some seconds. */
const WARM_UP_TIMES = 2;

/**
 * Measures subjects over one wire, each in fresh processes: medians of calls a second, processor time of the server for
 * each call in microseconds, p50 and p99 in milliseconds, and resident memory in MB after the load.
 */
export async function compare(subjects, wire, { rounds, seconds }) {
  const results = await inTurns(subjects, rounds, (subject) => measure(subject, wire, seconds));
  return results.map((result, index) => ({ subject: subjects[index].name, ...result }));
}

async function measure(subject, wire, seconds) {
  const server = subject.running ?? (await startServer(subject));
  try {
    const expectedBytes = await wire.check(server, subject);
    await wire.load(server, subject, WARM_UP_TIMES * seconds);
    const before = cpuTime(server.pids);
    const { answered, failed, replyBytes, ...result } = await wire.load(server, subject, seconds);
    const cpu = (cpuTime(server.pids) - before) / answered;
    if (failed > 0 || !(answered > 0)) throw new Error(`${failed} calls failed, ${answered} were answered`);
    if (!(replyBytes >= REPLY_SHARE * expectedBytes)) {
      throw new Error(`replies had ${replyBytes} bytes, the one that was checked had ${expectedBytes}`);
    }
    return { ...result, cpu, rss: residentMb(server.pids) };
  } catch (failure) {
    throw new Error(`${subject.name}: ${failure.message}`, { cause: failure });
  } finally {
    await server.stop();
  }
}
