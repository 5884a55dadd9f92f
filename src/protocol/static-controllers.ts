import type { ModulesContainer } from '@nestjs/core';

/**
 * Refuses a controller that is request-scoped, or injects what is: Nest would build it anew for every request, and a
 * stream over gRPC would lose its call. Throws an error that names it.
 */
export function assertStaticControllers(modules: ModulesContainer): void {
  for (const { controllers } of modules.values()) {
    for (const wrapper of controllers.values()) {
      if (wrapper.isDependencyTreeStatic()) continue;
      throw new Error(
        `${wrapper.name} is request-scoped, or injects a provider that is: drop the scope, and read what belongs to the ` +
          'request from the call',
      );
    }
  }
}
