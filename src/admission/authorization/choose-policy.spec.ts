import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileWatcher } from '../../config/file-watcher.js';
import { AllowAllPolicy } from './policies/allow-all.policy.js';
import { AuthorizationConfig } from './authorization.config.js';
import { CachedPolicy } from './policies/cached-policy.js';
import { choosePolicy } from './choose-policy.js';
import { OpaPolicy } from './policies/opa.policy.js';
import { XacmlPolicy } from './policies/xacml.policy.js';

let files: FileWatcher;

beforeEach(() => {
  files = new FileWatcher({ RELOAD_INTERVAL_MS: 86_400_000 });
});

afterEach(() => files.onApplicationShutdown());

const choose = (keys: Partial<AuthorizationConfig>) =>
  choosePolicy(Object.assign(new AuthorizationConfig(), keys), files);
const URL = 'http://localhost:8181/';

it('takes the one that is named, with a cache where asking costs', () => {
  expect(choose({})).toBeInstanceOf(AllowAllPolicy);
  expect(choose({ AUTHZ: 'opa', OPA_URL: URL })).toBeInstanceOf(CachedPolicy);
  expect(choose({ AUTHZ: 'opa', OPA_URL: URL, AUTHZ_CACHE_MS: 0 })).toBeInstanceOf(OpaPolicy);
  expect(choose({ AUTHZ: 'xacml', OIP_PDP_URL: URL, AUTHZ_CACHE_MS: 0 })).toBeInstanceOf(XacmlPolicy);
});

it.each<[Partial<AuthorizationConfig>, RegExp]>([
  [{ AUTHZ: 'roles' }, /AUTHZ_ROLES_FILE is unset/],
  [{ AUTHZ: 'opa' }, /OPA_URL is unset/],
  [{ AUTHZ: 'opa', OIP_PDP_URL: URL }, /OPA_URL is unset/],
  [{ AUTHZ: 'xacml' }, /OIP_PDP_URL is unset/],
  [{ OPA_URL: URL }, /OPA_URL is set, but not AUTHZ=opa/],
  [{ OIP_PDP_URL: URL }, /OIP_PDP_URL is set, but not AUTHZ=xacml/],
  [{ AUTHZ_ROLES_FILE: 'roles.json' }, /AUTHZ_ROLES_FILE is set, but not AUTHZ=roles/],
])('does not start with %j', (keys, problem) => {
  expect(() => choose(keys)).toThrow(problem);
});
