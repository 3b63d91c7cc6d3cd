/** The end of a run: the release's one terminal state, with the reason, and its open question withdrawn. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { type Release, shortDigest } from '../domain/release/release.ts';
import type { Outcome } from '../domain/workflow/outcome.ts';
import { outcomeSchema, releaseSchema } from './handler/inputs.ts';
import { setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry, TONES } from './journal/entries.ts';

const Input = z.object({
  repository: z.string(),
  digest: z.string(),
  attempt: z.number(),
  execution: z.string(),
  /** The stage that it had reached; null if it was never admitted. */
  stage: z.nullable(z.string()),
  /** `expired`: nobody answered its question in time. */
  /** As it was admitted; null if it never was. */
  release: z.nullable(releaseSchema),
  outcome: z.extend(outcomeSchema, { expired: z.optional(z.boolean()) }),
});

interface World {
  readonly ledger: Pick<Ledger, 'release' | 'putRelease' | 'setRelease' | 'standingWrites' | 'gate' | 'gateWrite' | 'table'>;
  readonly journal: Pick<Journal, 'write' | 'writeWith'>;
}

export const completeRelease =
  ({ ledger, journal }: World) =>
  async (input: z.infer<typeof Input>, { now, count }: Moment): Promise<Outcome> => {
    const { repository, digest, attempt, execution, stage, outcome } = input;
    const at = new Date(now()).toISOString();
    const end = { state: outcome.outcome, endedAt: at, ...(outcome.reason ? { reason: outcome.reason } : {}) };
    const text = outcome.outcome === 'succeeded' ? `has reached ${stage}` : `${outcome.outcome}: ${outcome.reason}`;
    const told = (release: Pick<Release, 'repository' | 'digest' | 'tag'>) =>
      entry(execution, 'ended', now(), TONES[outcome.outcome], text, { release });
    const standing = ledger.standingWrites({ repository, digest, execution }, { ...end, waitsFor: undefined });
    if (input.release && (await journal.writeWith(ledger.table, standing, told(input.release)))) {
      // Whoever has come through has no question left.
      if (stage !== null && outcome.outcome !== 'succeeded')
        await closeGate(ledger, stage, repository, execution, outcome.expired ?? false);
      count('ReleaseEnded', { outcome: outcome.outcome });
      return outcome;
    }
    const known = await ledger.release(repository, digest);
    if (known === undefined) {
      // Refused before admission could read it: it has no tag and no order, but people shall see that it came.
      const nameless = { repository, digest, tag: shortDigest(digest), order: '', pushedAt: at };
      await ledger.putRelease({ ...nameless, ...end, admittedAt: at, execution, attempt });
    } else await ledger.setRelease(repository, digest, execution, { ...end, waitsFor: undefined });
    if (stage !== null) await closeGate(ledger, stage, repository, execution, outcome.expired ?? false);
    await journal.write(told(known ?? { repository, digest, tag: shortDigest(digest) }));
    count('ReleaseEnded', { outcome: outcome.outcome });
    return outcome;
  };

/** A question that nobody needs to answer any more: late answers are refused with the reason. */
async function closeGate(ledger: World['ledger'], stage: string, repository: string, execution: string, expired: boolean): Promise<void> {
  const gate = await ledger.gate(stage, repository);
  if (gate?.releaseRun !== execution || gate.state !== 'waiting') return;
  const state = expired ? 'expired' : 'withdrawn';
  await ledger.table.transact([ledger.gateWrite({ ...gate, state, version: gate.version + 1 }, gate)]);
}

export const handler = step('complete-release', Input, () =>
  completeRelease({ ledger: new Ledger(setting('LEDGER_TABLE')), journal: new Journal(setting('JOURNAL_TABLE')) }),
);
