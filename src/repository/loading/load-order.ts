/** A model, and those that have to be loaded before it. */
export interface PlannedLoad {
  readonly name: string;
  readonly after: readonly string[];
}

/**
 * The models, and all that they depend on, each behind those. Models that depend on each other in a circle are not put
 * behind each other all the way round: the load itself says what is wrong with them.
 */
export function loadOrder(names: Iterable<string>, dependenciesOf: (name: string) => readonly string[]): PlannedLoad[] {
  const planned = new Map<string, PlannedLoad>();
  const onTheWay = new Set<string>();
  const visit = (name: string): void => {
    if (planned.has(name)) return;
    onTheWay.add(name);
    const after = dependenciesOf(name).filter((dependency) => !onTheWay.has(dependency));
    for (const dependency of after) visit(dependency);
    onTheWay.delete(name);
    planned.set(name, { name, after });
  };
  for (const name of names) visit(name);
  return [...planned.values()];
}
