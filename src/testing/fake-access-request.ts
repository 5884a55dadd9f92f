import type { AccessRequest } from '../admission/authorization/policy-decision-point.js';

/** A question to a policy, about an inference unless a test says otherwise. */
export const accessRequestOf = (about: Partial<AccessRequest> = {}): AccessRequest => ({
  principal: { name: 'ci', roles: ['tester', 'second'] },
  action: 'inference',
  operation: '/inference.GRPCInferenceService/ModelInfer',
  model: 'iris',
  version: '2',
  wire: 'grpc',
  peer: '192.0.2.1',
  requestId: 'r-1',
  ...about,
});
