/** Which resource types a site can make: those of its services, and the inert ones. */
import type { ResourceType } from '../core/service.ts';
import type { Site } from '../core/site.ts';
import { inertTypes } from './inert.ts';
import { TemplateError } from './template.ts';

/** The types by name, with the service that makes each. */
export type TypeTable = ReadonlyMap<string, ResourceType>;

export function resourceTypes(site: Site): TypeTable {
  const types = new Map<string, ResourceType>();
  for (const [name, create] of Object.entries(inertTypes))
    types.set(name, { properties: [], create, update: (properties, _before, context) => create(properties, context) });
  for (const service of site.world.serviceNames)
    for (const [name, type] of Object.entries(site.find(service).resources ?? {})) types.set(name, type);
  return types;
}

/** @throws TemplateError for a type that nobody makes here */
export function typeOf(types: TypeTable, stack: string, logicalId: string, name: string): ResourceType {
  const type = types.get(name);
  if (type !== undefined) return type;
  const namespace = name.split('::').slice(0, 2).join('::');
  const siblings = [...types.keys()].filter((known) => known.startsWith(`${namespace}::`));
  throw new TemplateError(
    stack,
    `${logicalId} (${name})`,
    `local AWS does not make this resource type; ${siblings.length > 0 ? `of ${namespace} it makes ${siblings.join(', ')}` : `it makes nothing of ${namespace}`}. ` +
      'Leave it out of the stacks that run here, or add it to the resources of its service (docs/local-aws.md)',
  );
}

/** @throws TemplateError for a property that the type does not know: nothing is silently ignored */
export function checkProperties(
  type: ResourceType,
  stack: string,
  logicalId: string,
  name: string,
  properties: Readonly<Record<string, unknown>>,
): void {
  if (name in inertTypes) return;
  for (const property of Object.keys(properties))
    if (!type.properties.includes(property) && !type.inert?.includes(property))
      throw new TemplateError(
        stack,
        `${logicalId} (${name})`,
        `property ${property}: local AWS does not implement it; it knows ${[...type.properties].sort().join(', ')}`,
      );
}
