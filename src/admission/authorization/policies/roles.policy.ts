import type { FileWatcher, Watched } from '../../../config/file-watcher.js';
import type { OperationFamily } from '../../../protocol/call/operation.decorator.js';
import { fits } from './model-pattern.js';
import { type AccessDecision, type AccessRequest, PolicyDecisionPoint } from '../policy-decision-point.js';
import { parseRolesFile, type RolesFile } from './roles-file.js';

/**
 * Decides by a file: role, family, patterns of models. A caller has the roles of the credentials, of its name, and of
 * everyone; one right is enough. An operation that is about no model takes a right to its family on any model; a change of
 * what holds for the whole server is asked about as model `*`, which only the pattern `*` fits.
 */
export class RolesPolicy extends PolicyDecisionPoint {
  private readonly file: Watched<RolesFile>;

  /** A changed file counts from the next call on; one that is broken is refused, and the last good one stays. */
  constructor(path: string, watcher: FileWatcher) {
    super();
    this.file = watcher.watch('AUTHZ_ROLES_FILE', [path], ([content]) => parseRolesFile(String(content)));
  }

  decide({ principal, action, model }: AccessRequest): AccessDecision {
    const { users, everyone } = this.file.current;
    const permitted =
      this.anyMay(everyone, action, model) ||
      (principal !== undefined &&
        (this.anyMay(principal.roles, action, model) || this.anyMay(users.get(principal.name) ?? [], action, model)));
    return permitted ? 'permit' : 'deny';
  }

  private anyMay(roles: readonly string[], action: OperationFamily, model: string): boolean {
    return roles.some((role) => {
      const rights = this.file.current.roles.get(role);
      return covers(rights?.get(action), model) || covers(rights?.get('*'), model);
    });
  }
}

const covers = (patterns: readonly string[] | undefined, model: string): boolean =>
  patterns !== undefined && (model === '' || patterns.some((pattern) => fits(pattern, model)));
