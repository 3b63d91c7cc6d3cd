/** The end of a promotion, whichever it is: the ledger says what runs and why, the turn is given on, people are told. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import type { PromotionRecord } from '../domain/ledger/records.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { isChecked } from '../domain/promotion/checks.ts';
import { membersOf, type Release } from '../domain/release/release.ts';
import { routed } from '../domain/service/routes.ts';
import type { Outcome } from '../domain/workflow/outcome.ts';
import { environmentOf, groupsOf, turnOf } from './environment/clients.ts';
import { postponeIdleTeardown } from './environment/idle-teardown.ts';
import { outcomeSchema, promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry, TONES } from './journal/entries.ts';
import { freezeForManualIntervention } from './recovery/manual-intervention.ts';

const Input = z.extend(promotionSchema, {
  outcome: outcomeSchema,
  /** The rollback failed too: the environment is frozen until a person has intervened. */
  manualIntervention: z.optional(z.boolean()),
});

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<
    Ledger,
    'promotion' | 'extension' | 'putExtension' | 'setPromotion' | 'putRunning' | 'putService' | 'putFreeze' | 'dropWait'
  >;
  readonly turns: Pick<Turns, 'end'>;
  readonly journal: Pick<Journal, 'write'>;
}

export const completePromotion =
  (world: World) =>
  async (input: z.infer<typeof Input>, { now, count }: Moment): Promise<Outcome> => {
    const { pipeline, ledger, turns, journal } = world;
    const { promotion, environment, stage, release, outcome, manualIntervention } = input;
    const record = await ledger.promotion(promotion);
    const at = record?.endedAt ?? new Date(now()).toISOString();
    // A retry after the turn was given on: by now the next one may have written what it runs.
    if (record && record.endedAt === undefined && outcome.outcome === 'succeeded') await recordSuccess(world, input, record, at);
    if (record?.before) for (const service of Object.keys(record.before)) await ledger.dropWait({ environment, service, owner: promotion });
    if (manualIntervention) {
      await freezeForManualIntervention(world, { promotion, environment, release }, outcome.reason, Date.parse(at));
      count('ManualIntervention');
    }
    if (record)
      await ledger.setPromotion(promotion, {
        state: outcome.outcome,
        endedAt: at,
        reason: outcome.reason,
        ...(manualIntervention ? { manualIntervention } : {}),
      });
    await postponeIdleTeardown(ledger, environmentOf(pipeline, environment), now());
    await turns.end(environmentOf(pipeline, environment), promotion, turnOf(pipeline, release), now());
    await journal.write(
      entry(promotion, 'ended', now(), TONES[outcome.outcome], endText(pipeline, environment, release, outcome), {
        release,
        environment,
        stage,
      }),
    );
    count('PromotionEnded', { outcome: outcome.outcome });
    return outcome;
  };

/** The end of a promotion as the journal says it: no checks are claimed where none are configured. */
function endText(pipeline: Pipeline, environment: string, release: Release, { outcome, reason }: Outcome): string {
  if (outcome !== 'succeeded') return `${outcome} in ${environment}: ${reason}`;
  const services = groupsOf(pipeline, release).flatMap((group) => group.services);
  return `runs in ${environment}, ${isChecked(environmentOf(pipeline, environment).verification, services) ? 'checks passed' : 'no checks configured'}`;
}

async function recordSuccess(
  { pipeline, ledger }: World,
  { promotion, environment, release }: z.infer<typeof Input>,
  record: PromotionRecord,
  at: string,
): Promise<void> {
  for (const member of membersOf(release)) await ledger.putRunning({ ...member, environment, promotion, since: at, verified: true });
  const place = environmentOf(pipeline, environment);
  for (const [service, taskDefinition] of Object.entries(record.taskDefinitions)) {
    const route = routed(place, pipeline.services[service]);
    await ledger.putService({ environment, service, state: 'running', taskDefinition, promotion, ...route });
  }
}

export const handler = step('complete-promotion', Input, () => {
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return completePromotion({
    pipeline: readPipeline(),
    ledger,
    turns: new Turns(ledger.table, new StepFunctions()),
    journal: new Journal(setting('JOURNAL_TABLE')),
  });
});
