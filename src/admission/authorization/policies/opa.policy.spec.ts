import { expect, it } from 'vitest';
import { DecisionPoint, json } from '../../../../test/support/decision-point.js';
import { accessRequestOf } from '../../../testing/fake-access-request.js';
import { OpaPolicy } from './opa.policy.js';
import { PdpHttp } from './pdp-http.js';

const policyOf = ({ url }: DecisionPoint) =>
  new OpaPolicy(new PdpHttp({ key: 'OPA_URL', url, timeoutMs: 10_000, contentType: 'application/json' }));

it('sends all that is known of the call', async () => {
  await using point = await DecisionPoint.start(json({ result: true }));
  const policy = policyOf(point);
  await policy.decide(accessRequestOf());
  await policy.decide(accessRequestOf({ principal: undefined, model: '', version: '' }));
  const input = {
    user: 'ci',
    roles: ['tester', 'second'],
    action: 'inference',
    operation: '/inference.GRPCInferenceService/ModelInfer',
    model: 'iris',
    version: '2',
    address: '192.0.2.1',
    request_id: 'r-1',
  };
  expect(point.bodies).toEqual([{ input }, { input: { ...input, user: null, roles: [], model: '', version: '' } }]);
});

it.each([
  [{ result: true }, 'permit'],
  [{ result: { allow: true, reason: 'analyst' } }, 'permit'],
  [{ result: false }, 'deny'],
  [{ result: { allow: false } }, 'deny'],
  [{}, 'deny'],
  [{ result: 'true' }, 'deny'],
  [{ result: 1 }, 'deny'],
  [{ result: { allow: 'true' } }, 'deny'],
  [{ result: [true] }, 'deny'],
  [{ result: null }, 'deny'],
  [{ allow: true }, 'deny'],
  [[{ result: true }], 'deny'],
  [JSON.parse('{"result": {"__proto__": {"allow": true}}}'), 'deny'],
])('%j: %s', async (answer, decision) => {
  await using point = await DecisionPoint.start(json(answer));
  expect(await policyOf(point).decide(accessRequestOf())).toBe(decision);
});
