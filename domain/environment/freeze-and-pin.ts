/** What keeps a release out of an environment: a freeze, or a pin. */
import type { ByHand, FreezeAndPins, FreezeRecord, Ordered } from '../ledger/records.ts';
import { type Release, shortDigest } from '../release/release.ts';

/** @param now milliseconds since the epoch */
export const isFrozen = (freeze: FreezeRecord | undefined, now: number): freeze is FreezeRecord =>
  freeze !== undefined && (freeze.until === undefined || Date.parse(freeze.until) > now);

/** `live is frozen since … by …: “Black Friday”` */
export const frozenText = ({ environment, at, by, reason, until }: FreezeRecord): string =>
  `${environment} is frozen since ${at}${until ? ` until ${until}` : ''} by ${by}: “${reason}”`;

/**
 * Why a release may not go in now; undefined if it may.
 * A hot-fix goes past a freeze, but not where a rollback has failed; a rollback that a person orders goes past everything.
 * @param now milliseconds since the epoch
 */
export function whatKeepsOut(
  { freeze, pins }: FreezeAndPins,
  release: Pick<Release, 'repository' | 'digest'>,
  how: { readonly hotfix?: ByHand | undefined; readonly ordered?: Ordered | undefined },
  now: number,
): string | undefined {
  if (how.ordered?.verb === 'rollback') return undefined;
  if (isFrozen(freeze, now) && (freeze.manualIntervention || how.hotfix === undefined)) return frozenText(freeze);
  const pin = pins.find(({ repository, digest }) => (repository === '*' || repository === release.repository) && digest !== release.digest);
  if (pin === undefined) return undefined;
  const what = pin.repository === '*' ? pin.environment : `${pin.repository} in ${pin.environment}`;
  return `${what} is pinned${pin.digest ? ` to ${shortDigest(pin.digest)}` : ''} since ${pin.at} by ${pin.by}: “${pin.reason}”. See shiplock unpin --help`;
}
