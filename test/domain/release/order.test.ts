import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OrderKey } from '../../../domain/pipeline/pipeline.ts';
import { compareOrders, orderOf } from '../../../domain/release/order.ts';

const PUSHED = '2026-11-20T10:00:00.000Z';
const order = (key: OrderKey, tag: string, commitTime?: string) => orderOf(key, { tag, commitTime, pushedAt: PUSHED });

/** Older first. */
function sorted(key: OrderKey, tags: readonly string[]): string[] {
  return tags.toSorted((a, b) => compareOrders(order(key, a)!, order(key, b)!));
}

describe('the order by build number', () => {
  it('compares numbers, not texts', () =>
    expect(sorted('build-number', ['build-100', 'build-9', 'build-10'])).toEqual(['build-9', 'build-10', 'build-100']));

  it('takes the last number of a tag, and no leading zeros', () => {
    expect(order('build-number', '2026-build-7')).toBe(order('build-number', 'build-007'));
    expect(order('build-number', 'build-7-amd')).toBe(order('build-number', 'build-7'));
  });

  it('is unknown where there is no number, or one that is no count', () => {
    expect(order('build-number', 'latest')).toBeUndefined();
    expect(order('build-number', `build-${'9'.repeat(17)}`)).toBeUndefined();
  });

  it('agrees with the numbers for any two', () =>
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.nat({ max: Number.MAX_SAFE_INTEGER }), (a, b) => {
        expect(Math.sign(compareOrders(order('build-number', `build-${a}`)!, order('build-number', `build-${b}`)!))).toBe(Math.sign(a - b));
      }),
    ));
});

describe('the order by semantic version', () => {
  // https://semver.org/#spec-item-11
  const PRECEDENCE = [
    '1.0.0-1',
    '1.0.0-2',
    '1.0.0-10',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-alpha-1',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
    '10.0.0',
  ];

  it('is the precedence of semver.org', () => expect(sorted('semver', PRECEDENCE.toReversed())).toEqual(PRECEDENCE));

  it('does not look at build metadata or a leading v', () => {
    expect(order('semver', '1.2.3+build.5')).toBe(order('semver', '1.2.3'));
    expect(order('semver', 'v1.2.3')).toBe(order('semver', '1.2.3'));
  });

  it('is unknown for what is no version', () => {
    for (const tag of ['1.2', 'latest', '01.2.3', '1.2.3-', '1.2.3-01', '1.2.3-a..b', 'git_1.2.3'])
      expect(order('semver', tag), tag).toBeUndefined();
  });

  it('is unknown where a number is too long to compare', () => {
    expect(order('semver', `1.0.${'9'.repeat(17)}`)).toBeUndefined();
    expect(order('semver', `1.0.0-${'9'.repeat(17)}`)).toBeUndefined();
    expect(order('semver', `1.0.${'9'.repeat(16)}`)).toBeDefined();
  });

  it('agrees with a comparison by parts, for any two', () => {
    const identifier = fc.oneof(fc.nat({ max: 120 }).map(String), fc.stringMatching(/^[a-c-][a-c0-9-]{0,2}$/));
    const version = fc.record({
      core: fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 12 }), fc.nat({ max: 12 })),
      pre: fc.array(identifier, { maxLength: 3 }),
    });
    const text = ({ core, pre }: { core: number[]; pre: string[] }) => core.join('.') + (pre.length > 0 ? `-${pre.join('.')}` : '');
    const naive = (a: { core: number[]; pre: string[] }, b: typeof a): number => {
      for (const [index, part] of a.core.entries()) if (part !== b.core[index]) return Math.sign(part - b.core[index]!);
      if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
      for (let index = 0; ; index++) {
        const [left, right] = [a.pre[index], b.pre[index]];
        if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? -1 : 1;
        if (left === right) continue;
        const numeric = [left, right].map((one) => /^\d+$/.test(one));
        if (numeric[0] && numeric[1]) return Math.sign(Number(left) - Number(right));
        if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
        return left < right ? -1 : 1;
      }
    };
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(compareOrders(order('semver', text(a))!, order('semver', text(b))!)).toBe(naive(a, b));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the order by time', () => {
  it('of the commit compares instants, whatever their offsets', () => {
    expect(order('commit-time', 'x', '2026-11-20T12:00:00+02:00')).toBe(order('commit-time', 'x', '2026-11-20T10:00:00Z'));
    expect(compareOrders(order('commit-time', 'x', '2026-11-20T12:00:00+02:00')!, order('commit-time', 'x', '2026-11-20T11:00:00Z')!)).toBe(
      -1,
    );
  });

  it('of the commit takes the forms that git writes', () => {
    expect(order('commit-time', 'x', '2026-11-20 12:00:00 +0200')).toBe('2026-11-20T10:00:00.000Z');
    expect(order('commit-time', 'x', '2026-11-20T12:00:00.5Z')).toBe('2026-11-20T12:00:00.500Z');
  });

  it('of the commit is unknown where the image says none, or none that means one instant', () => {
    for (const text of [undefined, '', 'yesterday', '7', '2026-11-20T12:00:00', 'Nov 20 2026', '2026-11-20'])
      expect(order('commit-time', 'x', text), text).toBeUndefined();
  });

  it('of the push is always known', () => expect(order('push-time', 'anything')).toBe(PUSHED));
});
