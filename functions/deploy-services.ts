/** Asks ECS to run what was registered: store the token, act, and leave; ECS's event or the backstop's look ends the wait. */
import * as z from 'zod/mini';
import { isThere } from '../aws/ecs.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { progress } from '../aws/rollouts.ts';
import { Parameters } from '../aws/ssm.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import type { PromotionRecord, WaitRecord } from '../domain/ledger/records.ts';
import type { Environment, Pipeline } from '../domain/pipeline/pipeline.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import { renderShift } from '../domain/rollout/rollout.ts';
import { renderCreateService, renderUpdateService } from '../domain/service/rendering.ts';
import { route } from '../domain/service/routes.ts';
import { DeploymentFailed, TrafficPaused } from '../domain/workflow/errors.ts';
import { leadAfresh, leadTo, pairOf, rollingTo } from './deployment/routing.ts';
import { answerIfOver, CLOCK_SKEW, observe, whetherOver } from './deployment/waits.ts';
import { type EnvironmentClients, environmentClients, environmentOf, turnOf } from './environment/clients.ts';
import { promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';

const Input = z.extend(promotionSchema, {
  fence: z.number(),
  token: z.optional(z.string()),
  /** The backstop's look, after a wait that nobody ended. */
  observe: z.optional(z.boolean()),
});

interface World {
  readonly pipeline: Pipeline;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Pick<Ledger, 'promotion' | 'setPromotion' | 'service' | 'wait' | 'waits' | 'putWait' | 'endWait'>;
  readonly turns: Pick<Turns, 'assertTurn'>;
  readonly outbox: Outbox;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const deployServices =
  (world: World) =>
  async (input: z.infer<typeof Input>, moment: Moment): Promise<object> => {
    const { ledger } = world;
    const record = await ledger.promotion(input.promotion);
    if (record === undefined) throw new Error(`no promotion ${input.promotion} in the ledger`);
    const services = Object.keys(record.taskDefinitions);
    if (input.observe) return observeOnce(world, record, services);
    if (input.token === undefined) throw new Error('a deployment needs a token to answer');

    const { before, reroute } = await whatRuns(world, environmentOf(world.pipeline, input.environment), record, services);
    if (record.before === undefined) await ledger.setPromotion(input.promotion, { before, reroute });
    let retried = false;
    for (const service of services)
      retried = (await deploy(world, input, { ...record, before, reroute }, service, services, moment.now())) || retried;
    // A retry may find all of it over: no event will come again.
    const first = retried ? await ledger.wait(input.environment, services[0]!) : undefined;
    if (first) await answerIfOver(world, first, moment.now());
    return {};
  };

type Deploying = PromotionRecord & Required<Pick<PromotionRecord, 'before' | 'reroute'>>;

/** What each service ran before this promotion, written down by its first try; and whose rule has to be looked after. */
async function whatRuns(
  { pipeline, ledger }: World,
  environment: Environment,
  { before, reroute = [] }: PromotionRecord,
  services: readonly string[],
): Promise<Pick<Deploying, 'before' | 'reroute'>> {
  if (before !== undefined) return { before, reroute };
  const records = await Promise.all(services.map((service) => ledger.service(environment.name, service)));
  return {
    before: Object.fromEntries(
      services.map((service, index) => [service, records[index]?.state === 'absent' ? null : (records[index]?.taskDefinition ?? null)]),
    ),
    reroute: services.filter((service, index) => records[index]?.route !== route(environment, pipeline.services[service])),
  };
}

/** @returns whether this was a retry that found its wait */
async function deploy(
  { pipeline, parameters, ledger, turns, clients }: World,
  { environment: name, promotion, release, fence, token = '' }: z.infer<typeof Input>,
  { taskDefinitions, before, reroute }: Deploying,
  serviceName: string,
  among: readonly string[],
  now: number,
): Promise<boolean> {
  const environment = environmentOf(pipeline, name);
  const service = pipeline.services[serviceName];
  const taskDefinition = taskDefinitions[serviceName];
  if (service === undefined || taskDefinition === undefined) throw new Error(`nothing is registered for ${serviceName}`);
  const { ecs, loadBalancing } = clients(name);
  const shifting = shiftingOf(environment, service);
  const shifts = shifting !== undefined;
  const left = await ledger.wait(name, serviceName);
  const again = left?.owner === promotion && left.kind === 'deploy';
  const wait: WaitRecord = again
    ? { ...left, token }
    : {
        environment: name,
        service: serviceName,
        owner: promotion,
        kind: 'deploy',
        token,
        among,
        taskDefinition,
        since: now - CLOCK_SKEW,
        state: 'open',
        ...(shifts ? { pauses: true } : {}),
      };
  const own = [serviceName];
  const { foundation, targetGroups, alternates } = await parameters.foundation(
    pipeline.name,
    name,
    service.web ? own : [],
    shifts ? own : [],
  );
  // Whoever was too slow leaves the wait of the one that holds the turn now alone, too.
  await turns.assertTurn(name, turnOf(pipeline, release), promotion, fence);
  await ledger.putWait(wait);
  if (again) {
    // List before updating again, lest a bad image that ECS has rolled back already be started a second time.
    const mayBeMissing = before[serviceName] === null;
    const look =
      wait.state === 'open' ? await observe({ pipeline, ledger, clients }, wait, { mayBeMissing, progress }) : { state: wait.state };
    if (look.state !== 'none') return true;
  }
  const base = { pipeline, environment, service, foundation, targetGroupArn: targetGroups[serviceName], taskDefinition, promotion };
  const alternateArn = alternates[serviceName];
  const shift = shifting && alternateArn && renderShift(base, shifting, (await pairOf(loadBalancing, base, alternateArn)).parts);
  const rendering = { ...base, ...(shift ? { shift } : {}) };
  if (before[serviceName] !== null) {
    const isMoved = !shift && service.web !== undefined && reroute.includes(serviceName);
    const anew = isMoved ? { shift: rollingTo(await leadTo(loadBalancing, base), base) } : {};
    if (await ecs.update(renderUpdateService({ ...rendering, ...anew }) as never)) return again;
  }
  // First deployment here, or somebody deleted the service by hand: it is created (again), which the journal of ECS shows too.
  if (!shift) await leadAfresh(loadBalancing, base);
  try {
    await ecs.create(renderCreateService(rendering) as never);
  } catch (error) {
    // It is there after all: left over by a run that was cut off after ECS had done what it was asked.
    if (!isThere(error) || !(await ecs.update(renderUpdateService(rendering) as never))) throw error;
  }
  return again;
}

/** The backstop: what does ECS say, now that nobody has ended the wait in time? */
async function observeOnce(world: World, record: PromotionRecord, services: readonly string[]): Promise<object> {
  for (const service of services) {
    const wait = await world.ledger.wait(record.environment, service);
    if (wait?.owner !== record.promotion) throw new DeploymentFailed(`${service} was never deployed`);
    if (wait.state === 'open') await observe(world, wait, { progress });
  }
  const wait = await world.ledger.wait(record.environment, services[0]!);
  const over = wait ? await whetherOver(world, wait) : ({ state: 'open' } as const);
  const minutes = environmentOf(world.pipeline, record.environment).timeouts.deployMinutes;
  if (over.state === 'open') throw new DeploymentFailed(`not done after ${minutes} minutes; see timeouts.deployMinutes`);
  if ('error' in over.answer) throw over.answer.error === 'TrafficPaused' ? new TrafficPaused() : new DeploymentFailed(over.answer.cause);
  return over.answer.result;
}

export const handler = step('deploy-services', Input, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return deployServices({
    pipeline,
    parameters: new Parameters(),
    ledger,
    turns: new Turns(ledger.table),
    outbox: new Outbox(ledger.table, new StepFunctions()),
    clients: environmentClients(pipeline, 'deploy-services'),
  });
});
