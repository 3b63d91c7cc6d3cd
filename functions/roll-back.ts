/** Puts back what ran before: stops deployments in progress, deploys earlier revisions again, removes services that did not exist, and waits for ECS. */
import * as z from 'zod/mini';
import type { DeploymentStatus } from '../aws/ecs.ts';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { Parameters } from '../aws/ssm.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import type { PromotionRecord, WaitRecord } from '../domain/ledger/records.ts';
import { environmentName } from '../domain/pipeline/names.ts';
import { listenersOf, type Pipeline } from '../domain/pipeline/pipeline.ts';
import { wayBack } from '../domain/rollout/rollout.ts';
import { renderUpdateService } from '../domain/service/rendering.ts';
import { RollbackFailed } from '../domain/workflow/errors.ts';
import { closeConfirmation } from './deployment/confirmation.ts';
import { answerIfDone, CLOCK_SKEW, isGoingBack, observe } from './deployment/waits.ts';
import { type EnvironmentClients, environmentClients, environmentOf, turnOf } from './environment/clients.ts';
import { outcomeSchema, promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';

const Input = z.discriminatedUnion('act', [
  z.extend(promotionSchema, { act: z.literal('begin'), fence: z.number(), token: z.string(), outcome: outcomeSchema }),
  /** Set for the backstop's check, after a wait that no event ended. */
  z.extend(promotionSchema, { act: z.literal('observe') }),
]);

type Begin = Extract<z.infer<typeof Input>, { act: 'begin' }>;

interface World {
  readonly pipeline: Pipeline;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Pick<
    Ledger,
    'gate' | 'gateWrite' | 'table' | 'promotion' | 'setPromotion' | 'wait' | 'waitsOf' | 'putWait' | 'endWait' | 'dropWait' | 'dropService'
  >;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Pick<Turns, 'assertTurn'>;
  readonly outbox: Outbox;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const rollBack =
  (world: World) =>
  async (input: z.infer<typeof Input>, moment: Moment): Promise<object> => {
    const { ledger, journal, outbox } = world;
    const { promotion, environment, release, stage } = input;
    const record = await ledger.promotion(promotion);
    if (record === undefined) throw new Error(`no promotion ${promotion} in the ledger`);
    if (input.act === 'observe') return observeOnce(world, record);
    await ledger.setPromotion(promotion, { state: 'rolling-back', reason: input.outcome.reason });
    await journal.write(
      entry(promotion, 'rolling-back', moment.now(), 'bad', `failed in ${environment}, rolls back: ${input.outcome.reason}`, {
        release,
        environment,
        stage,
      }),
    );
    await closeConfirmation(world, input, moment.now());
    const begun: string[] = [];
    const services = Object.keys(record.before ?? {});
    const among = await goingBack(ledger, record, services);
    for (const service of services) if (await beginRollBack(world, input, record, service, among, moment.now())) begun.push(service);
    if (begun.length === 0) {
      await outbox.answer(input.token, { result: { services: [] } }, moment.now());
      return {};
    }
    // ECS may have been faster than we were: its event came before all waits were there.
    const first = await ledger.wait(environment, begun[0]!);
    if (first) await answerIfDone(world, first);
    return {};
  };

/** The services that were touched and have something to go back to: the rollback is over when all of them are, not before. */
async function goingBack(ledger: World['ledger'], { promotion, environment, before }: PromotionRecord, services: readonly string[]) {
  const waits = await Promise.all(services.map((service) => ledger.wait(environment, service)));
  return services.filter((service, index) => waits[index]?.owner === promotion && before?.[service] != null);
}

/** @returns whether ECS has something to do that must be waited for */
async function beginRollBack(
  { pipeline, parameters, ledger, turns, clients }: World,
  { environment: name, promotion, release, fence, token }: Begin,
  record: PromotionRecord,
  serviceName: string,
  among: readonly string[],
  now: number,
): Promise<boolean> {
  const left = await ledger.wait(name, serviceName);
  if (left?.owner !== promotion) return false;
  const environment = environmentOf(pipeline, name);
  const service = pipeline.services[serviceName];
  if (service === undefined) return false;
  const { ecs, loadBalancing } = clients(name);
  const cluster = environmentName(pipeline.name, name);
  const previous = record.before?.[serviceName] ?? null;
  // A retry: of an update back, of which ECS may have heard; or of a stop, which is harmless twice, and may have come too late.
  if (isGoingBack(left.kind)) {
    await ledger.putWait({ ...left, token });
    if (left.state === 'succeeded' || left.state === 'failed') return true;
    if (left.kind === 'put-back' && (await observe({ pipeline, ledger, clients }, { ...left, token })).state !== 'none') return true;
  }
  await turns.assertTurn(name, turnOf(pipeline, release), promotion, fence);
  if (previous === null) {
    // It did not exist before: nothing to go back to.
    await ecs.delete(cluster, serviceName);
    if (service.web) {
      const { foundation, targetGroups } = await parameters.foundation(pipeline.name, name, [serviceName]);
      for (const listener of listenersOf(foundation))
        await loadBalancing.deleteRules(listener, (led) => led.includes(targetGroups[serviceName] ?? ''));
    }
    await ledger.dropService(name, serviceName);
    await ledger.dropWait(left);
    return false;
  }
  const stop: WaitRecord = { ...left, kind: 'stop', token, among, state: 'open' };
  const status: DeploymentStatus =
    left.kind === 'put-back' ? { state: 'succeeded', reason: '' } : await ecs.deploymentStatus(cluster, left);
  switch (status.state) {
    case 'failed':
      // Deleted by hand, or ECS has no way back: neither is what ran before.
      if (status.stuck || status.gone) {
        await ledger.putWait({ ...stop, state: 'failed', reason: `${serviceName}: ${status.reason}` });
        return true;
      }
      // ECS has rolled back by itself; or somebody else's deployment took its place, which is theirs to take back.
      await ledger.putWait({ ...stop, state: 'succeeded' });
      return false;
    case 'none':
      await ledger.putWait({ ...stop, state: 'succeeded' });
      return false;
    case 'running':
      await ledger.putWait(stop);
      await ecs.stop(status.deployment ?? '');
      return true;
    case 'succeeded': {
      const { foundation } = await parameters.foundation(pipeline.name, name, []);
      // A retry keeps its first moment: ECS may have begun with the first try's.
      const since = left.kind === 'put-back' ? left.since : now - CLOCK_SKEW;
      await ledger.putWait({ ...stop, kind: 'put-back', taskDefinition: previous, since, asked: false });
      const request = renderUpdateService({
        pipeline,
        environment,
        service,
        foundation,
        targetGroupArn: undefined,
        taskDefinition: previous,
        promotion,
        shift: wayBack(environment, left),
      });
      if (!(await ecs.update(request as never))) throw new Error(`${serviceName} is not in ${name} any more; deploy it again`);
      return true;
    }
  }
}

/** What does ECS say, now that nobody has ended the wait in time? */
async function observeOnce(world: World, { promotion, environment, before }: PromotionRecord): Promise<object> {
  for (const service of Object.keys(before ?? {})) {
    const wait = await world.ledger.wait(environment, service);
    if (wait?.owner !== promotion || wait.state === 'succeeded') continue;
    const status = isGoingBack(wait.kind) && wait.state === 'open' ? await observe(world, wait) : undefined;
    const after = status === undefined ? wait : await world.ledger.wait(environment, service);
    if (after?.state === 'late') throw new RollbackFailed(`${service} had completed before it could be stopped`);
    if (after?.state !== 'succeeded')
      throw new RollbackFailed(after?.reason ?? `${service}: ${status?.reason ?? 'its rollback never began'}`);
  }
  return {};
}

export const handler = step('roll-back', Input, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return rollBack({
    pipeline,
    parameters: new Parameters(),
    ledger,
    journal: new Journal(setting('JOURNAL_TABLE')),
    turns: new Turns(ledger.table),
    outbox: new Outbox(ledger.table, new StepFunctions()),
    clients: environmentClients(pipeline, 'roll-back'),
  });
});
