/** Recovers an ended release: its terminal state, and its open question withdrawn. */

import { shortDigest } from '../../domain/release/release.ts';
import { entry } from '../journal/entries.ts';
import type { RecoveryWorld } from './context.ts';
import { type End, outcomeOf } from './end.ts';

/** Gives a release its terminal state and withdraws its open question. */
export async function recoverRelease(
  { ledger, journal }: RecoveryWorld,
  repository: string,
  digest: string,
  execution: string,
  end: End,
  now: number,
  attempt = 1,
): Promise<void> {
  const record = await ledger.release(repository, digest);
  if (record === undefined) {
    // It ended before it was admitted: its tag and order were never read, but nobody shall wonder where the push has gone.
    const { state, reason } = outcomeOf(end);
    const at = new Date(now).toISOString();
    const nameless = { repository, digest, tag: shortDigest(digest), order: '', pushedAt: at };
    await ledger.putRelease({ ...nameless, state, reason, admittedAt: at, endedAt: at, execution, attempt });
    await journal.write(entry(execution, 'ended', now, 'bad', `${state} before it was admitted: ${reason}`, { release: nameless }));
    return;
  }
  if (record.execution !== execution) return;
  if (record.state === 'in-progress') {
    const { state, reason } = outcomeOf(end);
    await ledger.setRelease(repository, digest, execution, {
      state,
      endedAt: new Date(now).toISOString(),
      reason,
      waitsFor: undefined,
    });
    await journal.write(entry(execution, 'ended', now, 'bad', `${state}: ${reason}`, { release: record }));
  }
  const gate = record.stage ? await ledger.gate(record.stage, repository) : undefined;
  if (gate?.releaseRun === execution && gate.state === 'waiting')
    await ledger.table.transact([ledger.gateWrite({ ...gate, state: 'withdrawn', version: gate.version + 1 }, gate)]);
}
