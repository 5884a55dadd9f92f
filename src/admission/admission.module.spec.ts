import { type ArgumentsHost, Catch, Controller, type ExceptionFilter, Get, Module, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { authenticateCall } from '../protocol/call/authenticate-call.js';
import { fakeCredentials } from '../testing/fake-credentials.js';
import { Configuration } from '../config/configuration.js';
import { ReloadConfig } from '../config/reload.config.js';
import { ConfigurationModule } from '../config/configuration.module.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { toServingError } from '../core/errors/catalogue.js';
import { CallAuthenticator } from '../protocol/call/call-authenticator.js';
import { attachCall, CallContext } from '../protocol/call/call-context.js';
import { Family, Public } from '../protocol/call/operation.decorator.js';
import { FakePolicyDecisionPoint } from '../testing/fake-policy-decision-point.js';
import { AdmissionModule } from './admission.module.js';
import { ApiKeyAuthenticator } from './authentication/api-key/api-key.authenticator.js';
import { AuthenticationConfig } from './authentication/authentication.config.js';
import { AuthorizationConfig } from './authorization/authorization.config.js';
import { PolicyDecisionPoint } from './authorization/policy-decision-point.js';
import { RateLimitConfig } from './rate-limit/rate-limit.config.js';
import { RestrictionConfig } from './restriction/restriction.config.js';

@Controller()
@Family('inference')
class FamilyController {
  @Get('models')
  models(): string {
    return 'models';
  }

  @Get('statistics')
  @Family('statistics')
  statistics(): string {
    return 'statistics';
  }

  @Get('live')
  @Public()
  live(): string {
    return 'live';
  }
}

@Controller()
class StrayController {
  @Get('stray')
  stray(): string {
    return 'stray';
  }
}

@Module({ controllers: [FamilyController, StrayController] })
class RoutesModule {}

/** Answers with the code and the message: the statuses are the transport's. */
@Catch()
class CodeFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const { code, message } = toServingError(thrown);
    const reply: { send(body: object): void } = host.switchToHttp().getResponse();
    reply.send({ code, message });
  }
}

let app: NestFastifyApplication;

afterEach(() => app?.close());

const SECTIONS = [AuthenticationConfig, AuthorizationConfig, RateLimitConfig, RestrictionConfig, ReloadConfig];

/** A server whose transport does what the real ones do: it settles who calls before any guard runs. */
async function start(environment: Record<string, string>, policy?: Type<PolicyDecisionPoint>): Promise<void> {
  const admission = { authenticators: [ApiKeyAuthenticator], ...(policy && { policy }) };
  const testing = await Test.createTestingModule({
    imports: [
      RoutesModule,
      ConfigurationModule.forRoot(await Configuration.read(SECTIONS, { environment })),
      AdmissionModule.forRoot(admission),
    ],
    providers: [{ provide: APP_FILTER, useClass: CodeFilter }],
  }).compile();
  app = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
  const authenticator = app.get(CallAuthenticator);
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', async (request) => {
    const call = new CallContext({
      wire: 'rest',
      operation: `${request.method} ${request.routeOptions.url}`,
      requestId: 'r-1',
      peer: request.ip,
      userAgent: '',
      deadline: Infinity,
      onDisconnect: () => undefined,
    });
    await authenticateCall(call, fakeCredentials(request.headers as Record<string, string>), authenticator);
    call.model = 'iris';
    attachCall(request, call);
  });
  await app.init();
  await fastify.ready();
}

const KEY = 'key-of-the-ci-0001';
const KEYS = { API_KEYS: `ci:${KEY}` };

async function get(url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await app.inject({ url, headers });
  return response.body.startsWith('{') ? response.json<{ code: string }>().code : response.body;
}

const message = async (url: string, headers: Record<string, string> = {}): Promise<string> =>
  (await app.inject({ url, headers })).json<{ message: string }>().message;

describe('with keys', () => {
  it('lets in who has one, and anyone where it is public', async () => {
    await start(KEYS);
    expect(await get('/models', { 'x-api-key': KEY })).toBe('models');
    expect(await get('/live')).toBe('live');
    expect(await get('/live', { 'x-api-key': 'wrong' })).toBe('live');
  });

  it('refuses others, and says why', async () => {
    await start(KEYS);
    expect(await get('/models')).toBe('unauthenticated');
    expect(await message('/models')).toMatch(
      /^Missing credentials: send 'authorization: Bearer <token>' or 'x-api-key/,
    );
    expect(await get('/models', { 'x-api-key': 'wrong' })).toBe('unauthenticated');
    expect(await message('/models', { 'x-api-key': 'wrong' })).toBe('Invalid credentials: the API key is not known');
  });
});

describe('without keys', () => {
  it('lets everyone in', async () => {
    await start({});
    expect(await get('/models')).toBe('models');
    expect(await get('/models', { 'x-api-key': 'any' })).toBe('models');
  });

  it('does not start when authentication is demanded', async () => {
    await expect(start({ AUTH_ENABLED: 'true' })).rejects.toThrow(ConfigurationError);
    await expect(start({ API_KEYS: 'ci:short' })).rejects.toThrow("the key of 'ci' has fewer than 16 characters");
  });
});

const policy = () => app.get<FakePolicyDecisionPoint>(PolicyDecisionPoint);

describe('the policy', () => {
  const known = { 'x-api-key': KEY };

  it('is asked with all that is known of the call', async () => {
    await start(KEYS, FakePolicyDecisionPoint);
    await get('/models', known);
    await get('/statistics', known);
    expect(policy().requests).toMatchObject([
      {
        principal: { name: 'ci', roles: [] },
        action: 'inference',
        operation: 'GET /models',
        model: 'iris',
        version: '',
        wire: 'rest',
        peer: '127.0.0.1',
        requestId: 'r-1',
      },
      { action: 'statistics', operation: 'GET /statistics' },
    ]);
  });

  it('is not asked for strangers, nor about what is public', async () => {
    await start(KEYS, FakePolicyDecisionPoint);
    expect(await get('/models')).toBe('unauthenticated');
    expect(await get('/live')).toBe('live');
    expect(policy().requests).toEqual([]);
  });

  it('denies', async () => {
    await start(KEYS, FakePolicyDecisionPoint);
    policy().answer = 'deny';
    expect(await get('/models', known)).toBe('permission-denied');
    expect(await message('/models', known)).toBe("Permission denied: 'ci' has no right to inference on model 'iris'");
  });

  it('denies when it fails, and hides how', async () => {
    await start(KEYS, FakePolicyDecisionPoint);
    policy().answer = new Error('connect ECONNREFUSED 10.0.0.1:8181');
    expect(await get('/models', known)).toBe('unavailable');
    expect(await message('/models', known)).toBe('The authorization policy gave no decision: try again');
  });

  it('denies when it answers anything but permit', async () => {
    await start(KEYS, FakePolicyDecisionPoint);
    policy().answer = JSON.parse('"PERMIT"');
    expect(await get('/models', known)).toBe('permission-denied');
  });

  it('never hears of a handler without a family: that is denied', async () => {
    await start({}, FakePolicyDecisionPoint);
    expect(await get('/stray')).toBe('permission-denied');
    expect(await message('/stray')).toContain("'GET /stray' belongs to no family");
    expect(policy().requests).toEqual([]);
  });
});
