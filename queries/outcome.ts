/** How a release, a promotion or an order stands, or ended: found by its name, told by ledger and journal. */
import { isPromotionOver, type ReleaseRecord } from '../domain/ledger/records.ts';
import { promotionExecution, releaseExecution } from '../domain/pipeline/names.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { setRepository } from '../domain/release/release.ts';
import type { OutcomeKind } from '../domain/workflow/outcome.ts';
import { inOrder } from './journal.ts';
import type { Readers } from './readers.ts';

/** By its execution's name, or the newest attempt of a release. */
export type Awaited = { readonly execution: string } | { readonly repository: string; readonly digest: string };

/** How something stands that people wait for, or how it ended. */
export interface Outcome {
  /** Empty if it has not begun. */
  readonly execution: string;
  /** `waiting`: time was up first. */
  readonly outcome: OutcomeKind | 'waiting';
  readonly reason: string;
}

/** Whether it is a name that an execution of this pipeline gets: it may be in progress. */
export function mayCome({ environments, repositories }: Pipeline, name: string): boolean {
  const moving = [...Object.keys(repositories), ...Object.keys(environments).map(setRepository)];
  const isRelease = (rest: string) => {
    const [, digest = '', attempt] = /-([0-9a-f]{12})-(\d{1,6})$/.exec(rest) ?? [];
    return moving.some((repository) => releaseExecution(repository, digest, Number(attempt)) === rest);
  };
  const isOf = (rest: string) => isRelease(rest) || /^(?:wake-\d+|teardown-at[0-9a-z]+|.+-[0-9a-f]{12}-at[0-9a-z]+)$/.test(rest);
  // One environment's name may begin with another's.
  return isRelease(name) || Object.keys(environments).some((one) => name.startsWith(`${one}-`) && isOf(name.slice(one.length + 1)));
}

/** Finds the release that is meant, again and again. All releases are read at most once: what begins later is among those in progress. */
export function releaseFinder(
  { ledger }: Pick<Readers, 'ledger'>,
  awaited: Awaited,
): () => Promise<{ readonly release?: ReleaseRecord | undefined }> {
  let key: { readonly repository: string; readonly digest: string } | undefined = 'digest' in awaited ? awaited : undefined;
  let first = true;
  return async () => {
    if (key === undefined && 'execution' in awaited) {
      const isIt = ({ execution }: ReleaseRecord) => execution === awaited.execution;
      key = (await ledger.inProgress()).find(isIt) ?? (first ? (await ledger.releases()).find(isIt) : undefined);
      first = false;
    }
    const release = key && (await ledger.release(key.repository, key.digest));
    // A newer attempt of the same release is not what was waited for.
    return 'execution' in awaited && release?.execution !== awaited.execution ? {} : { release };
  };
}

export async function entriesOf({ journal, pipeline }: Pick<Readers, 'journal' | 'pipeline'>, execution: string) {
  const subjects = [execution, ...Object.keys(pipeline.environments).map((environment) => promotionExecution(environment, execution))];
  return inOrder((await Promise.all(subjects.map((subject) => journal.about(subject)))).flat());
}

/** Undefined if nothing of that name is known yet. */
export async function outcomeOf(
  { ledger, journal }: Pick<Readers, 'ledger' | 'journal'>,
  execution: string,
  release: ReleaseRecord | undefined,
  environment: string | undefined,
): Promise<Omit<Outcome, 'execution'> | undefined> {
  if (release !== undefined) {
    if (environment !== undefined) {
      const [into, runs] = await Promise.all([
        ledger.promotion(promotionExecution(environment, execution)),
        ledger.running(environment, release.repository),
      ]);
      if (into && isPromotionOver(into)) return { outcome: into.state as OutcomeKind, reason: into.reason ?? '' };
      // An earlier attempt may have brought it there.
      if (into === undefined && runs?.digest === release.digest && runs.verified) return { outcome: 'succeeded', reason: '' };
    }
    if (release.state !== 'in-progress') return { outcome: release.state, reason: release.reason ?? '' };
    return {
      outcome: 'waiting',
      reason: release.waitsFor ? `it waits for ${release.waitsFor}` : `it moves, in ${release.stage ?? 'no stage yet'}`,
    };
  }
  if (execution === '') return undefined;
  const promotion = await ledger.promotion(execution);
  if (promotion !== undefined)
    return isPromotionOver(promotion)
      ? { outcome: promotion.state as OutcomeKind, reason: promotion.reason ?? '' }
      : { outcome: 'waiting', reason: `it is ${promotion.state} in ${promotion.environment}` };
  // Wakes and teardowns leave their end in the journal alone, and so do attempts that others followed.
  const entries = inOrder(await journal.about(execution));
  const last = entries.find(({ event }) => event === 'ended' || event === 'awake' || event === 'not-woken');
  if (last)
    return {
      outcome: last.event === 'not-woken' || (last.event === 'ended' && last.tone === 'bad') ? 'failed' : 'succeeded',
      reason: last.text,
    };
  return entries.length > 0 ? { outcome: 'waiting', reason: entries.at(-1)?.text ?? '' } : undefined;
}
