/** A gate: asks people, supersedes an older release that waits at the same gate, and leaves the token for whoever decides. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { type Answer, StepFunctions } from '../aws/step-functions.ts';
import type { Write } from '../aws/table.ts';
import { askedAbout } from '../domain/approval/approval.ts';
import { approvalOf } from '../domain/database/databases.ts';
import type { ApprovalRecord } from '../domain/ledger/records.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { compareOrders } from '../domain/release/order.ts';
import { releaseTitle, shortDigest } from '../domain/release/release.ts';
import { Superseded } from '../domain/workflow/errors.ts';
import { releaseSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';

const Input = z.object({
  release: releaseSchema,
  stage: z.string(),
  execution: z.string(),
  attempt: z.number(),
  token: z.string(),
  approvalSeconds: z.number(),
});

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'gate' | 'atGate' | 'gateWrite' | 'release' | 'standingWrites' | 'table'>;
  readonly outbox: Outbox;
  readonly journal: Pick<Journal, 'writeWith'>;
}

export const requestApproval =
  ({ pipeline, ledger, outbox, journal }: World) =>
  async ({ release, stage, execution, attempt, token, approvalSeconds }: z.infer<typeof Input>, { now }: Moment): Promise<object> => {
    const stagePlan = pipeline.path.find(({ name }) => name === stage);
    const rule = approvalOf(pipeline, stage, release.repository);
    if (stagePlan === undefined || rule === undefined) throw new Error(`stage ${stage} asks nobody`);
    const record: ApprovalRecord = {
      approval: `${stage}/${release.repository}/${shortDigest(release.digest)}/${attempt}`,
      stage,
      release,
      releaseRun: execution,
      token,
      state: 'waiting',
      askedAt: new Date(now()).toISOString(),
      deadline: now() + approvalSeconds * 1000,
      approvals: [],
      version: 1,
    };
    const answerSelf = async (answer: Answer) => {
      await outbox.answer(token, answer, now());
      return {};
    };
    const { running: runs, gate } = await ledger.atGate(stage, release.repository, stagePlan.environments);
    for (const [environment, running] of Object.entries(runs)) {
      if (running && compareOrders(running.order, release.order) > 0)
        return answerSelf(failure(new Superseded(`${environment} runs ${releaseTitle(running)}, which is newer`)));
    }
    const dead = failure(new Superseded(`${releaseTitle(release)}, which is newer, has reached the gate of ${stage}`));
    const who = askedAbout(rule, pipeline.people, release.author).join(', ') || 'somebody else than its author';
    const quorum = rule.quorum > 1 ? ` (${rule.quorum} of them)` : '';
    const standing = ledger.standingWrites({ ...release, execution }, { stage, waitsFor: `approval for ${stage} by ${who}` });
    const text = `waits for approval for ${stage} by ${who}${quorum}`;
    const told = entry(execution, `asked/${stage}`, now(), 'waiting', text, { release, stage });
    // Where a later attempt of the release has taken over, its standing alone is not ours to write.
    const ask = async (...writes: readonly Write[]) =>
      (await journal.writeWith(ledger.table, [...writes, ...standing], told)) || (await journal.writeWith(ledger.table, writes, told));
    for (let before = gate; ; before = await ledger.gate(stage, release.repository)) {
      if (before?.releaseRun === execution && before.state === 'waiting') {
        // A retry of this step: the question stands, only its token is new.
        if (!(await ask(ledger.gateWrite({ ...before, token, version: before.version + 1 }, before)))) continue;
        if (before.superseded) await outbox.send(before.superseded, dead);
        break;
      }
      const version = (before?.version ?? 0) + 1;
      // What was approved and is in progress is not superseded by something older.
      if (before?.state === 'approved' && compareOrders(before.release.order, release.order) > 0 && (await isInProgress(ledger, before)))
        return answerSelf(failure(new Superseded(`${releaseTitle(before.release)}, which is newer, is approved for ${stage}`)));
      if (before?.state !== 'waiting') {
        if (await ask(ledger.gateWrite({ ...record, version }, before))) break;
        continue;
      }
      if (compareOrders(before.release.order, release.order) > 0)
        return answerSelf(failure(new Superseded(`${releaseTitle(before.release)}, which is newer, waits at ${stage}`)));
      const taken = ledger.gateWrite({ ...record, version, superseded: before.token }, before);
      if (!(await ask(taken, outbox.write(before.token, dead, now())))) continue;
      await outbox.send(before.token, dead);
      break;
    }
    return {};
  };

async function isInProgress(ledger: World['ledger'], { release, releaseRun }: ApprovalRecord): Promise<boolean> {
  const record = await ledger.release(release.repository, release.digest);
  return record?.state === 'in-progress' && record.execution === releaseRun;
}

const failure = (error: Error): Answer => ({ error: error.name, cause: error.message });

export const handler = step('request-approval', Input, () => {
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return requestApproval({
    pipeline: readPipeline(),
    ledger,
    outbox: new Outbox(ledger.table, new StepFunctions()),
    journal: new Journal(setting('JOURNAL_TABLE')),
  });
});
