/** Writes `domain/task-definition/shape.json`: what RegisterTaskDefinition takes, by the schema of the ECS client, which rules may not import. */
import { writeFileSync } from 'node:fs';
import { modelOf } from '../local/core/protocols/model.ts';
import type { Shape, Structure } from '../local/core/protocols/shape.ts';

/** As `domain/task-definition/shape.ts` reads it. */
type Type = string | { readonly values: readonly string[] } | { readonly list: Type } | { readonly map: Type } | { readonly of: string };

type Structures = Record<string, { readonly members: Readonly<Record<string, Type>>; readonly required: readonly string[] }>;

/** Every structure that a registration may hold, by name, the request itself among them. */
export function readShape(): Structures {
  const structures: Structures = {};
  const typeOf = (shape: Shape): Type => {
    switch (shape.kind) {
      case 'structure':
        return add(shape);
      case 'list':
        return { list: typeOf(shape.item.shape) };
      case 'map':
        return { map: typeOf(shape.value.shape) };
      case 'string':
        return shape.values === undefined ? 'string' : { values: [...shape.values] };
      case 'number':
      case 'boolean':
        return shape.kind;
      default:
        throw new Error(`a task definition holds ${shape.kind}, which no rule knows`);
    }
  };
  const add = ({ name, members, required }: Structure): Type => {
    if (!(name in structures)) {
      structures[name] = { members: {}, required };
      const own = [...members.values()].map((member) => [member.name, typeOf(member.shape)] as const);
      structures[name] = { members: Object.fromEntries(own), required };
    }
    return { of: name };
  };
  const input = modelOf('ecs')?.operations.get('RegisterTaskDefinition')?.input;
  if (input?.kind !== 'structure') throw new Error('the ECS client has no RegisterTaskDefinition');
  add(input);
  return structures;
}

if (import.meta.main)
  writeFileSync(new URL('../domain/task-definition/shape.json', import.meta.url), `${JSON.stringify(readShape(), null, 2)}\n`);
