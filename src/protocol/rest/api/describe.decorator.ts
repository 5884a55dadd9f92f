import { SetMetadata } from '@nestjs/common';
import { objectOf, NamedSchema, type Schema, TEXT } from './schema.js';

/** What a route takes and answers, told beside its handler. */
export interface RouteDescription {
  readonly summary: string;
  readonly request?: Body;
  /** Whether a request may come without a body. Default: false. */
  readonly optionalRequest?: boolean;
  /** Default: an empty body. */
  readonly response?: Body;
  /** Replies to failures with more than an error in them, by status. */
  readonly failures?: Readonly<Record<number, Body>>;
}

/** The schema of a body by its media type. */
export type Body = Readonly<Record<string, Schema>>;

export const json = (schema: Schema): Body => ({ 'application/json': schema });

export const events = (schema: Schema): Body => ({ 'text/event-stream': schema });

/** The body of every failure. */
export const FAILURE = new NamedSchema('Error', objectOf({ error: TEXT }));

export const DESCRIPTION = Symbol('description');

/** Describes a route for those who ask for the document of all routes. */
export const Describe = (description: RouteDescription) => SetMetadata(DESCRIPTION, description);
