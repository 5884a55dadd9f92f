import type { ModulesContainer } from '@nestjs/core';
import { PUBLIC } from '../../call/operation.decorator.js';

/** Where Nest keeps the patterns of a handler. */
const PATTERN = 'microservices:pattern';

interface Pattern {
  readonly service?: string;
  readonly rpc?: string;
}

/** The rpcs behind `@Public()`, as `Service/Rpc`: the transport admits their callers before any guard can. */
export function findPublicRpcs(modules: ModulesContainer): ReadonlySet<string> {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  return new Set(
    controllers.flatMap(({ metatype }) => {
      if (typeof metatype !== 'function') return [];
      const prototype = metatype.prototype as Record<string, unknown>;
      return Object.getOwnPropertyNames(prototype).flatMap((name) => {
        const method = prototype[name];
        if (typeof method !== 'function') return [];
        const open = Reflect.getMetadata(PUBLIC, method) ?? Reflect.getMetadata(PUBLIC, metatype);
        const patterns = (Reflect.getMetadata(PATTERN, method) as readonly Pattern[] | undefined) ?? [];
        return open === true ? patterns.map(({ service = '', rpc = '' }) => `${service}/${rpc}`) : [];
      });
    }),
  );
}
