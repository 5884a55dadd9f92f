import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CallAuthenticator } from '../protocol/call/call-authenticator.js';
import { AuthenticationGuard } from './authentication/authentication.guard.js';
import { AuthenticationPolicy } from './authentication/authentication-policy.js';
import { type Authenticator, AUTHENTICATORS } from './authentication/authenticator.js';
import { Authenticators } from './authentication/authenticators.js';
import { AllowAllPolicy } from './authorization/allow-all.policy.js';
import { AuthorizationGuard } from './authorization/authorization.guard.js';
import { PolicyDecisionPoint } from './authorization/policy-decision-point.js';

export interface AdmissionOptions {
  /** Asked in this order; see {@link Authenticator}. */
  readonly authenticators: readonly Type<Authenticator>[];
  /** Default: {@link AllowAllPolicy}. */
  readonly policy?: Type<PolicyDecisionPoint>;
}

/** May this call enter? Guards every rpc and route: first who calls, then whether they may. */
@Module({})
export class AdmissionModule {
  static forRoot({ authenticators, policy = AllowAllPolicy }: AdmissionOptions): DynamicModule {
    return {
      module: AdmissionModule,
      providers: [
        ...authenticators,
        { provide: AUTHENTICATORS, useFactory: (...all: Authenticator[]) => all, inject: [...authenticators] },
        { provide: CallAuthenticator, useClass: Authenticators },
        { provide: PolicyDecisionPoint, useClass: policy },
        AuthenticationPolicy,
        // Nest asks global guards in the order of their registration.
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        { provide: APP_GUARD, useClass: AuthorizationGuard },
      ],
      exports: [CallAuthenticator, AuthenticationPolicy, PolicyDecisionPoint],
    };
  }
}
