import type { JWTPayload } from 'jose';
import type { Principal } from '../../../core/inference/principal.js';
import { invalidToken } from './token-refusal.js';

/** Whom a verified token speaks of: its subject, and the roles of the claim that is configured. */
export function principalOf(payload: JWTPayload, rolesClaim: string): Principal {
  const { sub: name } = payload;
  if (typeof name !== 'string' || name.trim() === '') throw invalidToken('without a subject');
  return { name, roles: rolesOf(payload, rolesClaim) };
}

/** A claim of just that name wins, dots and all: some issuers take URLs for names. */
function rolesOf(payload: JWTPayload, claim: string): readonly string[] {
  const value = ownOf(payload, claim) ?? claim.split('.').reduce<unknown>(ownOf, payload);
  if (typeof value === 'string') return value.split(/\s+/).filter((role) => role !== '');
  return Array.isArray(value) ? value.filter((role): role is string => typeof role === 'string') : [];
}

const ownOf = (object: unknown, key: string): unknown =>
  typeof object === 'object' && object !== null && Object.hasOwn(object, key) ? Reflect.get(object, key) : undefined;
