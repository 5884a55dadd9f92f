import { expect, it } from 'vitest';
import { CallContext } from '../../protocol/call/call-context.js';
import { Deferred } from '../../testing/deferred.js';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import { FakePolicyDecisionPoint } from '../../testing/fake-policy-decision-point.js';
import { AllowAllPolicy } from './policies/allow-all.policy.js';
import { type AccessDecision, type AccessRequest, PolicyDecisionPoint } from './policy-decision-point.js';
import { PolicyModelAccess } from './policy-model-access.js';

const call = () =>
  new CallContext({
    wire: 'rest',
    operation: 'GET /v2/models',
    requestId: 'r-1',
    peer: '192.0.2.1',
    userAgent: '',
    deadline: Infinity,
    onDisconnect: () => undefined,
  });

class ByName extends PolicyDecisionPoint {
  decide({ model }: AccessRequest): AccessDecision {
    return model.startsWith('open') ? 'permit' : 'deny';
  }
}

it('asks about the model and its version, and throws what a guard would', async () => {
  const policy = new FakePolicyDecisionPoint();
  const access = new PolicyModelAccess(policy);
  await access.check(call(), 'inference', 'iris', '3');
  expect(policy.requests).toMatchObject([{ action: 'inference', model: 'iris', version: '3', peer: '192.0.2.1' }]);
  policy.answer = 'deny';
  await expect(access.check(call(), 'inference', 'iris')).rejects.toMatchObject({ code: 'permission-denied' });
  policy.answer = new Error('down');
  await expect(access.check(call(), 'inference', 'iris')).rejects.toMatchObject({ code: 'unavailable' });
});

it('waits only where the policy does', () => {
  expect(new PolicyModelAccess(new AllowAllPolicy()).check(call(), 'inference', 'iris')).toBeUndefined();
  expect(() => new PolicyModelAccess(new ByName()).check(call(), 'inference', 'iris')).toThrow('Permission denied');
});

it('keeps the order of those that are visible', async () => {
  const access = new PolicyModelAccess(new ByName());
  const models = ['open-b', 'shut', 'open-a', 'open-b'];
  expect(await access.visible(call(), 'metadata', models)).toEqual(['open-b', 'open-a', 'open-b']);
  expect(await access.visible(call(), 'metadata', [])).toEqual([]);
});

it('asks about eight models at a time, each once', async () => {
  const asked: Deferred<AccessDecision>[] = [];
  const names: string[] = [];
  class Slow extends PolicyDecisionPoint {
    decide({ model }: AccessRequest): Promise<AccessDecision> {
      const answer = new Deferred<AccessDecision>();
      names.push(model);
      asked.push(answer);
      return answer.promise;
    }
  }
  const models = Array.from({ length: 20 }, (_, index) => `m${index}`);
  const listing = new PolicyModelAccess(new Slow()).visible(call(), 'metadata', models);
  expect(asked).toHaveLength(8);
  for (let index = 0; index < models.length; index++) {
    asked[index]?.resolve(index % 2 === 0 ? 'permit' : 'deny');
    await new Promise((resolve) => void setImmediate(resolve));
    expect(asked.length).toBe(Math.min(models.length, 9 + index));
  }
  expect(await listing).toEqual(models.filter((_, index) => index % 2 === 0));
  expect(names).toEqual(models);
});

it('gives no listing at all rather than half of one', async () => {
  const policy = new FakePolicyDecisionPoint();
  policy.answer = new Error('down');
  const listing = new PolicyModelAccess(policy).visible(call(), 'metadata', ['a', 'b']);
  await expect(listing).rejects.toMatchObject({ code: 'unavailable' });
});

it('refuses to speak for a call that has no caller', () => {
  const access = new PolicyModelAccess(new AllowAllPolicy());
  expect(() => access.check(new FakeInferenceCall(), 'inference', 'iris')).toThrow(TypeError);
});
