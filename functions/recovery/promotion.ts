/** Recovers an ended promotion: ECS first, then the ledger, then the turn. Each part can be run again. */

import { isPromotionOver, type PromotionRecord, type WaitRecord } from '../../domain/ledger/records.ts';
import { environmentName } from '../../domain/pipeline/names.ts';
import { listenersOf } from '../../domain/pipeline/pipeline.ts';
import { wayBack } from '../../domain/rollout/rollout.ts';
import { renderUpdateService } from '../../domain/service/rendering.ts';
import { CLOCK_SKEW } from '../deployment/waits.ts';
import { ALL_GROUPS, environmentOf } from '../environment/clients.ts';
import { entry } from '../journal/entries.ts';
import type { RecoveryWorld } from './context.ts';
import { type End, LONGEST_INVOCATION, outcomeOf } from './end.ts';
import { freezeForManualIntervention } from './manual-intervention.ts';

/** The deployment or rollback of an ended promotion, as it is left; `rolling-back`: ECS has not finished going back. */
type Left = 'recovered' | 'rolling-back' | { readonly manualIntervention: string };

/** Whether the execution itself has written its end down: then nothing is left to recover. */
export async function isOver({ ledger }: Pick<RecoveryWorld, 'ledger'>, promotion: string): Promise<boolean> {
  const record = await ledger.promotion(promotion);
  return record === undefined || isPromotionOver(record);
}

/** Stops at once what an ended promotion rolls out; the rest is recovered later. May be repeated. */
export async function stopRollouts({ pipeline, ledger, clients }: RecoveryWorld, promotion: string): Promise<void> {
  const record = await ledger.promotion(promotion);
  for (const service of Object.keys(record?.before ?? {})) {
    const wait = record && (await ledger.wait(record.environment, service));
    if (
      wait?.owner !== promotion ||
      (wait.kind !== 'deploy' && wait.kind !== 'shift') ||
      (wait.state !== 'open' && wait.state !== 'paused')
    )
      continue;
    const { ecs } = clients(wait.environment);
    const status = await ecs.deploymentStatus(environmentName(pipeline.name, wait.environment), wait);
    if (status.state === 'running') await ecs.stop(status.deployment ?? '');
  }
}

/**
 * Stops or takes back what an ended promotion left in ECS; when that is done, says so in the ledger, and gives its turn on.
 * Only when its last function must be dead.
 * @returns false while ECS is still going back: to be called again
 */
export async function recoverPromotion(world: RecoveryWorld, promotion: string, end: End, now: number): Promise<boolean> {
  const { ledger, journal, turns } = world;
  const record = await ledger.promotion(promotion);
  if (record === undefined) return true;
  if (!isPromotionOver(record)) {
    const stuck: string[] = [];
    let isGoing = false;
    for (const service of Object.keys(record.before ?? {})) {
      const left = await recoverService(world, record, service, end, now);
      if (left === 'rolling-back') isGoing = true;
      else if (left !== 'recovered') stuck.push(left.manualIntervention);
    }
    if (isGoing) return false;
    const { state, reason } = outcomeOf(end);
    if (stuck.length > 0) await freezeForManualIntervention(world, record, stuck.join('; '), now);
    await ledger.setPromotion(promotion, { state, endedAt: new Date(now).toISOString(), reason });
    const about = { release: record.release, environment: record.environment, stage: record.stage };
    const what = stuck.length > 0 ? stuck.join('; ') : record.before === undefined ? 'nothing has changed' : 'what ran before is put back';
    await journal.write(entry(promotion, 'ended', now, 'bad', `${state} in ${record.environment}: ${reason}; ${what}`, about));
  }
  await turns.end(
    environmentOf(world.pipeline, record.environment),
    promotion,
    record.group === ALL_GROUPS ? undefined : record.group,
    now,
  );
  return true;
}

async function recoverService(world: RecoveryWorld, record: PromotionRecord, serviceName: string, end: End, now: number): Promise<Left> {
  const { pipeline, parameters, ledger, clients } = world;
  const wait = await ledger.wait(record.environment, serviceName);
  if (wait?.owner !== record.promotion) return 'recovered';
  const previous = record.before?.[serviceName] ?? null;
  if (previous === null) {
    const { ecs, loadBalancing } = clients(record.environment);
    await ecs.delete(environmentName(pipeline.name, record.environment), serviceName);
    if (pipeline.services[serviceName]?.web) {
      const { foundation, targetGroups } = await parameters.foundation(pipeline.name, record.environment, [serviceName]);
      for (const listener of listenersOf(foundation))
        await loadBalancing.deleteRules(listener, (led) => led.includes(targetGroups[serviceName] ?? ''));
    }
    await ledger.dropService(record.environment, serviceName);
  } else {
    const left = await goBack(world, record, wait, previous, end, now);
    if (left !== 'recovered') return left;
  }
  await ledger.dropWait(wait);
  return 'recovered';
}

/** Brings a service back to what it ran before, from wherever the execution has left it; it is back when ECS says so. */
async function goBack(
  world: RecoveryWorld,
  record: PromotionRecord,
  wait: WaitRecord,
  previous: string,
  { stoppedAt }: End,
  now: number,
): Promise<Left> {
  const { pipeline, clients } = world;
  const { ecs } = clients(record.environment);
  const cluster = environmentName(pipeline.name, record.environment);
  const isBack = wait.kind === 'put-back';
  let status = await ecs.deploymentStatus(cluster, wait);
  // A rollback's own deployment of what ran before may go on; anything else that was deployed may not.
  if (status.state === 'running' && !isBack) {
    await ecs.stop(status.deployment ?? '');
    status = await ecs.deploymentStatus(cluster, wait);
  }
  if (status.stuck || status.gone || status.overtakenBy !== undefined || (isBack && status.state === 'failed'))
    return { manualIntervention: `${wait.service}: ${status.reason}` };
  if (status.state === 'running') {
    const { deployMinutes } = environmentOf(pipeline, record.environment).timeouts;
    const until = Math.max(stoppedAt, wait.since) + LONGEST_INVOCATION + deployMinutes * 60_000;
    return now < until ? 'rolling-back' : { manualIntervention: `${wait.service}: ECS has not gone back within ${deployMinutes} minutes` };
  }
  return status.state === (isBack ? 'none' : 'succeeded') ? putBack(world, record, wait, previous, now) : 'recovered';
}

/** Asks ECS for what ran before; the next check sees how that ends. */
async function putBack(
  { pipeline, parameters, ledger, clients }: RecoveryWorld,
  { environment: name, promotion }: PromotionRecord,
  wait: WaitRecord,
  taskDefinition: string,
  now: number,
): Promise<Left> {
  const service = pipeline.services[wait.service];
  if (service === undefined) return 'recovered';
  const environment = environmentOf(pipeline, name);
  const { foundation } = await parameters.foundation(pipeline.name, name, []);
  const shift = wayBack(environment, wait);
  const parts = { pipeline, environment, service, foundation, targetGroupArn: undefined, taskDefinition, promotion, shift };
  await ledger.putWait({ ...wait, kind: 'put-back', state: 'open', taskDefinition, since: now - CLOCK_SKEW, asked: false });
  await clients(name).ecs.update(renderUpdateService(parts) as never);
  return 'rolling-back';
}
