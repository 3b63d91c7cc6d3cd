/** How releases of a repository compare: an order as text, fixed at admission, that sorts as it should. */
import type { OrderKey } from '../pipeline/pipeline.ts';

/** Numbers are written with so many digits, so that text compares as numbers do. */
const DIGITS = 16;

const number = (text: string) => text.replace(/^0+(?=\d)/, '').padStart(DIGITS, '0');

/** https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string, and a leading v. */
const SEMVER =
  /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z.-]+)?$/;

/** A time of day and its offset, as `git log --format=%cI` or `%ci` write it: without the offset it means another instant on each machine. */
const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)? ?(Z|[+-]\d\d:?\d\d)$/;

/**
 * @param facts ISO 8601 times; `commitTime` as the image's labels claim
 * @returns undefined where the key says nothing about this image: a person has to be asked
 */
export function orderOf(
  key: OrderKey,
  facts: { readonly tag: string; readonly commitTime: string | undefined; readonly pushedAt: string },
): string | undefined {
  switch (key) {
    case 'push-time':
      return instant(facts.pushedAt);
    case 'commit-time':
      return instant(facts.commitTime);
    case 'build-number': {
      const digits = /(\d+)(?!.*\d)/.exec(facts.tag)?.[1];
      return digits === undefined || digits.length > DIGITS ? undefined : number(digits);
    }
    case 'semver':
      return semver(facts.tag);
  }
}

/** Below zero if `a` is older than `b`. */
export const compareOrders = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

function instant(text: string | undefined): string | undefined {
  if (text === undefined || !INSTANT.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** Precedence as semver.org has it: a pre-release sorts before its release, numeric identifiers before others. */
function semver(tag: string): string | undefined {
  const match = SEMVER.exec(tag);
  if (match === null) return undefined;
  const [, major = '', minor = '', patch = '', pre] = match;
  const numbers = [major, minor, patch, ...(pre?.split('.').filter((part) => /^\d+$/.test(part)) ?? [])];
  if (numbers.some((part) => part.length > DIGITS)) return undefined;
  // "!" sorts before every identifier, "~" after: no pre-release is the greatest, and a longer list of equal start is greater.
  const tail =
    pre === undefined
      ? '~'
      : `${pre
          .split('.')
          .map((part) => (/^\d+$/.test(part) ? `0${number(part)}` : `1${part}`))
          .join('!')}!`;
  return `${number(major)}.${number(minor)}.${number(patch)}-${tail}`;
}
