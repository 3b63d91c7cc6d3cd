/** What was promoted into environments, and what ran there at some time. */
import type { PromotionRecord } from '../domain/ledger/records.ts';
import { membersOf, type Release } from '../domain/release/release.ts';
import type { Readers } from './readers.ts';

/** Newest first. @param limit at most so many for an environment; all there are, where it is left out */
export async function promotionsInto(
  { ledger }: Pick<Readers, 'ledger'>,
  environments: readonly string[],
  limit?: number,
): Promise<PromotionRecord[]> {
  const found = await Promise.all(environments.map((name) => ledger.promotions(name, limit)));
  return found.flat().toSorted((a, b) => b.askedAt.localeCompare(a.askedAt));
}

export interface Ran {
  readonly environment: string;
  readonly release: Release;
  /** ISO 8601 */
  readonly since: string;
  readonly message: string;
}

/** @param promotions of any environments, all there are; @param at milliseconds since the epoch */
export function ranAt(promotions: readonly PromotionRecord[], at: number): Ran[] {
  const found = new Map<string, Ran>();
  const succeeded = promotions
    .filter(({ state, endedAt }) => state === 'succeeded' && endedAt !== undefined && Date.parse(endedAt) <= at)
    .toSorted((a, b) => (a.endedAt ?? '').localeCompare(b.endedAt ?? ''));
  for (const { environment, release, endedAt = '' } of succeeded)
    for (const member of membersOf(release))
      found.set(`${environment}/${member.repository}`, { environment, release: member, since: endedAt, message: member.message ?? '' });
  return [...found.values()].toSorted((a, b) =>
    a.environment === b.environment ? a.release.repository.localeCompare(b.release.repository) : a.environment.localeCompare(b.environment),
  );
}
