import { spawn } from 'node:child_process';

/** Child processes that never outlive this one, whichever way it ends. */

const running = new Set();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.once(signal, () => process.exit(128 + number));
}

/** Starts a command, given with its arguments. */
export function start([command, ...args], options) {
  const child = spawn(command, args, options);
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Ends a child at once and waits until it is gone. */
export async function kill(child) {
  if (!running.has(child)) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await closed;
}

/** Runs a command to its end, and answers with what it printed; fails for another exit code than 0, or after `timeoutMs`. */
export async function output(command, { timeoutMs, env = process.env }) {
  const child = start(command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (text) => (printed[name] += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit, signal) => resolve(exit ?? signal));
  });
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${printed.stdout}${printed.stderr}`);
  return printed.stdout;
}

/** The first message of a child; fails when it ends before, or after `timeoutMs`. */
export function firstMessage(child, what, timeoutMs) {
  return new Promise((resolve, reject) => {
    const fail = (reason) => reject(new Error(`${what} ${reason}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`said nothing for ${timeoutMs} ms`);
    }, timeoutMs);
    child.once('message', resolve);
    child.once('error', reject);
    child.once('close', (code, signal) => fail(`ended with ${code ?? signal}`));
    for (const event of ['message', 'error', 'close']) child.once(event, () => clearTimeout(timer));
  });
}
