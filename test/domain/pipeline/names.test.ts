import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { promotionExecution, releaseExecution } from '../../../domain/pipeline/names.ts';

const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`);
const repository = fc.stringMatching(/^[a-z0-9]+([._/-][a-z0-9]+){0,9}$/);
/** The longest that the configuration takes. */
const environment = fc.stringMatching(/^[a-z][a-z0-9-]{0,18}$/);

describe('the name of an execution', () => {
  it('tells repository, digest and attempt, as people can read it', () => {
    expect(releaseExecution('team/orders', `sha256:cf7edb2${'0'.repeat(57)}`, 2)).toBe('team_orders-cf7edb200000-2');
    expect(promotionExecution('live', 'orders-cf7edb200000-2')).toBe('live-orders-cf7edb200000-2');
  });

  // https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
  it('is one that Step Functions takes, for any repository and environment', () =>
    fc.assert(
      fc.property(repository, digest, fc.integer({ min: 1, max: 999 }), environment, (name, of, attempt, place) => {
        const release = releaseExecution(name, of, attempt);
        for (const execution of [release, promotionExecution(place, release)]) expect(execution).toMatch(/^[A-Za-z0-9._-]{1,80}$/);
        expect(release).toContain(of.slice(7, 19));
        expect(release.endsWith(`-${attempt}`)).toBe(true);
      }),
    ));

  it('is of one repository alone, though the same image may lie in several', () => {
    const of = `sha256:${'a'.repeat(64)}`;
    const long = (middle: string) => `${'platform/'.repeat(12)}${middle}${'/service'.repeat(12)}`;
    const names = [
      'a/b',
      'a_b',
      'a/b/c',
      'a_b/c',
      'a/b_c',
      'a_b_c',
      'a-b',
      'a.b',
      long('orders'),
      long('catalog'),
      long('x/y'),
      long('x_y'),
    ];
    expect(new Set(names.map((name) => releaseExecution(name, of, 1))).size).toBe(names.length);
    // As long as an unhashed name may be, one more, and so long that the hash leaves less room.
    const lengths = Array.from({ length: 60 }, (_, index) => 'x'.repeat(index + 1));
    expect(new Set(lengths.map((name) => releaseExecution(name, of, 1))).size).toBe(lengths.length);
    const twins = fc.tuple(fc.stringMatching(/^[ab]([._/-][ab]|[ab]){0,40}$/), fc.stringMatching(/^[ab]([._/-][ab]|[ab]){0,40}$/));
    fc.assert(
      fc.property(twins, fc.integer({ min: 0, max: 60 }), ([one, other], more) => {
        const name = (middle: string) => releaseExecution(`${'x'.repeat(more)}${middle}${'x'.repeat(more)}`, of, 1);
        expect(name(one) === name(other)).toBe(one === other);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the same for the same release and attempt, so that a second event starts nothing', () => {
    const of = `sha256:${'a'.repeat(64)}`;
    expect(releaseExecution('orders', of, 1)).toBe(releaseExecution('orders', of, 1));
    expect(releaseExecution('orders', of, 2)).not.toBe(releaseExecution('orders', of, 1));
  });
});
