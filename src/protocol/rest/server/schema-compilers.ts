import { createRequire } from 'node:module';
import type { FastifyServerOptions } from 'fastify';

type Compilers = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

const requireAsFastify = createRequire(createRequire(import.meta.url).resolve('fastify'));

/** Fastify loads the hundred modules of its compilers at each start; here the first route with a schema does. */
const onFirstUse = <K extends keyof Compilers>(name: string) =>
  ((...given: readonly unknown[]) => {
    const select = requireAsFastify(name) as () => (...given: readonly unknown[]) => unknown;
    return select()(...given);
  }) as NonNullable<Compilers[K]>;

/** What validates and writes by the schemas of routes: this server's own have none. */
export const schemaCompilers: Compilers = {
  buildValidator: onFirstUse<'buildValidator'>('@fastify/ajv-compiler'),
  buildSerializer: onFirstUse<'buildSerializer'>('@fastify/fast-json-stringify-compiler'),
};
