/** Waits for a release, a promotion or an order to end, telling what happens, at the pace of people. */

import { isPromotionOver, type ReleaseRecord } from '../../../domain/ledger/records.ts';
import { promotionExecution, releaseExecution } from '../../../domain/pipeline/names.ts';
import type { Pipeline } from '../../../domain/pipeline/pipeline.ts';
import { setRepository } from '../../../domain/release/release.ts';
import type { OutcomeKind } from '../../../domain/workflow/outcome.ts';
import { inOrder } from '../../../queries/journal.ts';
import type { Source } from '../../connection/source.ts';
import { EXIT, inZone, journalLine, note, plain, UsageError } from '../../terminal/output.ts';
import { working } from '../../terminal/spinner.ts';
import { pause } from '../../terminal/watch.ts';

/** By its execution's name, or the newest attempt of a release. */
export type Awaited = { readonly execution: string } | { readonly repository: string; readonly digest: string };

export interface Waited {
  /** Empty if it has not begun. */
  readonly execution: string;
  /** `waiting`: time was up first. */
  readonly outcome: OutcomeKind | 'waiting';
  readonly reason: string;
}

interface WaitOptions {
  readonly minutes: number;
  readonly silent: boolean;
  /** Only until it runs in this environment, its checks held. */
  readonly environment?: string;
  /** Between two looks, in milliseconds. @default two seconds */
  readonly pace?: number;
}

/** 0 succeeded, 3 refused or superseded, 1 all else. */
export function exitCodeOf({ outcome }: Waited): number {
  switch (outcome) {
    case 'succeeded':
      return EXIT.done;
    case 'refused':
    case 'superseded':
      return EXIT.refused;
    case 'failed':
    case 'errored':
    case 'waiting':
      return EXIT.failed;
  }
}

/** So often nothing of a name may be known before it counts as wrong: what was ordered a moment ago may be on its way. */
const PATIENCE = 15;

/** @throws UsageError if nothing of that name is known after a while */
export async function waitFor(source: Source, awaited: Awaited, options: WaitOptions): Promise<Waited> {
  const end = Date.now() + options.minutes * 60_000;
  const told = new Set<string>();
  const find = finder(source, awaited);
  for (let looks = 1; ; looks++) {
    const found = await find();
    const execution = found.release?.execution ?? ('execution' in awaited ? awaited.execution : '');
    if (!options.silent && execution !== '')
      for (const entry of await entriesOf(source, execution))
        if (!told.has(`${entry.subject}/${entry.event}`)) {
          told.add(`${entry.subject}/${entry.event}`);
          note(journalLine(entry, source.timeZone));
        }
    const stands = await standing(source, execution, found.release, options.environment);
    if (stands !== undefined && stands.outcome !== 'waiting') return { execution, ...stands };
    const known = stands !== undefined || 'digest' in awaited;
    if (!known && (looks > PATIENCE || source.kind === 'rehearsal' || !mayCome(source.pipeline, execution)))
      throw new UsageError(`nothing of the name ${plain(execution)} is known${wayOut(source.pipeline, execution)}`);
    if (source.kind === 'rehearsal' || Date.now() >= end)
      return { execution, outcome: 'waiting', reason: stands?.reason ?? 'it has not begun' };
    working(inZone(plain(stands?.reason ?? 'it has not begun'), source.timeZone));
    await pause(options.pace);
  }
}

/** Whether it is a name that an execution of this pipeline gets: it may be on its way. */
function mayCome({ environments, repositories }: Pipeline, name: string): boolean {
  const moving = [...Object.keys(repositories), ...Object.keys(environments).map(setRepository)];
  const isRelease = (rest: string) => {
    const [, digest = '', attempt] = /-([0-9a-f]{12})-(\d{1,6})$/.exec(rest) ?? [];
    return moving.some((repository) => releaseExecution(repository, digest, Number(attempt)) === rest);
  };
  const isOf = (rest: string) => isRelease(rest) || /^(?:wake-\d+|teardown-at[0-9a-z]+|.+-[0-9a-f]{12}-at[0-9a-z]+)$/.test(rest);
  // One environment's name may begin with another's.
  return isRelease(name) || Object.keys(environments).some((one) => name.startsWith(`${one}-`) && isOf(name.slice(one.length + 1)));
}

function wayOut({ repositories }: Pipeline, name: string): string {
  const repository = Object.keys(repositories).find((one) => name === one || name.startsWith(`${one}:`));
  if (repository === undefined) return '; see shiplock status';
  return `; write a release as REPOSITORY@TAG, such as ${repository}@${plain(name.slice(repository.length + 1)) || 'TAG'}`;
}

/** Looks for the release that is meant. All releases are read at most once: what begins later is among those that climb. */
function finder({ ledger }: Source, awaited: Awaited): () => Promise<{ readonly release?: ReleaseRecord | undefined }> {
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

async function entriesOf({ journal, pipeline }: Source, execution: string) {
  const subjects = [execution, ...Object.keys(pipeline.environments).map((environment) => promotionExecution(environment, execution))];
  return inOrder((await Promise.all(subjects.map((subject) => journal.about(subject)))).flat());
}

type Standing = Omit<Waited, 'execution'>;

/** Undefined if nothing of that name is known yet. */
async function standing(
  { ledger, journal }: Source,
  execution: string,
  release: ReleaseRecord | undefined,
  environment: string | undefined,
): Promise<Standing | undefined> {
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
