import { describe, expect, it } from 'vitest';
import { CLIENTS } from '../../../../local/core/protocols/clients.ts';
import enums from '../../../../local/core/protocols/enums.json' with { type: 'json' };
import { readEnums } from '../../../../local/core/protocols/enums.write.ts';
import { modelOf } from '../../../../local/core/protocols/model.ts';
import type { Scalar, Shape, Structure } from '../../../../local/core/protocols/shape.ts';

describe('the table of enums', () => {
  it("is what the clients' types say: run `npx node local/core/protocols/enums.write.ts` after an update", () => {
    expect(enums).toEqual(readEnums());
  });

  it.each(Object.keys(CLIENTS))('gives strings of %s their values, none of them an empty list', (service) => {
    const found = new Map<string, ReadonlySet<string>>();
    const seen = new Set<Shape>();
    const walk = (shape: Shape, name: string): void => {
      if (shape.kind === 'string' && shape.values !== undefined) found.set(name, shape.values);
      if (shape.kind === 'list') walk(shape.item.shape, name);
      if (shape.kind === 'map') for (const part of [shape.key, shape.value]) walk(part.shape, name);
      if (shape.kind !== 'structure' || seen.has(shape)) return;
      seen.add(shape);
      for (const member of shape.members.values()) walk(member.shape, `${shape.name}.${member.name}`);
    };
    for (const { input, output } of modelOf(service)!.operations.values()) for (const shape of [input, output]) walk(shape, '');
    const known = Object.keys((enums as Record<string, object>)[service] ?? {}).filter((name) => seen.has(structureOf(seen, name)!));
    // STS has no constant; everybody else has.
    expect(found.size > 0).toBe(service !== 'sts');
    expect(known.filter((name) => !found.has(name))).toEqual([]);
    for (const [name, values] of found) expect([name, values.size > 0]).toEqual([name, true]);
  });

  it('marks required members and the values of their constants', () => {
    const { members, required } = modelOf('ecs')!.operations.get('CreateService')!.input as Structure;
    expect(required).toEqual(['serviceName']);
    expect([...((members.get('launchType')!.shape as Scalar).values ?? [])]).toEqual(['EC2', 'EXTERNAL', 'FARGATE', 'MANAGED_INSTANCES']);
  });
});

function structureOf(shapes: ReadonlySet<Shape>, member: string): Shape | undefined {
  const name = member.split('.')[0];
  return [...shapes].find((shape) => shape.kind === 'structure' && shape.name === name);
}
