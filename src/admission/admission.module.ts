import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { FileWatcher } from '../config/file-watcher.js';
import { ModelAccess } from '../core/inference/model-access.js';
import { CallAuthenticator } from '../protocol/call/call-authenticator.js';
import { AuthenticationGuard } from './authentication/authentication.guard.js';
import { AuthenticationPolicy } from './authentication/authentication-policy.js';
import { type Authenticator, AUTHENTICATORS } from './authentication/authenticator.js';
import { Authenticators } from './authentication/authenticators.js';
import { AuthorizationConfig } from './authorization/authorization.config.js';
import { AuthorizationGuard } from './authorization/authorization.guard.js';
import { choosePolicy } from './authorization/choose-policy.js';
import { PolicyDecisionPoint } from './authorization/policy-decision-point.js';
import { PolicyModelAccess } from './authorization/policy-model-access.js';
import { MemoryTokenBuckets } from './rate-limit/memory-token-buckets.js';
import { RateLimitGuard } from './rate-limit/rate-limit.guard.js';
import { RateLimiter } from './rate-limit/rate-limiter.js';
import { TokenBucketStore } from './rate-limit/token-bucket-store.js';
import { RestrictionGuard } from './restriction/restriction.guard.js';

export interface AdmissionOptions {
  /** Asked in this order; see {@link Authenticator}. */
  readonly authenticators: readonly Type<Authenticator>[];
  /** Default: the one that `AUTHZ` names. */
  readonly policy?: Type<PolicyDecisionPoint>;
}

/**
 * May this call enter? Guards every rpc and route: who calls, whether the wire is restricted, how often, and whether
 * they may.
 */
@Module({})
export class AdmissionModule {
  static forRoot({ authenticators, policy }: AdmissionOptions): DynamicModule {
    return {
      module: AdmissionModule,
      global: true,
      providers: [
        ...authenticators,
        { provide: AUTHENTICATORS, useFactory: (...all: Authenticator[]) => all, inject: [...authenticators] },
        { provide: CallAuthenticator, useClass: Authenticators },
        policy === undefined
          ? { provide: PolicyDecisionPoint, useFactory: choosePolicy, inject: [AuthorizationConfig, FileWatcher] }
          : { provide: PolicyDecisionPoint, useClass: policy },
        { provide: ModelAccess, useClass: PolicyModelAccess },
        { provide: TokenBucketStore, useFactory: () => new MemoryTokenBuckets() },
        RateLimiter,
        AuthenticationPolicy,
        // Nest asks global guards in the order of their registration.
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        { provide: APP_GUARD, useClass: RestrictionGuard },
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: AuthorizationGuard },
      ],
      exports: [CallAuthenticator, AuthenticationPolicy, PolicyDecisionPoint, ModelAccess],
    };
  }
}
