import { fileURLToPath } from 'node:url';
import { kill, firstMessage, start } from './children.mjs';
import { pinned, SERVER_CORE } from './cores.mjs';

const folder = fileURLToPath(new URL('../servers/', import.meta.url));

/**
 * Starts a server of bench/servers in a process of its own, on the server's core unless `core` says otherwise. Its
 * `options` reach it as JSON; it sends `{ grpc, http }` when it serves, and ends with this process.
 */
export async function startServer({ file, options = {}, core = SERVER_CORE, nodeArguments = [] }) {
  const command = [process.execPath, ...nodeArguments, folder + file, JSON.stringify(options)];
  const child = start(pinned(core, command), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const { grpc, http } = await firstMessage(child, file, 60_000);
  return {
    pids: [child.pid],
    grpc,
    http,
    ask: (question) => {
      const answer = firstMessage(child, file, 10_000);
      child.send(question);
      return answer;
    },
    stop: () => kill(child),
  };
}
