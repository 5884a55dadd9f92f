import { readdirSync, readFileSync } from 'node:fs';

/** What Linux tells of the threads of a process. */
const task = (pid: number, thread: number | string, file: string): string =>
  readFileSync(`/proc/${pid}/task/${thread}/${file}`, 'utf8');

/** Their nice values: the field behind the priority in `stat`. */
export function threadPriorities(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return [Number(task(pid, thread, 'stat').split(') ')[1]?.split(' ')[16])];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** How long the first one has computed, in milliseconds: where the event loop runs. */
export const mainThreadMs = (pid: number): number => Number(task(pid, pid, 'schedstat').split(' ')[0]) / 1e6;
