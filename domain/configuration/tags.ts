/** Whether the tags of a repository can be releases at all, in the order that is asked for. */
import type { Repository } from '../pipeline/pipeline.ts';
import { orderOf } from '../release/order.ts';
import { suggestion } from '../text/suggestion.ts';

type Report = (place: string, message: string) => void;

/** What `*` may stand for in a tag that has a version or a number. */
const PARTS = ['1', '1.2', '1.2.3', 'v1', 'v1.2.3', '', '-rc.1'];

/** Beyond so many stars not all combinations are tried. */
const STARS = 4;

export function checkTags(repositories: Readonly<Record<string, Repository>>, report: Report): void {
  for (const { name, tags, order } of Object.values(repositories)) {
    const odd = /[^\w.*-]/.exec(tags)?.[0];
    if (odd !== undefined) {
      report(
        `repositories.${name}.tags`,
        `"${tags}" has ${JSON.stringify(odd)}, which no tag of ECR has: this is no regular expression, but a pattern in which * stands for any characters, such as ${simple(tags)}`,
      );
      continue;
    }
    if ((order === 'semver' || order === 'build-number') && !canHave(order, tags))
      report(
        `repositories.${name}.order`,
        `no tag that fits "${tags}" ${order === 'semver' ? 'is a version such as 1.2.3 or v1.2.3' : 'ends in a number'}, so that no release would have an order; take another order, or other tags`,
      );
  }
}

/** Its plain beginning, as a pattern. */
const simple = (tags: string) => `"${/^\^?([\w.-]*)/.exec(tags)?.[1] ?? ''}*"`;

function canHave(order: 'semver' | 'build-number', tags: string): boolean {
  const pieces = tags.split('*');
  if (pieces.length - 1 > STARS) return true;
  const tries = (prefix: string, rest: readonly string[]): boolean => {
    const [piece, ...further] = rest;
    if (piece === undefined) return orderOf(order, { tag: prefix, commitTime: undefined, pushedAt: '' }) !== undefined;
    return PARTS.some((part) => tries(`${prefix}${part}${piece}`, further));
  };
  return tries(pieces[0] ?? '', pieces.slice(1));
}

/** As Fargate has them. */
const PLATFORMS = ['linux/amd64', 'linux/arm64', 'windows/amd64'];

export function checkPlatforms(repositories: Readonly<Record<string, Repository>>, report: Report): void {
  for (const { name, platform } of Object.values(repositories))
    if (!PLATFORMS.some((known) => platform === known || platform.startsWith(`${known}/`)))
      report(
        `repositories.${name}.platform`,
        `tasks run on ${PLATFORMS.join(', ')}, and not on "${platform}"${suggestion(platform, PLATFORMS)}`,
      );
}
