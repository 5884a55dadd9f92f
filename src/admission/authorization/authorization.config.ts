import { Bool, Int, OneOf, Text } from '../../config/keys.js';

/** Who decides what a caller may do. */
export class AuthorizationConfig {
  @OneOf('Who decides what a caller may do: nobody, a file of roles, Open Policy Agent, or an XACML decision point.', [
    'allow-all',
    'roles',
    'opa',
    'xacml',
  ])
  readonly AUTHZ: 'allow-all' | 'roles' | 'opa' | 'xacml' = 'allow-all';

  @Text('The file of roles for AUTHZ=roles; a change is taken up while the server runs.')
  readonly AUTHZ_ROLES_FILE?: string;

  @Text('The rule that AUTHZ=opa asks, http://localhost:8181/v1/data/inference/allow for one.')
  readonly OPA_URL?: string;

  @Text('The decision point that AUTHZ=xacml asks, http://localhost:8080/pdp for one.')
  readonly OIP_PDP_URL?: string;

  @Bool('Whether AUTHZ=xacml asks about the model and the family of the operation, not about reading data.')
  readonly AUTHZ_XACML_DETAILS: boolean = false;

  @Int('How long a decision may take, in milliseconds; without one the call is refused.', { min: 1, max: 60_000 })
  readonly AUTHZ_TIMEOUT_MS: number = 1_000;

  @Int('How long a permit of OPA or XACML is remembered, in milliseconds; 0 asks anew each time.', {
    min: 0,
    max: 3_600_000,
  })
  readonly AUTHZ_CACHE_MS: number = 1_000;
}
