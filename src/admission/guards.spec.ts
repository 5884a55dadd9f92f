import { Controller } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { expect, it } from 'vitest';
import { ServingError } from '../core/errors/serving-error.js';
import { attachCall, CallContext } from '../protocol/call/call-context.js';
import { Family, Public } from '../protocol/call/operation.decorator.js';
import { FakePolicyDecisionPoint } from '../testing/fake-policy-decision-point.js';
import { AuthenticationConfig } from './authentication/authentication.config.js';
import { AuthenticationGuard } from './authentication/authentication.guard.js';
import { AuthenticationPolicy } from './authentication/authentication-policy.js';
import { AllowAllPolicy } from './authorization/policies/allow-all.policy.js';
import { AuthorizationGuard } from './authorization/authorization.guard.js';

@Controller()
@Family('inference')
class RpcController {
  infer(): void {}

  @Public()
  live(): void {}
}

const newCall = () =>
  new CallContext({
    wire: 'grpc',
    operation: '/inference.GRPCInferenceService/ModelInfer',
    requestId: undefined,
    peer: '127.0.0.1:50000',
    userAgent: '',
    deadline: Infinity,
    onDisconnect: () => undefined,
  });

/** What Nest hands a guard on gRPC: the message, the metadata and the call. */
function rpc(call: CallContext, method: 'infer' | 'live'): ExecutionContextHost {
  const carrier = {};
  attachCall(carrier, call);
  const handler: () => void = Object.getOwnPropertyDescriptor(RpcController.prototype, method)?.value;
  const context = new ExecutionContextHost([{}, {}, carrier], RpcController, handler);
  context.setType('rpc');
  return context;
}

const required = new AuthenticationPolicy(new AuthenticationConfig(), [
  { configured: true, authenticate: () => undefined },
]);

it('guards rpcs too', async () => {
  const call = newCall();
  const authentication = new AuthenticationGuard(new Reflector(), required);
  const policy = new FakePolicyDecisionPoint();
  const authorization = new AuthorizationGuard(new Reflector(), policy);

  expect(() => authentication.canActivate(rpc(call, 'infer'))).toThrow('Missing credentials');
  call.refusal = new ServingError('unauthenticated', 'no such key');
  expect(() => authentication.canActivate(rpc(call, 'infer'))).toThrow('no such key');
  expect(authentication.canActivate(rpc(call, 'live'))).toBe(true);
  call.principal = { name: 'ci', roles: [] };
  expect(authentication.canActivate(rpc(call, 'infer'))).toBe(true);

  await expect(authorization.canActivate(rpc(call, 'infer'))).resolves.toBe(true);
  expect(policy.requests).toMatchObject([{ action: 'inference', wire: 'grpc', principal: { name: 'ci' } }]);
  policy.answer = 'deny';
  await expect(authorization.canActivate(rpc(call, 'infer'))).rejects.toThrow("'ci' has no right to inference");
});

it('leaves the request id open where the policy does not ask for it', async () => {
  const call = newCall();
  await new AuthorizationGuard(new Reflector(), new AllowAllPolicy()).canActivate(rpc(call, 'infer'));
  call.adoptRequestId('r-1');
  expect(call.requestId).toBe('r-1');
});
