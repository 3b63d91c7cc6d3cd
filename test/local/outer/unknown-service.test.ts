/** Calls that make no sense, of every operation of every service: each gets an error that a person can act on, and no service breaks. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/core/clock.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import { modelOf } from '../../../local/core/protocols/model.ts';
import type { Shape } from '../../../local/core/protocols/shape.ts';
import { Random } from '../../../local/core/random.ts';
import { ServiceError } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { factories } from '../../../local/services/index.ts';
import { allows } from '../services/double.ts';

const account = '111122223333';
const TEXTS = [
  'nope',
  '',
  '*',
  '{}',
  '[1',
  'nope:1',
  'a/b/c',
  '/x/y',
  'arn:',
  `arn:aws:ecs:eu-west-1:${account}:cluster/x`,
  `arn:aws:iam::${account}:role/x`,
  `arn:aws:states:eu-west-1:${account}:stateMachine:x`,
  `https://sqs.eu-west-1.amazonaws.com/${account}/x`,
];

/** Something that the schema allows and that most likely means nothing. */
function nonsense(shape: Shape, random: Random, depth = 0): unknown {
  const pick = <T>(list: readonly T[]) => list[random.integer(list.length)]!;
  const chance = (share: number) => random.next() < share;
  switch (shape.kind) {
    case 'structure': {
      const members = [...shape.members.values()];
      const chosen = shape.union
        ? [pick(members)]
        : members.filter(({ name }) => shape.required.includes(name) || (depth < 4 && chance(0.3)));
      return Object.fromEntries(chosen.map((member) => [member.name, nonsense(member.shape, random, depth + 1)]));
    }
    case 'list':
      return depth > 5 || chance(0.2) ? [] : [nonsense(shape.item.shape, random, depth + 1)];
    case 'map': {
      if (depth > 5 || chance(0.3)) return {};
      return { [String(nonsense(shape.key.shape, random, depth + 1))]: nonsense(shape.value.shape, random, depth + 1) };
    }
    case 'string':
      return shape.values !== undefined && chance(0.95) ? pick([...shape.values]) : pick(TEXTS);
    case 'number':
      return pick([0, 1, -1, 5, 100, 0.5]);
    case 'boolean':
      return chance(0.5);
    case 'timestamp':
      return new Date(Date.parse('2026-11-23T08:00:00Z') + (random.integer(11) - 5) * 86_400_000);
    case 'blob':
      return new TextEncoder().encode('{}');
    default:
      return {};
  }
}

describe('what an outsider may write', () => {
  it.each(Object.keys(factories))('breaks nothing in %s', async (service) => {
    const clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
    const world = new World(clock, factories, 7);
    world.lenient = true;
    const site = world.site(account, 'eu-west-1');
    const users = identities(world, account);
    users.user('somebody', { everything: allows('*') });
    const somebody = users.userPrincipal('somebody');
    const random = new Random(11);
    const broken: string[] = [];
    let refused = 0;
    for (const operation of Object.keys(site.find(service).operations)) {
      const { input } = modelOf(service)!.operations.get(operation)!;
      for (let time = 0; time < 30; time++) {
        const value = nonsense(input, random) as object;
        const answered = site.call(somebody, service, operation, value).catch((error: unknown) => {
          if (error instanceof ServiceError) refused += 1;
          else broken.push(`${operation} ${JSON.stringify(value)}: ${String(error)}`);
        });
        // Some wait for what happens in the world: a long poll, an invocation, an execution.
        await Promise.race([answered, clock.settle()]);
      }
    }
    await clock.run({ until: clock.now() + 60_000 });
    expect(broken).toEqual([]);
    if (Object.keys(site.find(service).operations).length > 0) expect(refused).toBeGreaterThan(0);
  });
});
