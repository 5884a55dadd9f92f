import { readFileSync } from 'node:fs';

/** What the kernel tells of processes; NaN where it tells nothing, as anywhere but on Linux, and for no process. */

const TICKS_PER_SECOND = 100;

function read(pid, file, parse) {
  try {
    return parse(readFileSync(`/proc/${pid}/${file}`, 'utf8'));
  } catch {
    return Number.NaN;
  }
}

const sum = (values) => (values.length === 0 ? Number.NaN : values.reduce((total, value) => total + value, 0));

/** The processor time, user and system, that some processes have used, in microseconds; in steps of 10 ms. */
export const cpuTime = (pids) =>
  sum(
    pids.map((pid) =>
      read(pid, 'stat', (text) => {
        const fields = text.slice(text.lastIndexOf(') ') + 2).split(' ');
        return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
      }),
    ),
  );

/** The resident memory of some processes, in MB. */
export const residentMb = (pids) =>
  sum(pids.map((pid) => read(pid, 'status', (text) => (Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) * 1_024) / 1e6)));
