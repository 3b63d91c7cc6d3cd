/** How the end of a run closes the question that it had asked. */
import { describe, expect, it } from 'vitest';
import type { Write } from '../../aws/table.ts';
import type { ApprovalRecord } from '../../domain/ledger/records.ts';
import { completeRelease } from '../../functions/complete-release.ts';
import type { Moment } from '../../functions/handler/step.ts';
import { digest } from '../domain/parts.ts';

const gate = { releaseRun: 'orders-1', state: 'waiting', version: 1 } as ApprovalRecord;

async function closed(outcome: { outcome: 'refused' | 'errored'; reason: string; expired?: boolean }, isAdmitted = true) {
  const written: unknown[] = [];
  const complete = completeRelease({
    ledger: {
      release: async () => undefined,
      putRelease: async () => {},
      setRelease: async () => true,
      standingWrites: () => [],
      gate: async () => gate,
      gateWrite: (record: ApprovalRecord): Write => ({ key: { pk: '', sk: '' }, item: record }),
      table: { transact: async ([write]: readonly Write[]) => written.push((write!.item as ApprovalRecord).state) > 0 },
    } as unknown as Parameters<typeof completeRelease>[0]['ledger'],
    journal: { write: async () => {}, writeWith: async () => isAdmitted },
  });
  const input = {
    repository: 'orders',
    digest: digest('a'),
    attempt: 1,
    execution: 'orders-1',
    stage: 'beta',
    release: gate.release,
    outcome,
  };
  await complete(input, { now: () => 0, count: () => {} } as unknown as Moment);
  return written;
}

it('a run that ends well says how far it was to go, which need not be live', async () => {
  const said: string[] = [];
  const complete = completeRelease({
    ledger: { release: async () => undefined, putRelease: async () => {}, standingWrites: () => [], gate: async () => undefined },
    journal: { write: async ({ text }: { text: string }) => said.push(text) > 0 },
  } as unknown as Parameters<typeof completeRelease>[0]);
  const input = { repository: 'orders', digest: digest('a'), attempt: 2, execution: 'orders-2', stage: 'test', release: null };
  await complete({ ...input, outcome: { outcome: 'succeeded', reason: '' } }, { now: () => 0, count: () => {} } as unknown as Moment);
  expect(said).toEqual([`orders ${'a'.repeat(12)}: has reached test`]);
});

describe('a question that nobody needs to answer any more', () => {
  it('has expired when its time was over', async () =>
    expect(await closed({ outcome: 'refused', reason: 'nobody answered', expired: true })).toEqual(['expired']));
  it('is withdrawn otherwise, whatever words the reason has', async () =>
    expect(await closed({ outcome: 'errored', reason: 'gate of beta: ExpiredTokenException: the token has expired' })).toEqual([
      'withdrawn',
    ]));
  it('is withdrawn too where the ledger does not know the release as it was admitted', async () =>
    expect(await closed({ outcome: 'refused', reason: 'no' }, false)).toEqual(['withdrawn']));
});
