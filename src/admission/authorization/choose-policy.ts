import { ConfigurationError } from '../../config/configuration-error.js';
import type { FileWatcher } from '../../config/file-watcher.js';
import { AllowAllPolicy } from './policies/allow-all.policy.js';
import type { AuthorizationConfig } from './authorization.config.js';
import { CachedPolicy } from './policies/cached-policy.js';
import { OpaPolicy } from './policies/opa.policy.js';
import { PdpHttp } from './policies/pdp-http.js';
import type { PolicyDecisionPoint } from './policy-decision-point.js';
import { RolesPolicy } from './policies/roles.policy.js';
import { XacmlPolicy } from './policies/xacml.policy.js';

/** The adapter that `AUTHZ` names. Throws a `ConfigurationError` where what it needs is missing. */
export function choosePolicy(config: AuthorizationConfig, files: FileWatcher): PolicyDecisionPoint {
  switch (config.AUTHZ) {
    case 'allow-all':
      refuseUnread(config);
      return new AllowAllPolicy();
    case 'roles':
      return chooseRoles(config, files);
    case 'opa': {
      const url = config.OPA_URL;
      return cached(config, new OpaPolicy(http(config, { key: 'OPA_URL', url, contentType: 'application/json' })));
    }
    case 'xacml': {
      const options = { key: 'OIP_PDP_URL', url: config.OIP_PDP_URL, contentType: 'application/xacml+json' };
      return cached(config, new XacmlPolicy(http(config, options), config.AUTHZ_XACML_DETAILS));
    }
  }
}

function chooseRoles({ AUTHZ_ROLES_FILE: path }: AuthorizationConfig, files: FileWatcher): PolicyDecisionPoint {
  if (path !== undefined) return new RolesPolicy(path, files);
  throw new ConfigurationError(['AUTHZ=roles: AUTHZ_ROLES_FILE is unset: set it to the path of the file of roles']);
}

const http = (
  { AUTHZ_TIMEOUT_MS }: AuthorizationConfig,
  options: { readonly key: string; readonly url: string | undefined; readonly contentType: string },
): PdpHttp => new PdpHttp({ ...options, timeoutMs: AUTHZ_TIMEOUT_MS });

const cached = ({ AUTHZ_CACHE_MS }: AuthorizationConfig, policy: PolicyDecisionPoint): PolicyDecisionPoint =>
  AUTHZ_CACHE_MS === 0 ? policy : new CachedPolicy(policy, AUTHZ_CACHE_MS);

/** Whoever configures a policy means it to decide: a server that asks nobody would not tell them otherwise. */
function refuseUnread({ AUTHZ_ROLES_FILE, OPA_URL, OIP_PDP_URL }: AuthorizationConfig): void {
  const problems = Object.entries({
    'AUTHZ_ROLES_FILE is set, but not AUTHZ=roles': AUTHZ_ROLES_FILE,
    'OPA_URL is set, but not AUTHZ=opa': OPA_URL,
    'OIP_PDP_URL is set, but not AUTHZ=xacml': OIP_PDP_URL,
  }).flatMap(([problem, value]) => (value === undefined ? [] : [`${problem}: set both, or neither`]));
  if (problems.length > 0) throw new ConfigurationError(problems);
}
