import { type Body, FAILURE, json, type RouteDescription } from '../../protocol/rest/api/describe.decorator.js';
import { NamedSchema, type PlainSchema } from '../../protocol/rest/api/schema.js';
import type { RegisteredRoute } from '../../protocol/rest/rest-server.js';
import type { RouteHandler } from './find-handlers.js';

const UNDESCRIBED: RouteDescription = { summary: '' };

/** How callers say who they are; a client certificate is no matter of a request. */
const CREDENTIALS = {
  key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
  bearer: { type: 'http', scheme: 'bearer' },
} as const;

/** The OpenAPI document of the routes; `isClosed` tells whether callers must say who they are. */
export function writeDocument(
  routes: readonly RegisteredRoute[],
  handlers: ReadonlyMap<string, RouteHandler>,
  isClosed: boolean,
): object {
  const schemas = new Schemas();
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, url } of routes) {
    // What answers for any path, as that of CORS does, is no route of the document.
    if (url.includes('*')) continue;
    const handler = handlers.get(`${method} ${url}`);
    const { family, isPublic = false, description = UNDESCRIBED } = handler ?? {};
    const path = templateOf(url);
    (paths[path] ??= {})[method.toLowerCase()] = {
      operationId: operationId(method, path),
      ...(description.summary === '' ? {} : { summary: description.summary }),
      ...(family === undefined ? {} : { tags: [family] }),
      ...(isClosed && !isPublic ? { security: Object.keys(CREDENTIALS).map((name) => ({ [name]: [] })) } : {}),
      parameters: parametersOf(path),
      ...requestOf(description, schemas),
      responses: responsesOf(description, schemas),
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Open Inference Protocol', version: '2' },
    paths,
    components: { schemas: schemas.all, ...(isClosed ? { securitySchemes: CREDENTIALS } : {}) },
  };
}

/** From the router's way to write a path: `:model(.+)::predict` is `{model}:predict`. */
const templateOf = (url: string): string =>
  url
    .replaceAll('::', '\0')
    .replaceAll(/:(\w+)(?:\([^)]*\))?/g, '{$1}')
    .replaceAll('\0', ':');

const operationId = (method: string, path: string): string =>
  method.toLowerCase() +
  path
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

const parametersOf = (path: string): object[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function requestOf({ request, optionalRequest = false }: RouteDescription, schemas: Schemas): object {
  return request === undefined
    ? {}
    : { requestBody: { required: !optionalRequest, content: schemas.content(request) } };
}

function responsesOf({ response, failures = {} }: RouteDescription, schemas: Schemas): object {
  const told = Object.entries(failures).map(([status, body]) => [
    status,
    { description: 'A failure that says more', content: schemas.content(body) },
  ]);
  return {
    200: { description: 'Success', ...(response === undefined ? {} : { content: schemas.content(response) }) },
    ...Object.fromEntries(told),
    default: { description: 'A failure', content: schemas.content(json(FAILURE)) },
  };
}

/** Named schemas stand once in a document, and are referred to from everywhere else. */
class Schemas {
  readonly all: Record<string, unknown> = {};

  content(body: Body): object {
    return Object.fromEntries(Object.entries(body).map(([type, schema]) => [type, { schema: this.write(schema) }]));
  }

  private write(value: unknown): unknown {
    if (value instanceof NamedSchema) return this.refer(value);
    if (Array.isArray(value)) return value.map((item) => this.write(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value as PlainSchema).map(([key, item]) => [key, this.write(item)]));
  }

  private refer({ name, schema }: NamedSchema): object {
    if (!Object.hasOwn(this.all, name)) {
      this.all[name] = {};
      this.all[name] = this.write(schema);
    }
    return { $ref: `#/components/schemas/${name}` };
  }
}
