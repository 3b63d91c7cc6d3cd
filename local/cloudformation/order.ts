/** Resources in an order in which each comes after those it depends on. */

/**
 * @param dependencies by logical id; ids that are no key are ignored
 * @throws Error naming the circle, if there is one
 */
export function inDependencyOrder(dependencies: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (id: string, path: readonly string[]): void => {
    if (state.get(id) === 'done') return;
    if (state.get(id) === 'open') throw new Error(`circular dependency: ${[...path.slice(path.indexOf(id)), id].join(' → ')}`);
    state.set(id, 'open');
    for (const dependency of dependencies.get(id) ?? []) if (dependencies.has(dependency)) visit(dependency, [...path, id]);
    state.set(id, 'done');
    order.push(id);
  };
  for (const id of dependencies.keys()) visit(id, []);
  return order;
}
