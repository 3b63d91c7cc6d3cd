/** The brake: ends what moves. What it leaves in ECS is put in order by `on-execution-ended`, and by the sweep. */

import { promotionExecution } from '../../../domain/names.ts';
import type { Person } from '../../../domain/pipeline.ts';
import { isPromotionOver } from '../../../domain/records.ts';
import { ABORTED } from '../../../domain/workflow.ts';
import { entry } from '../words.ts';
import { type Caller, type Of, refused, type Said, type World } from './world.ts';

/** Ends a release's climb, with all its promotions, or one promotion alone. */
export async function abort(world: World, { execution, reason }: Of<'abort'>, { person, now }: Caller): Promise<Said> {
  const { pipeline, ledger, workflows, machines, journal } = world;
  const why = reason ?? 'no reason given';
  const promotion = await ledger.promotion(execution);
  if (promotion !== undefined) {
    if (isPromotionOver(promotion)) return refused(`${execution} has ended already: ${promotion.state}`);
    await stopPromotion(world, execution, person, why, now);
    return { done: `${execution} is aborted: ${why}`, execution };
  }
  const release = (await ledger.climbing()).find((one) => one.execution === execution);
  if (release === undefined) return refused(`nothing of the name ${execution} is on its way; see shiplock status`);
  for (const environment of Object.keys(pipeline.environments)) {
    const own = await ledger.promotion(promotionExecution(environment, execution));
    if (own !== undefined && !isPromotionOver(own)) await stopPromotion(world, own.promotion, person, why, now);
  }
  await workflows.stop(executionArn(machines.release, execution), ABORTED, `aborted by ${person.email}: ${why}`);
  await journal.write(entry(execution, `aborted/${now}`, now, 'bad', `aborted: ${why}`, { release }, person.email));
  return { done: `${execution} is aborted: ${why}`, execution };
}

export async function stopPromotion(world: World, promotion: string, person: Person, why: string, now: number): Promise<void> {
  const { workflows, machines, journal, ledger } = world;
  const record = await ledger.promotion(promotion);
  const about = record ? { release: record.release, environment: record.environment, stage: record.stage } : {};
  await journal.write(entry(promotion, `aborted/${now}`, now, 'bad', `aborted: ${why}`, about, person.email));
  await workflows.stop(executionArn(machines.promotion, promotion), ABORTED, `aborted by ${person.email}: ${why}`);
}

const executionArn = (machine: string, name: string) => `${machine.replace(':stateMachine:', ':execution:')}:${name}`;
