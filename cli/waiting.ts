/** Waits for a release, a promotion or an order to end, telling what happens, at the pace of people. */
import { isPromotionOver, type ReleaseRecord } from '../domain/records.ts';
import type { OutcomeKind } from '../domain/workflow.ts';
import { EXIT, journalLine, note, UsageError } from './output.ts';
import type { Source } from './source.ts';
import { pause } from './watching.ts';

export interface Waited {
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

/** @throws UsageError if nothing of that name is known after a while */
export async function waitFor(source: Source, execution: string, options: WaitOptions): Promise<Waited> {
  const end = Date.now() + options.minutes * 60_000;
  const told = new Set<string>();
  let unknown = 0;
  for (;;) {
    if (!options.silent)
      for (const entry of await entriesOf(source, execution))
        if (!told.has(`${entry.subject}/${entry.event}`)) {
          told.add(`${entry.subject}/${entry.event}`);
          note(journalLine(entry, source.timeZone));
        }
    const stands = await standing(source, execution, options.environment);
    if (stands === undefined && ++unknown > 15) throw new UsageError(`nothing of the name ${execution} is known; see shiplock status`);
    if (stands !== undefined && stands.outcome !== 'waiting') return { execution, ...stands };
    if (source.kind === 'rehearsal' || Date.now() >= end)
      return { execution, outcome: 'waiting', reason: stands?.reason ?? 'it has not begun' };
    await pause(options.pace);
  }
}

async function entriesOf({ journal, pipeline }: Source, execution: string) {
  const subjects = [execution, ...Object.keys(pipeline.environments).map((environment) => `${environment}-${execution}`)];
  const entries = (await Promise.all(subjects.map((subject) => journal.about(subject)))).flat();
  return entries.toSorted((a, b) => a.at.localeCompare(b.at));
}

type Standing = Omit<Waited, 'execution'>;

/** Undefined if nothing of that name is known yet. */
async function standing(source: Source, execution: string, environment: string | undefined): Promise<Standing | undefined> {
  const { ledger, journal } = source;
  const promotion = await ledger.promotion(execution);
  if (promotion !== undefined)
    return isPromotionOver(promotion)
      ? { outcome: promotion.state as OutcomeKind, reason: promotion.reason ?? '' }
      : { outcome: 'waiting', reason: `it is ${promotion.state} in ${promotion.environment}` };
  const release = await releaseOf(source, execution);
  if (release !== undefined) {
    if (environment !== undefined) {
      const into = await ledger.promotion(`${environment}-${execution}`);
      if (into && isPromotionOver(into)) return { outcome: into.state as OutcomeKind, reason: into.reason ?? '' };
    }
    if (release.state !== 'climbing') return { outcome: release.state, reason: release.reason ?? '' };
    return {
      outcome: 'waiting',
      reason: release.waitsFor ? `it waits for ${release.waitsFor}` : `it moves, in ${release.stage ?? 'no stage yet'}`,
    };
  }
  // Wakes and teardowns leave their end in the journal alone.
  const entries = await journal.about(execution);
  const last = entries.find(({ event }) => event === 'ended' || event === 'awake' || event === 'not-woken');
  if (last)
    return {
      outcome: last.event === 'not-woken' || (last.event === 'ended' && last.tone === 'bad') ? 'failed' : 'succeeded',
      reason: last.text,
    };
  return entries.length > 0 ? { outcome: 'waiting', reason: entries.at(-1)?.text ?? '' } : undefined;
}

/** The release whose attempt an execution is. */
async function releaseOf({ ledger }: Source, execution: string): Promise<ReleaseRecord | undefined> {
  const climbing = (await ledger.climbing()).find((one) => one.execution === execution);
  return climbing ?? (await ledger.releases(200)).find((one) => one.execution === execution);
}
