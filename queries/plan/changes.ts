/** From which release to which an environment goes, with the commits between. */

import type { ReleaseRecord, RunningRecord } from '../../domain/ledger/records.ts';
import { compareOrders } from '../../domain/release/order.ts';
import { bareRelease, type Release } from '../../domain/release/release.ts';
import type { Readers } from '../readers.ts';
import type { Change, Commit } from './types.ts';

export async function changeOf({ ledger }: Readers, manifest: readonly RunningRecord[], to: Release): Promise<Change> {
  const from = manifest.find(({ repository }) => repository === to.repository);
  const { repository } = to;
  const all = (await ledger.releasesOf(repository)).toSorted((a, b) => compareOrders(a.order, b.order));
  const commits = all.map((one, index) => commitOf(one, index + 1)).toReversed();
  const between = (low: Release, high: Release) => {
    const inside = new Set(
      all.filter(({ order }) => compareOrders(order, low.order) > 0 && compareOrders(order, high.order) <= 0).map(({ digest }) => digest),
    );
    return commits.filter(({ digest }) => inside.has(digest));
  };
  if (from === undefined)
    return { repository, from: null, to, direction: 'first', commits: commits.filter(({ digest }) => digest === to.digest) };
  const running = bareRelease(from);
  if (from.digest === to.digest) return { repository, from: running, to, direction: 'same', commits: [] };
  if (to.order === '' || from.order === '') return { repository, from: running, to, direction: 'unknown', commits: [] };
  return compareOrders(from.order, to.order) < 0
    ? { repository, from: running, to, direction: 'forward', commits: between(from, to) }
    : { repository, from: running, to, direction: 'back', commits: between(to, from) };
}

const commitOf = ({ tag, digest, commit, message, author, state }: ReleaseRecord, number: number): Commit => ({
  number,
  tag,
  digest,
  commit: commit ?? null,
  message: message ?? null,
  author: author ?? null,
  state,
});
