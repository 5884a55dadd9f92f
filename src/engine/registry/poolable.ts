import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PROPERTY_DEPS_METADATA } from '@nestjs/common/constants.js';
import type { ModelMetadata } from '../../core/model/model.decorator.js';
import type { Discovered } from './provider-discovery.js';

/** Ends the start for a model that worker threads could not make, where that can be seen before they try. */
export function assertPoolable({ metadata, instance, className }: Discovered<ModelMetadata>): void {
  const { name, execution } = metadata;
  if (execution === undefined) return;
  if (injects(instance.constructor)) {
    throw new Error(
      `${className} is behind @Model('${name}') with worker threads, where nothing can be injected: ` +
        'move the dependency into load(), or drop the pool',
    );
  }
  if (!existsSync(fileURLToPath(execution.module))) {
    throw new Error(
      `${className} is behind @Model('${name}') with worker threads, whose module ${execution.module} is not there: ` +
        'write workerThreads({ module: import.meta.url }) in the file that exports the class',
    );
  }
}

/** What Nest would inject: by the constructor, also an inherited one, and into properties. */
function injects(type: object): boolean {
  const taken = (Reflect.getMetadata('design:paramtypes', type) as unknown[] | undefined)?.length;
  const properties = Reflect.getMetadata(PROPERTY_DEPS_METADATA, type) as unknown[] | undefined;
  return (taken ?? (type as { length?: number }).length ?? 0) > 0 || (properties?.length ?? 0) > 0;
}
