import { fileURLToPath } from 'node:url';
import { firstMessage, kill, start } from './children.mjs';
import { pinned } from './cores.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Runs a file of this folder in a process of its own, and answers with the one message that it sends. */
export async function ask(file, options, { core, timeoutMs, nodeArguments = [] }) {
  const command = [process.execPath, ...nodeArguments, root + file, JSON.stringify(options)];
  const child = start(pinned(core, command), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    return await firstMessage(child, file, timeoutMs);
  } finally {
    await kill(child);
  }
}
