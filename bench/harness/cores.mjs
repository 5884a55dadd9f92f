import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';

/** The server has one core and the load another, so that neither takes the other's time. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;
/** Of a process that nothing is to pin; `undefined` would stand for what is usual. */
export const ANY_CORE = null;

export function onPath(tool) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export const canPin = onPath('taskset') && availableParallelism() > 1;

/** A command that runs on one core. */
export const pinned = (core = ANY_CORE, command) =>
  canPin && core !== ANY_CORE ? ['taskset', '-c', String(core), ...command] : command;
