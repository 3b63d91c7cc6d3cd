/** What goes on in the environments: promotions that have not ended, how far their rollouts are, and the migrations before them. */

import { isPromotionOver, type PromotionRecord, type WaitRecord } from '../domain/ledger/records.ts';
import { membersOf, type Release } from '../domain/release/release.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import type { Readers } from './readers.ts';
import { type Rollout, rollouts } from './rollouts.ts';

/** A promotion that has not ended. */
export interface PromotionInProgress {
  readonly promotion: string;
  /** The release's execution. */
  readonly releaseRun: string;
  readonly environment: string;
  readonly release: Release;
  readonly state: PromotionRecord['state'];
  /** ISO 8601 */
  readonly since: string;
  /** By a person beside the path. */
  readonly ordered?: PromotionRecord['ordered'];
  /** The one that has the turn which it waits for. */
  readonly behind?: Release;
  /** Services whose deployment is open, and all that belong together. */
  readonly open: readonly string[];
  readonly among: readonly string[];
  readonly rollouts: readonly Rollout[];
}

/** So many promotions of an environment are looked through for those that have not ended: its groups are far fewer. */
const RECENT = 50;

export async function promotionsInProgress(readers: Readers): Promise<PromotionInProgress[]> {
  const { pipeline, ledger } = readers;
  const found = await Promise.all(
    Object.values(pipeline.environments).map(async (environment): Promise<PromotionInProgress[]> => {
      const open = (await ledger.promotions(environment.name, RECENT)).filter((promotion) => !isPromotionOver(promotion));
      const waits = open.some(({ state }) => DEPLOYS.has(state)) ? await ledger.waits(environment.name) : [];
      return Promise.all(
        open.map(async (promotion) => {
          const own = waits.filter(({ owner }) => owner === promotion.promotion);
          const shifting = own.filter(({ service }) => {
            const definition = pipeline.services[service];
            return definition !== undefined && shiftingOf(environment, definition) !== undefined;
          });
          const behind = promotion.state === 'waiting' ? open.find((other) => isAhead(other, promotion)) : undefined;
          return {
            promotion: promotion.promotion,
            releaseRun: promotion.releaseRun,
            environment: environment.name,
            release: promotion.release,
            state: promotion.state,
            since: sinceOf(promotion, own),
            ...(promotion.ordered ? { ordered: promotion.ordered } : {}),
            ...(behind ? { behind: behind.release } : {}),
            open: own.filter(({ state }) => state === 'open' || state === 'paused').map(({ service }) => service),
            among: own.map(({ service }) => service),
            rollouts: shifting.length > 0 ? await rollouts(readers, environment.name, shifting) : [],
          };
        }),
      );
    }),
  );
  return found.flat().toSorted((a, b) => a.since.localeCompare(b.since));
}

const DEPLOYS: ReadonlySet<string> = new Set(['deploying', 'verifying', 'rolling-back']);

/** Of the same group, or of all, and at work. */
const isAhead = (other: PromotionRecord, promotion: PromotionRecord) =>
  other !== promotion &&
  other.state !== 'waiting' &&
  (other.group === promotion.group || membersOf(other.release).length > 1 || membersOf(promotion.release).length > 1);

/** Since its deployments began; before them, since it was asked for. */
const sinceOf = ({ askedAt }: PromotionRecord, own: readonly WaitRecord[]) =>
  own.length > 0 ? new Date(Math.min(...own.map(({ since }) => since))).toISOString() : askedAt;
