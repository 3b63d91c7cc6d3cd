/** Yes or no at a gate. */
import type { Answer } from '../../aws/step-functions.ts';
import { decide as decideApproval } from '../../domain/approval/approval.ts';
import { gateName } from '../../domain/approval/confirmation.ts';
import { approvalOf } from '../../domain/database/databases.ts';
import { releaseTitle } from '../../domain/release/release.ts';
import { Rejected } from '../../domain/workflow/errors.ts';
import { entry } from '../journal/entries.ts';
import { type Caller, type Of, refused, type Said, type World } from './context.ts';

export async function answerGate(
  { pipeline, ledger, outbox, journal }: World,
  { verb, approval, digest, reason }: Of<'approve'>,
  { person, now }: Caller,
): Promise<Said> {
  const [stage = '', ...rest] = approval.split('/');
  const repository = rest.slice(0, -2).join('/');
  const rule = approvalOf(pipeline, stage, repository);
  const by = person.email;
  for (;;) {
    const gate = await ledger.gate(stage, repository);
    const verdict = decideApproval(
      gate,
      rule,
      Object.values(pipeline.people),
      person,
      { verb, approval, digest, ...(reason ? { reason } : {}) },
      now,
    );
    if (verdict.kind === 'refused') return refused(verdict.reason);
    const { record } = verdict;
    const about = { release: record.release, stage };
    if (verdict.kind === 'counted') {
      if (!(await ledger.table.transact([ledger.gateWrite(record, gate)]))) continue;
      const text = `approved for ${gateName(stage)}, ${verdict.missing} more needed`;
      await journal.write(entry(record.releaseRun, `approved/${stage}/${by}`, now, 'info', text, about, by));
      return { done: `${releaseTitle(record.release)}: ${text}` };
    }
    const answer: Answer =
      verdict.kind === 'approved'
        ? { result: { approval: record.approval, approvals: record.approvals } }
        : { error: 'Rejected', cause: new Rejected(record.reason ?? '').message };
    if (!(await ledger.table.transact([ledger.gateWrite(record, gate), outbox.write(record.token, answer, now)]))) continue;
    await ledger.setRelease(record.release.repository, record.release.digest, record.releaseRun, { waitsFor: undefined });
    const words =
      verdict.kind === 'approved' ? `approved for ${gateName(stage)}` : `rejected for ${gateName(stage)}${reason ? `: ${reason}` : ''}`;
    const tone = verdict.kind === 'approved' ? 'good' : 'bad';
    await journal.write(entry(record.releaseRun, `${verdict.kind}/${stage}/${by}`, now, tone, words, about, by));
    const heard = await outbox.send(record.token, answer);
    return heard
      ? { done: `${releaseTitle(record.release)}: ${words}` }
      : refused(`${releaseTitle(record.release)} has ended; nobody waits for this any more`);
  }
}
