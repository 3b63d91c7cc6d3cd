/** Handles the event that an execution ended badly: recovers what it left in ECS, in the ledger and in the queue. Executions that end normally leave nothing. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Parameters } from '../aws/ssm.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import { stateMachineName } from '../domain/pipeline/names.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { ABORTED } from '../domain/workflow/outcome.ts';
import { closeConfirmation } from './deployment/confirmation.ts';
import { type EnvironmentClients, environmentClients } from './environment/clients.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { assertInvocationsEnded, assertRecovered } from './recovery/end.ts';
import { isInTurn, isWaking, recoverTeardown, recoverWake } from './recovery/environment.ts';
import { isOver, recoverPromotion, stopRollouts } from './recovery/promotion.ts';
import { recoverRelease } from './recovery/release.ts';

/** https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const Event = z.object({
  source: z.literal('aws.states'),
  detail: z.object({
    executionArn: z.string(),
    stateMachineArn: z.string(),
    name: z.string(),
    status: z.string(),
    stopDate: z.nullable(z.number()),
    input: z.nullable(z.string()),
    error: z.optional(z.nullable(z.string())),
    cause: z.optional(z.nullable(z.string())),
  }),
});

interface World {
  readonly pipeline: Pipeline;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Ledger;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Turns;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const onExecutionEnded =
  (world: World) =>
  async ({ detail }: z.infer<typeof Event>, { now }: Moment): Promise<void> => {
    const machine = detail.stateMachineArn.split(':').at(-1);
    const name = (workflow: 'release' | 'promotion' | 'wake' | 'teardown') => stateMachineName(world.pipeline.name, workflow);
    const end = {
      status: detail.status,
      stoppedAt: detail.stopDate ?? now(),
      cause: detail.cause ?? '',
      aborted: detail.status === 'ABORTED' && detail.error === ABORTED,
    };
    const at = now();
    const input = JSON.parse(detail.input ?? '{}') as Record<string, string>;
    switch (machine) {
      case name('promotion'): {
        if (await isOver(world, detail.name)) return;
        await stopRollouts(world, detail.name);
        assertInvocationsEnded(detail.name, end, at);
        const isRecovered = await recoverPromotion(world, detail.name, end, at);
        await withdraw(world, detail.name, at);
        return assertRecovered(isRecovered, detail.name, end, at);
      }
      case name('release'):
        return recoverRelease(world, input.repository ?? '', input.digest ?? '', detail.name, end, at, Number(input.attempt ?? 1));
      case name('wake'):
        if (!(await isWaking(world, input.environment ?? '', detail.name))) return;
        assertInvocationsEnded(detail.name, end, at);
        return recoverWake(world, input.environment ?? '', detail.name, end, at);
      case name('teardown'):
        if (!(await isInTurn(world, input.environment ?? '', detail.name))) return;
        assertInvocationsEnded(detail.name, end, at);
        return recoverTeardown(world, input.environment ?? '', detail.name, end, at);
      default:
        return;
    }
  };

async function withdraw(world: World, promotion: string, now: number): Promise<void> {
  const record = await world.ledger.promotion(promotion);
  if (record) await closeConfirmation(world, record, now);
}

export const handler = step('on-execution-ended', Event, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return onExecutionEnded({
    pipeline,
    parameters: new Parameters(),
    ledger,
    journal: new Journal(setting('JOURNAL_TABLE')),
    turns: new Turns(ledger.table, new StepFunctions()),
    clients: environmentClients(pipeline, 'on-execution-ended'),
  });
});
