import { readdirSync, readFileSync } from 'node:fs';

/** The nice values of a process's threads, where the system tells them (Linux): the field behind the priority in `stat`. */
export function threadPriorities(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return [Number(fields[16])];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}
