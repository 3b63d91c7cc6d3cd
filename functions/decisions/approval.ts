/** Approves or rejects at a gate, or at the test listener. */
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
      const text = `approved for ${gateName(stage)}, ${verdict.missing} more needed`;
      const told = entry(record.releaseRun, `approved/${stage}/${by}`, now, 'info', text, about, by);
      if (!(await journal.writeWith(ledger.table, [ledger.gateWrite(record, gate)], told))) continue;
      return { done: `${releaseTitle(record.release)}: ${text}` };
    }
    const answer: Answer =
      verdict.kind === 'approved'
        ? { result: { approval: record.approval, approvals: record.approvals } }
        : { error: 'Rejected', cause: new Rejected(record.reason ?? '').message };
    const words =
      verdict.kind === 'approved' ? `approved for ${gateName(stage)}` : `rejected for ${gateName(stage)}${reason ? `: ${reason}` : ''}`;
    const tone = verdict.kind === 'approved' ? 'good' : 'bad';
    const told = entry(record.releaseRun, `${verdict.kind}/${stage}/${by}`, now, tone, words, about, by);
    const writes = [ledger.gateWrite(record, gate), outbox.write(record.token, answer, now)];
    const standing = ledger.standingWrites({ ...record.release, execution: record.releaseRun }, { waitsFor: undefined });
    // Where a later attempt of the release has taken over, its standing alone is not ours to write.
    const isWritten =
      (await journal.writeWith(ledger.table, [...writes, ...standing], told)) || (await journal.writeWith(ledger.table, writes, told));
    if (!isWritten) continue;
    const heard = await outbox.send(record.token, answer);
    return heard
      ? { done: `${releaseTitle(record.release)}: ${words}` }
      : refused(`${releaseTitle(record.release)} has ended; nobody waits for this any more`);
  }
}
