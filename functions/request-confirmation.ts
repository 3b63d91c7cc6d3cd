/** Asks people to confirm at the test listener before traffic shifts: a question like a gate's, answered through `decide`. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { confirmStage } from '../domain/approval/confirmation.ts';
import type { ApprovalRecord } from '../domain/ledger/records.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { shortDigest } from '../domain/release/release.ts';
import { endConfirmation } from './deployment/confirmation.ts';
import { environmentOf } from './environment/clients.ts';
import { promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';

const Input = z.extend(promotionSchema, { token: z.string(), confirmUntil: z.number(), url: z.string() });

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'gate' | 'gateWrite' | 'setRelease' | 'table' | 'promotion' | 'wait'>;
  readonly journal: Pick<Journal, 'write'>;
  readonly outbox: Outbox;
}

export const requestConfirmation =
  ({ pipeline, ledger, journal, outbox }: World) =>
  async (
    { promotion, environment, release, releaseRun, token, confirmUntil, url }: z.infer<typeof Input>,
    { now }: Moment,
  ): Promise<object> => {
    const rule = environmentOf(pipeline, environment).approval;
    if (rule === undefined) throw new Error(`nobody may confirm in ${environment}: it has no approvers`);
    const stage = confirmStage(environment);
    for (;;) {
      const before = await ledger.gate(stage, release.repository);
      const again = before?.releaseRun === releaseRun && before.state === 'waiting';
      const version = (before?.version ?? 0) + 1;
      const asked: ApprovalRecord = {
        approval: `${stage}/${release.repository}/${shortDigest(release.digest)}/${version}`,
        stage,
        release,
        releaseRun,
        token,
        state: 'waiting',
        askedAt: new Date(now()).toISOString(),
        deadline: confirmUntil,
        approvals: [],
        version,
      };
      // A retry of this step: the question stands, only its token is new.
      if (await ledger.table.transact([ledger.gateWrite(again ? { ...before, token, version } : asked, before)])) break;
    }
    const who = rule.approvers.join(', ');
    const text = `waits at ${url} for confirmation by ${who} before traffic of ${environment} shifts`;
    await ledger.setRelease(release.repository, release.digest, releaseRun, { waitsFor: `confirmation in ${environment} by ${who}` });
    await journal.write(entry(promotion, 'asked-to-confirm', now(), 'waiting', text, { release, environment, stage }));
    // It may have come to its end during checks and build, when there was no question yet that its event could have closed.
    const services = Object.keys((await ledger.promotion(promotion))?.taskDefinitions ?? {});
    for (const service of services) {
      const wait = await ledger.wait(environment, service);
      if (wait?.owner !== promotion || wait.state !== 'failed') continue;
      await endConfirmation({ ledger, outbox }, { environment, release, releaseRun }, wait.reason ?? `${service} failed`, now());
      break;
    }
    return {};
  };

export const handler = step('request-confirmation', Input, () => {
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return requestConfirmation({
    pipeline: readPipeline(),
    ledger,
    journal: new Journal(setting('JOURNAL_TABLE')),
    outbox: new Outbox(ledger.table, new StepFunctions()),
  });
});
