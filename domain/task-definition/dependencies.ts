/** The order in which containers start. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html */
import { suggestion } from '../text/suggestion.ts';
import { containersOf, listOf, type Members, type Refuse } from './members.ts';

export function refuseDependencies(request: Members, refuse: Refuse): void {
  const containers = containersOf(request);
  const byName = new Map(containers.map((container) => [container.name, container]));
  for (const { at, name, dependsOn } of containers)
    for (const [index, { containerName, condition }] of listOf(dependsOn).entries()) {
      const place = `${at}.dependsOn[${index}]`;
      const other = byName.get(String(containerName));
      if (other === undefined)
        refuse(
          place,
          `there is no container "${String(containerName)}"${suggestion(String(containerName), [...byName.keys()]) || `; there are ${[...byName.keys()].join(', ')}`}`,
        );
      else if (other.name === name) refuse(place, `${name} waits for itself, and would never start`);
      else if ((condition === 'SUCCESS' || condition === 'COMPLETE') && other.essential !== false)
        refuse(
          place,
          `${name} waits for ${other.name} to end (${condition}), and ${other.name} is essential: when it ends, the whole task does; give ${other.name} "essential": false`,
        );
      else if (condition === 'HEALTHY' && other.healthCheck === undefined)
        refuse(
          place,
          `${name} waits for ${other.name} to be healthy, and ${other.name} has no \`healthCheck\`; give it one, or take START`,
        );
    }
  const circle = circleIn(
    new Map(containers.map(({ name, dependsOn }) => [name, listOf(dependsOn).map(({ containerName }) => String(containerName))])),
  );
  if (circle)
    refuse(
      'containerDefinitions',
      `${[...circle, circle[0]].join(' waits for ')}: none of them would ever start; take one \`dependsOn\` out`,
    );
}

/** The first circle of several containers; undefined where there is none. */
function circleIn(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    const before = path.indexOf(name);
    if (before >= 0) return path.length - before > 1 ? path.slice(before) : undefined;
    if (done.has(name)) return undefined;
    for (const next of edges.get(name) ?? []) {
      const found = visit(next, [...path, name]);
      if (found) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const name of edges.keys()) {
    const found = visit(name, []);
    if (found) return found;
  }
  return undefined;
}
