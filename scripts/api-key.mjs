import { createHash, randomBytes } from 'node:crypto';

/**
 * Makes an API key: the key itself goes to the terminal (standard error), once and nowhere else; its line for
 * API_KEYS_FILE goes to standard output.
 *
 *   node scripts/api-key.mjs <name> [role ...] >> keys.txt
 */

const [name = '', ...roles] = process.argv.slice(2);
if (!/^[\w.@-]+$/.test(name) || roles.some((role) => !/^[\w.@/-]+$/.test(role))) {
  console.error('usage: node scripts/api-key.mjs <name> [role ...] >> keys.txt');
  console.error('Names and roles are made of letters, digits, and the characters _ . @ -');
  process.exit(1);
}
const key = randomBytes(32).toString('base64url');
const hash = createHash('sha256').update(key).digest('hex');
console.error(`The key of ${name}, shown this once: ${key}`);
console.log([name, 'sha256', hash, ...(roles.length === 0 ? [] : [roles.join('|')])].join(':'));
