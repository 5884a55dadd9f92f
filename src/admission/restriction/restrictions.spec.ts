import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../config/configuration-error.js';
import { parseRestrictions } from './restrictions.js';

const parse = (text: string | undefined) => parseRestrictions('HTTP_RESTRICTED_API', text);

it('reads families, header and value', () => {
  const restrictions = parse('model-repository, model-config:Admin-Key=hush=42;; health:probe=shh ;');
  expect([...restrictions.keys()]).toEqual(['model-repository', 'model-config', 'health']);
  const admin = restrictions.get('model-config');
  expect(admin?.header).toBe('admin-key');
  expect(admin?.opensFor('hush=42')).toBe(true);
  for (const value of [undefined, '', 'hush', 'hush=42 ', 'HUSH=42', 'shh']) expect(admin?.opensFor(value)).toBe(false);
  expect(restrictions.get('health')?.opensFor('shh')).toBe(true);
  expect(parse(undefined).size).toBe(0);
});

it('keeps digests, not values', () => {
  expect(inspect(parse('health:k=hush'), { depth: 9 })).not.toContain('hush');
});

describe('the start ends over', () => {
  it.each([
    ['healht:k=hush', "'healht' is no family of operations: use health, metadata"],
    ['health:k=hush;health:j=hush', "'health' stands twice"],
    ['health,health:k=hush', "'health' stands twice"],
    ['health', 'entry 1 is malformed'],
    ['trace:k=hush;health=hush', 'entry 2 is malformed'],
    ['health:k', 'entry 1 is malformed'],
    ['health:=hush', 'entry 1 is malformed'],
    ['health:k=', 'entry 1 is malformed'],
    [':k=hush', 'entry 1 is malformed'],
    ['health:a b=hush', 'entry 1 is malformed'],
  ])('%s', (text, problem) => {
    const attempt = () => parse(text);
    expect(attempt).toThrow(ConfigurationError);
    expect(attempt).toThrow(problem);
    expect(attempt).not.toThrow('hush');
  });
});
