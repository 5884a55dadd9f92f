import 'reflect-metadata';

const EXTENSION = Symbol('extension');

/**
 * Names the protocol extensions that a module brings; the server's metadata lists those of the modules that are
 * imported.
 *
 * @example
 * \@Extension('model_repository')
 * \@Module({})
 * export class RepositoryModule {}
 */
export function Extension(...names: readonly string[]) {
  return (target: new (...args: never[]) => object): void => {
    Reflect.defineMetadata(EXTENSION, names, target);
  };
}

export const extensionNames = (target: object): readonly string[] =>
  (Reflect.getOwnMetadata(EXTENSION, target) as readonly string[] | undefined) ?? [];
