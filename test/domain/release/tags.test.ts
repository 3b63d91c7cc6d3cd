import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesTag } from '../../../domain/release/tags.ts';

describe('a pattern of tags', () => {
  const yes: [string, string][] = [
    ['git_*', 'git_cf7edb2'],
    ['git_*', 'git_'],
    ['*', 'anything'],
    ['*.*.*', '1.2.3'],
    ['*.*.*', '1.2.3-rc.1'],
    ['build-*-amd', 'build-7-amd'],
    ['latest', 'latest'],
    ['a*a', 'aa'],
    ['a*b*b', 'abb'],
  ];
  for (const [pattern, tag] of yes) it(`${pattern} takes ${tag}`, () => expect(matchesTag(pattern, tag)).toBe(true));

  const no: [string, string][] = [
    ['git_*', 'git-cf7edb2'],
    ['git_*', 'xgit_1'],
    ['*.*.*', '1.2'],
    ['latest', 'latest-1'],
    // A star may be empty, but what stands before and after it may not overlap.
    ['a*a', 'a'],
    ['ab*bc', 'abc'],
    ['a*b*b', 'ab'],
    // A dot is a dot.
    ['1.*', '1x2'],
    ['', 'x'],
  ];
  for (const [pattern, tag] of no) it(`${pattern || 'nothing'} does not take ${tag}`, () => expect(matchesTag(pattern, tag)).toBe(false));

  it('means what the same regular expression means', () =>
    fc.assert(
      fc.property(fc.stringMatching(/^[ab*.]{0,7}$/), fc.stringMatching(/^[ab.]{0,9}$/), (pattern, tag) => {
        const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
        expect(matchesTag(pattern, tag)).toBe(expression.test(tag));
      }),
      { numRuns: 3_000 },
    ));
});
