import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../config/configuration-error.js';
import { parseSections } from '../../config/parse-sections.js';
import { RemoteConfig } from './remote.config.js';
import { RemoteRuntime } from './remote.runtime.js';

const parse = (text: string): readonly string[] =>
  (parseSections([RemoteConfig], { REMOTE_UPSTREAMS: text }).instances.get(RemoteConfig) as RemoteConfig)
    .REMOTE_UPSTREAMS;

describe('REMOTE_UPSTREAMS', () => {
  it('is empty by itself', () => {
    expect(parse('')).toEqual([]);
  });

  it.each([
    ['triton=10.0.0.5:8001', ['triton=10.0.0.5:8001']],
    ['a=localhost:1, b=dns:///models.example.org:8001', ['a=localhost:1', 'b=dns:///models.example.org:8001']],
    ['a=dns://1.1.1.1/models:8001', ['a=dns://1.1.1.1/models:8001']],
    ['a=dns:models:8001', ['a=dns:models:8001']],
    ['a-1.b_c=[::1]:8001', ['a-1.b_c=[::1]:8001']],
  ])('takes %s', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  it.each([
    'triton',
    '10.0.0.5:8001',
    'triton=',
    '=10.0.0.5:8001',
    'triton=10.0.0.5',
    'triton=http://10.0.0.5:8001',
    'triton=unix:/run/socket',
    'triton=10.0.0.5:8001/path',
    'triton=user@host:8001',
    'a=b:1,c',
    'a b=c:1',
  ])('refuses %s', (text) => {
    expect(() => parse(text)).toThrow(/REMOTE_UPSTREAMS=.*use name=host:port or name=dns:\/\/\/host:port/);
  });

  it('refuses a name that stands twice', () => {
    expect(() => parse('a=b:1,a=c:1')).toThrow(/each name once/);
  });
});

it('names the authorities that cannot be read', () => {
  const config = Object.assign(new RemoteConfig(), { REMOTE_TLS_CA: '/no/such/file' });
  expect(() => new RemoteRuntime(config)).toThrow(ConfigurationError);
  expect(() => new RemoteRuntime(config)).toThrow(/REMOTE_TLS_CA \(\/no\/such\/file\)/);
});
