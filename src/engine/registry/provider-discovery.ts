import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

/** A provider that carries what was looked for. */
export interface Discovered<T> {
  readonly metadata: T;
  readonly instance: object;
  readonly className: string;
}

/** Finds the providers of the application that carry the metadata of a decorator. */
@Injectable()
export class ProviderDiscovery {
  constructor(private readonly discovery: DiscoveryService) {}

  /** Throws for a provider with a scope: models and runtimes are singletons, made once. */
  find<T>(decorator: string, read: (target: object) => T | undefined): Discovered<T>[] {
    const seen = new Set<object>();
    return this.discovery.getProviders().flatMap((wrapper) => {
      const metadata = carriers(wrapper)
        .map(read)
        .find((found) => found !== undefined);
      if (metadata === undefined) return [];
      const className = wrapper.name.toString();
      if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
        const scope = wrapper.isTransient ? 'transient' : 'request-scoped, or injects a provider that is';
        throw new Error(
          `${className} is ${scope}, but a class behind @${decorator} is a singleton: ` +
            `drop the scope, or read what belongs to the request from the context of the call`,
        );
      }
      const instance = wrapper.instance as object;
      if (seen.has(instance)) return [];
      seen.add(instance);
      return [{ metadata, instance, className }];
    });
  }
}

/** The class stands in another place for a plain provider, a factory, an alias and an overridden provider. */
function carriers({ metatype, token, instance }: InstanceWrapper): object[] {
  const made: unknown = (instance as object | null | undefined)?.constructor;
  return [metatype, token, made].filter((candidate): candidate is object => typeof candidate === 'function');
}
