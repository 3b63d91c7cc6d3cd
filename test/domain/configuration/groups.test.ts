import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupsOf } from '../../../domain/configuration/groups.ts';

type Sources = Record<string, string[]>;

function grouped(services: Sources, repositories: readonly string[]) {
  const problems: string[] = [];
  const containers = Object.fromEntries(
    Object.entries(services).map(([service, own]) => [
      service,
      { containers: Object.fromEntries(own.map((one, index) => [`c${index}`, one])) },
    ]),
  );
  const result = groupsOf(containers, repositories, (place, message) => problems.push(`${place}: ${message}`));
  return { ...result, problems };
}

describe('groups', () => {
  it('join services through a chain of repositories', () => {
    const { groups, services } = grouped({ web: ['a', 'b'], worker: ['b', 'c'], other: ['d'] }, ['a', 'b', 'c', 'd']);
    expect(groups).toEqual({
      a: { name: 'a', repositories: ['a', 'b', 'c'], services: ['web', 'worker'] },
      d: { name: 'd', repositories: ['d'], services: ['other'] },
    });
    expect(services).toEqual({ web: 'a', worker: 'a', other: 'd' });
  });

  it('are asked for nothing that would never be deployed', () => {
    expect(grouped({ web: [] }, ['a']).problems).toEqual([
      'services.web.containers: none of its containers runs a repository, so nothing would ever be deployed',
      'repositories.a: no service runs it',
    ]);
    expect(grouped({ web: ['orders', 'ordres'] }, ['orders']).problems).toEqual([
      'services.web.containers.c1: no repository "ordres", did you mean "orders"?',
    ]);
  });

  it('are exactly what can be reached, for any services', () =>
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 3 }), { maxLength: 6 }),
        (all) => {
          const services = Object.fromEntries(all.map((own, index) => [`s${index}`, own]));
          const repositories = [...new Set(all.flat())].sort();
          const { groups, services: byService } = grouped(services, repositories);
          // Naive: spread labels until nothing changes; the least one wins.
          const label = new Map(repositories.map((one) => [one, one]));
          for (let round = 0; round < repositories.length; round++)
            for (const own of all) {
              const least = own.map((one) => label.get(one)!).sort()[0]!;
              for (const one of own) label.set(one, least);
            }
          for (const [service, own] of Object.entries(services)) expect(byService[service]).toBe(label.get(own[0]!));
          expect(
            Object.values(groups)
              .flatMap((group) => group.repositories)
              .sort(),
          ).toEqual(repositories);
          expect(
            Object.values(groups)
              .flatMap((group) => group.services)
              .sort(),
          ).toEqual(Object.keys(services).sort());
        },
      ),
    ));
});
