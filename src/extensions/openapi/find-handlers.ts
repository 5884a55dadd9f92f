import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import type { ModulesContainer } from '@nestjs/core';
import { FAMILY, type OperationFamily, PUBLIC } from '../../protocol/call/operation.decorator.js';
import { DESCRIPTION, type RouteDescription } from '../../protocol/rest/api/describe.decorator.js';

/** What the decorators of a handler and its controller say of its routes. */
export interface RouteHandler {
  readonly family: OperationFamily | undefined;
  readonly isPublic: boolean;
  readonly description: RouteDescription | undefined;
}

/** The handlers of all controllers by their routes, `GET /v2` for one. */
export function findHandlers(modules: ModulesContainer): ReadonlyMap<string, RouteHandler> {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  return new Map(
    controllers.flatMap(({ metatype }) => (typeof metatype === 'function' ? handlersOf(metatype as Controller) : [])),
  );
}

type Controller = abstract new (...args: never[]) => object;

function handlersOf(controller: Controller): (readonly [string, RouteHandler])[] {
  const methods = Object.values(Object.getOwnPropertyDescriptors(controller.prototype)).flatMap(({ value }) =>
    typeof value === 'function' && Reflect.hasMetadata(PATH_METADATA, value) ? [value as object] : [],
  );
  return methods.flatMap((method) => {
    const verb = RequestMethod[Reflect.getMetadata(METHOD_METADATA, method) as RequestMethod];
    const handler: RouteHandler = {
      family: said(FAMILY, method, controller) as OperationFamily | undefined,
      isPublic: said(PUBLIC, method, controller) === true,
      description: Reflect.getMetadata(DESCRIPTION, method) as RouteDescription | undefined,
    };
    return pathsOf(controller).flatMap((base) =>
      pathsOf(method).map((path) => [`${verb} ${join(base, path)}`, handler] as const),
    );
  });
}

const said = (key: symbol, method: object, controller: object): unknown =>
  Reflect.getMetadata(key, method) ?? Reflect.getMetadata(key, controller);

const pathsOf = (target: object): readonly string[] =>
  [Reflect.getMetadata(PATH_METADATA, target) as string | readonly string[]].flat();

const join = (...parts: readonly string[]): string =>
  `/${parts.flatMap((part) => part.split('/').filter((segment) => segment !== '')).join('/')}`;
