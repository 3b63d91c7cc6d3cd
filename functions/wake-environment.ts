/** Brings an on-demand environment up: its cluster, then group by group what ran before, then whoever waits. */
import * as z from 'zod/mini';
import { isThere } from '../aws/ecs.ts';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { Parameters } from '../aws/ssm.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import type { ServiceRecord, WaitRecord } from '../domain/ledger/records.ts';
import { environmentName } from '../domain/pipeline/names.ts';
import type { Environment, Pipeline } from '../domain/pipeline/pipeline.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import { restoring, WAY_BACK } from '../domain/rollout/rollout.ts';
import { renderCreateService, renderWakeService, type ServiceParts } from '../domain/service/rendering.ts';
import { routed } from '../domain/service/routes.ts';
import { leadAfresh, leadTo, pairOf, type Routed, rollingTo } from './deployment/routing.ts';
import { answerIfDone, CLOCK_SKEW, observe } from './deployment/waits.ts';
import { type EnvironmentClients, environmentClients, environmentOf } from './environment/clients.ts';
import { scheduleIdleTeardown } from './environment/idle-teardown.ts';
import { outcomeSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';

const common = { environment: z.string(), execution: z.string() };

const Input = z.discriminatedUnion('act', [
  z.object({ ...common, act: z.literal('begin'), cause: z.string() }),
  z.object({ ...common, act: z.literal('restore'), group: z.string(), token: z.string() }),
  z.object({ ...common, act: z.enum(['complete', 'give-up']), outcome: outcomeSchema }),
]);

type Act<Name extends string> = Extract<z.infer<typeof Input>, { act: Name }>;

interface World {
  readonly pipeline: Pipeline;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Pick<
    Ledger,
    'services' | 'extension' | 'putExtension' | 'wait' | 'waitsOf' | 'putWait' | 'endWait' | 'dropWait' | 'putService' | 'table'
  >;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Turns;
  readonly outbox: Outbox;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const wakeEnvironment =
  (world: World) =>
  async (input: z.infer<typeof Input>, moment: Moment): Promise<object> => {
    const environment = environmentOf(world.pipeline, input.environment);
    switch (input.act) {
      case 'begin':
        return begin(world, input, environment, moment);
      case 'restore':
        return restore(world, input, environment, moment);
      case 'complete':
      case 'give-up':
        return end(world, input, environment, moment);
    }
  };

/** @returns the groups to restore, or that there is nothing to do: it is up already, or it is morning and nobody waits */
async function begin(world: World, { execution, cause }: Act<'begin'>, environment: Environment, { now }: Moment): Promise<object> {
  const { pipeline, ledger, turns, journal, clients } = world;
  if (cause === 'morning' && !(await turns.hasParked(environment))) return { awake: true, groups: [] };
  if (!(await turns.beginWake(environment, execution, now()))) return { awake: true, groups: [] };
  await journal.write(entry(execution, 'waking', now(), 'info', `${environment.name} wakes`, { environment: environment.name }));
  if (environment.onDemand?.depth === 'cluster')
    await clients(environment.name).ecs.createCluster(environmentName(pipeline.name, environment.name), {
      'shiplock:pipeline': pipeline.name,
      'shiplock:environment': environment.name,
    });
  const known = await ledger.services(environment.name);
  const groups = new Set(known.flatMap(({ service }) => pipeline.services[service]?.group ?? []));
  return { awake: false, groups: [...groups] };
}

async function restore(
  world: World,
  { execution, group, token }: Act<'restore'>,
  environment: Environment,
  { now }: Moment,
): Promise<object> {
  const { pipeline, ledger, outbox } = world;
  const known = (await ledger.services(environment.name)).filter(({ service }) => pipeline.services[service]?.group === group);
  const among = known.map(({ service }) => service);
  if (among.length === 0) {
    await outbox.answer(token, { result: { services: [] } }, now());
    return {};
  }
  let retried = false;
  for (const record of known) retried = (await restoreService(world, execution, record, among, token, environment, now())) || retried;
  const wait = retried ? await ledger.wait(environment.name, among[0]!) : undefined;
  if (wait) await answerIfDone(world, wait);
  return {};
}

/** @returns whether an earlier try had begun it */
async function restoreService(
  { pipeline, parameters, ledger, clients }: World,
  execution: string,
  record: ServiceRecord,
  among: readonly string[],
  token: string,
  environment: Environment,
  now: number,
): Promise<boolean> {
  const { service: name, taskDefinition } = record;
  const service = pipeline.services[name]!;
  const { ecs, loadBalancing } = clients(environment.name);
  const left = await ledger.wait(environment.name, name);
  const again = left?.owner === execution;
  const wait: WaitRecord = again
    ? { ...left, token }
    : {
        environment: environment.name,
        service: name,
        owner: execution,
        kind: 'restore',
        token,
        among,
        taskDefinition,
        since: now - CLOCK_SKEW,
        state: 'open',
      };
  await ledger.putWait(wait);
  if (again) {
    const mayBeMissing = environment.onDemand?.depth === 'cluster';
    if (wait.state !== 'open' || (await observe({ pipeline, ledger, clients }, wait, { mayBeMissing })).state !== 'none') return true;
  }
  const own = service.web ? [name] : [];
  const { foundation, targetGroups, alternates } = await parameters.foundation(
    pipeline.name,
    environment.name,
    own,
    shiftingOf(environment, service) ? own : [],
  );
  const parts = { pipeline, environment, service, foundation, targetGroupArn: targetGroups[name], taskDefinition, promotion: execution };
  const alternateArn = alternates[name];
  const rendering =
    alternateArn === undefined ? await asItRolls(loadBalancing, parts) : await asItServed(loadBalancing, parts, alternateArn);
  // From here on it may run: a teardown reads the ledger. What comes back from a former pair, the next promotion looks after again.
  await ledger.putService({ ...record, state: 'running', ...(rendering.shift === WAY_BACK ? {} : routed(environment, service)) });
  const update = async () => ecs.update(renderWakeService(rendering) as never);
  if (environment.onDemand?.depth === 'tasks' && (await update())) return again;
  if (alternateArn === undefined) await leadAfresh(loadBalancing, parts);
  try {
    await ecs.create(renderCreateService(alternateArn === undefined ? parts : rendering) as never);
  } catch (error) {
    // It is there after all: left over by a teardown or a wake that ended half done.
    if (!isThere(error) || !(await update())) throw error;
  }
  return again;
}
/** A service that is rolled, where it has stayed at zero. */
async function asItRolls(loadBalancing: EnvironmentClients['loadBalancing'], parts: ServiceParts & Routed): Promise<ServiceParts> {
  if (parts.environment.onDemand?.depth !== 'tasks' || parts.service.web === undefined) return parts;
  return { ...parts, shift: rollingTo(await leadTo(loadBalancing, parts), parts) };
}

/** One whose traffic shifts: its tasks come back, without a shift, to the one of its target groups that requests are led to. */
async function asItServed(
  loadBalancing: EnvironmentClients['loadBalancing'],
  parts: ServiceParts & Routed,
  alternateArn: string,
): Promise<ServiceParts> {
  const { parts: pair, serving } = await pairOf(loadBalancing, parts, alternateArn);
  const alternateTargetGroupArn = serving === alternateArn ? (parts.targetGroupArn ?? '') : alternateArn;
  return { ...parts, targetGroupArn: serving, shift: restoring(parts.environment, { ...pair, alternateTargetGroupArn }) };
}

async function end(
  world: World,
  { act, execution, outcome }: Act<'complete' | 'give-up'>,
  environment: Environment,
  { now }: Moment,
): Promise<object> {
  const { ledger, turns, journal } = world;
  for (const { service } of await ledger.services(environment.name))
    await ledger.dropWait({ environment: environment.name, service, owner: execution });
  const about = { environment: environment.name };
  if (act === 'complete') {
    const degraded = outcome.outcome === 'succeeded' ? '' : `, degraded: ${outcome.reason}`;
    await journal.write(entry(execution, 'awake', now(), degraded ? 'bad' : 'good', `${environment.name} is up${degraded}`, about));
    await scheduleIdleTeardown(ledger, environment, now());
    await turns.wakeDone(environment, now());
  } else {
    await journal.write(entry(execution, 'not-woken', now(), 'bad', `${environment.name} could not be woken: ${outcome.reason}`, about));
    await turns.wakeFailed(environment, execution, outcome.reason, now());
  }
  return {};
}

export const handler = step('wake-environment', Input, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  const workflows = new StepFunctions();
  return wakeEnvironment({
    pipeline,
    parameters: new Parameters(),
    ledger,
    journal: new Journal(setting('JOURNAL_TABLE')),
    turns: new Turns(ledger.table, workflows),
    outbox: new Outbox(ledger.table, workflows),
    clients: environmentClients(pipeline, 'wake-environment'),
  });
});
