import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a fresh clone lacks: the packages of the lock file, and the build. Needs nothing but Node and npm. */

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const windows = process.platform === 'win32';

/**
 * Installs from the lock file when that is newer than what is installed. Ends this process where `node_modules` is a
 * link: `npm ci` would empty the folder behind it, which is someone else's.
 */
export function install() {
  if (modified('package-lock.json') <= modified('node_modules/.package-lock.json')) return;
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error(
      'node_modules is older than package-lock.json, and a link to a folder that npm ci would empty: remove it',
    );
    process.exit(1);
  }
  run(windows ? 'npm.cmd' : 'npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** Builds when a source, or what says how to build, is newer than the last build. */
export function build() {
  const inputs = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
  if (Math.max(...inputs.map(newest)) <= modified('dist/main.js')) return;
  run(process.execPath, [join('node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build']);
}

/** Runs a command in the project's folder, with its output shown; a failure ends this process with its code. */
export function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: windows });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function modified(path) {
  const file = join(root, path);
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

/** The latest change of a file, or of anything in a folder. */
function newest(path) {
  const file = join(root, path);
  if (!existsSync(file) || !statSync(file).isDirectory()) return modified(path);
  return Math.max(modified(path), ...readdirSync(file).map((name) => newest(join(path, name))));
}
