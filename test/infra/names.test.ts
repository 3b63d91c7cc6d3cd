/** Logical ids: two names never share one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pascal } from '../../infra/names.ts';

const word = fc.stringMatching(/^[azsdu12]{1,3}$/);
const repository = fc
  .tuple(word, fc.array(fc.tuple(fc.constantFrom('-', '/', '.', '_'), word), { maxLength: 3 }))
  .map(([first, more]) => first + more.map(([separator, next]) => separator + next).join(''));

describe('a logical id', () => {
  it('reads as the name does', () => {
    expect(['acme', 'live-eu', 'orders-web'].map(pascal)).toEqual(['Acme', 'LiveEu', 'OrdersWeb']);
  });

  it.each([
    ['api1', 'api-1'],
    ['prod1', 'prod-1'],
    ['team/orders', 'team-orders'],
    ['team.orders', 'team_orders'],
    ['team/orders', 'team-sorders'],
    ['a-z', 'az'],
    ['a-zs1', 'a/1'],
  ])('tells %s from %s', (one, other) => expect(pascal(one)).not.toBe(pascal(other)));

  it('is letters and digits, and never that of another name', () =>
    fc.assert(
      fc.property(fc.uniqueArray(repository, { minLength: 200, maxLength: 300 }), (names) => {
        const ids = names.map(pascal);
        for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]+$/);
        expect(new Set(ids).size).toBe(names.length);
      }),
      { numRuns: 30 },
    ));
});
