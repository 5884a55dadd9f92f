import { expect, it } from 'vitest';
import { DecisionPoint, json } from '../../../../test/support/decision-point.js';
import { accessRequestOf } from '../../../testing/fake-access-request.js';
import { PdpHttp } from './pdp-http.js';
import { XacmlPolicy } from './xacml.policy.js';

const policyOf = ({ url }: DecisionPoint, details = false) =>
  new XacmlPolicy(
    new PdpHttp({ key: 'OIP_PDP_URL', url, timeoutMs: 10_000, contentType: 'application/xacml+json' }),
    details,
  );

const attribute = (AttributeId: string, Value: string) => ({
  AttributeId,
  IncludeInResult: false,
  DataType: 'http://www.w3.org/2001/XMLSchema#string',
  Value,
});

const body = (subject: string, role: string, resource: string, action: string) => ({
  Request: {
    ReturnPolicyIdList: false,
    CombinedDecision: false,
    Category: [
      {
        CategoryId: 'urn:oasis:names:tc:xacml:1.0:subject-category:access-subject',
        Attribute: [
          attribute('urn:oasis:names:tc:xacml:1.0:subject:subject-id', subject),
          attribute('urn:oasis:names:tc:xacml:2.0:subject:role', role),
        ],
      },
      {
        CategoryId: 'urn:oasis:names:tc:xacml:3.0:attribute-category:resource',
        Attribute: [attribute('urn:oasis:names:tc:xacml:1.0:resource:resource-id', resource)],
      },
      {
        CategoryId: 'urn:oasis:names:tc:xacml:3.0:attribute-category:action',
        Attribute: [attribute('urn:oasis:names:tc:xacml:1.0:action:action-id', action)],
      },
    ],
  },
});

it('asks as aiSSEMBLE does, and about the model where that is wanted', async () => {
  await using point = await DecisionPoint.start(json({ Response: [{ Decision: 'Permit' }] }));
  await policyOf(point).decide(accessRequestOf());
  await policyOf(point).decide(accessRequestOf({ principal: { name: 'jane', roles: [] } }));
  await policyOf(point).decide(accessRequestOf({ principal: undefined }));
  await policyOf(point, true).decide(accessRequestOf());
  expect(point.bodies).toEqual([
    body('ci', 'tester', 'data', 'read'),
    body('jane', 'unknown', 'data', 'read'),
    body('Anonymous', 'unknown', 'data', 'read'),
    body('ci', 'tester', 'iris', 'inference'),
  ]);
  expect(point.questions[0]?.headers['content-type']).toBe('application/xacml+json');
});

it.each([
  [{ Response: [{ Decision: 'Permit' }] }, 'permit'],
  [{ Response: [{ Decision: 'Deny' }] }, 'deny'],
  [{ Response: [{ Decision: 'NotApplicable' }] }, 'deny'],
  [{ Response: [{ Decision: 'Indeterminate' }] }, 'deny'],
  [{ Response: [{ Decision: 'permit' }] }, 'deny'],
  [{ Response: [{ Decision: 'Deny' }, { Decision: 'Permit' }] }, 'deny'],
  [{ Response: { Decision: 'Permit' } }, 'deny'],
  [{ Response: [] }, 'deny'],
  [{ Response: [null] }, 'deny'],
  [{ Decision: 'Permit' }, 'deny'],
  [{}, 'deny'],
])('%j: %s', async (answer, decision) => {
  await using point = await DecisionPoint.start(json(answer));
  expect(await policyOf(point).decide(accessRequestOf())).toBe(decision);
});
