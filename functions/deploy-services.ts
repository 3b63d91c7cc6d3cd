/** Deploys what was registered: stores the token, calls ECS, and returns; ECS's event or the backstop's check ends the wait. */
import * as z from 'zod/mini';
import { isRefusal, isThere } from '../aws/ecs.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { progress } from '../aws/rollouts.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import type { PromotionRecord, WaitRecord } from '../domain/ledger/records.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import { renderShift } from '../domain/rollout/rollout.ts';
import { renderCreateService, renderUpdateService } from '../domain/service/rendering.ts';
import type { Gate, GroupTurns } from '../domain/turn/protocol.ts';
import { DeploymentFailed, TrafficPaused } from '../domain/workflow/errors.ts';
import { leadAfresh, leadTo, pairOf, rollingTo } from './deployment/routing.ts';
import { answerIfDone, CLOCK_SKEW, groupResult, observe } from './deployment/waits.ts';
import { type EnvironmentClients, environmentClients, environmentOf, turnOf } from './environment/clients.ts';
import { placeSchema, promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';

const Input = z.extend(promotionSchema, {
  fence: z.number(),
  token: z.optional(z.string()),
  place: z.optional(placeSchema),
  /** Set for the backstop's check, after a wait that no event ended. */
  observe: z.optional(z.boolean()),
});

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'promotion' | 'rollout' | 'wait' | 'waitsOf' | 'putWait' | 'changeWait' | 'endWait'>;
  readonly turns: Pick<Turns, 'assertTurn' | 'assertHeld' | 'turnKey'>;
  readonly outbox: Outbox;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const deployServices =
  (world: World) =>
  async (input: z.infer<typeof Input>, moment: Moment): Promise<object> => {
    const { pipeline, ledger, turns } = world;
    const { promotion, environment, place, fence } = input;
    if (input.observe) return observeOnce(world, await ledger.promotion(promotion), promotion);
    if (input.token === undefined || place === undefined) throw new Error('a deployment needs a token to answer, and a place');

    const group = turnOf(pipeline, input.release);
    const { services } = place;
    const {
      promotion: record,
      waits,
      also: turn,
    } = await ledger.rollout<Gate | GroupTurns>(promotion, environment, services, turns.turnKey(environment, group));
    if (record === undefined) throw new Error(unknown(promotion));
    // Whoever was too slow leaves the wait of the one that holds the turn now alone, too.
    turns.assertHeld(turn, environment, promotion, fence);
    let retried = false;
    for (const [index, service] of services.entries()) {
      // The turn was read just now; for each further service it is read again.
      if (index > 0) await turns.assertTurn(environment, group, promotion, fence);
      const began = await deploy(world, input, place, { ...record, left: waits[service] }, service, moment.now()).catch((error: Error) => {
        throw isRefusal(error) ? new DeploymentFailed(`${service}: AWS does not take it as it is configured: ${error.message}`) : error;
      });
      retried = began || retried;
    }
    // A retry may find all of it over: no event will come again.
    const first = retried ? await ledger.wait(input.environment, services[0]!) : undefined;
    if (first) await answerIfDone(world, first);
    return {};
  };

type Deploying = Pick<PromotionRecord, 'taskDefinitions' | 'before' | 'reroute'> & { readonly left: WaitRecord | undefined };

/** @returns whether this was a retry that found its wait */
async function deploy(
  { pipeline, ledger, clients }: World,
  { environment: name, promotion, token = '' }: z.infer<typeof Input>,
  { services: among, foundation, targetGroups, alternates }: z.infer<typeof placeSchema>,
  { taskDefinitions, before = {}, reroute = [], left }: Deploying,
  serviceName: string,
  now: number,
): Promise<boolean> {
  const environment = environmentOf(pipeline, name);
  const service = pipeline.services[serviceName];
  const taskDefinition = taskDefinitions[serviceName];
  if (service === undefined || taskDefinition === undefined) throw new Error(`nothing is registered for ${serviceName}`);
  const { ecs, loadBalancing } = clients(name);
  const shifting = shiftingOf(environment, service);
  const shifts = shifting !== undefined;
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
  await ledger.putWait(wait);
  if (again) {
    // List before updating again, lest a bad image that ECS has rolled back already be started a second time.
    const mayBeMissing = before[serviceName] === null;
    const status =
      wait.state === 'open' ? await observe({ pipeline, ledger, clients }, wait, { mayBeMissing, progress }) : { state: wait.state };
    if (status.state !== 'none') return true;
  }
  const base = { pipeline, environment, service, foundation, targetGroupArn: targetGroups[serviceName], taskDefinition, promotion };
  const alternateArn = alternates[serviceName];
  const shift = shifting && alternateArn && renderShift(base, shifting, (await pairOf(loadBalancing, base, alternateArn)).parts);
  const rendering = { ...base, ...(shift ? { shift } : {}) };
  // From now on a look need not ask what was deployed, as long as there is one deployment. A retry may have asked twice.
  const asked = async () => {
    if (!again) await ledger.changeWait(wait, { asked: true });
    return again;
  };
  if (before[serviceName] !== null) {
    const isMoved = !shift && service.web !== undefined && reroute.includes(serviceName);
    const anew = isMoved ? { shift: rollingTo(await leadTo(loadBalancing, base), base) } : {};
    if (await ecs.update(renderUpdateService({ ...rendering, ...anew }) as never)) return asked();
  }
  // First deployment here, or somebody deleted the service by hand: it is created (again), which the journal of ECS shows too.
  if (!shift) await leadAfresh(loadBalancing, base);
  try {
    await ecs.create(renderCreateService(rendering) as never);
  } catch (error) {
    // It is there after all: left over by a run that was cut off after ECS had done what it was asked.
    if (!isThere(error) || !(await ecs.update(renderUpdateService(rendering) as never))) throw error;
  }
  return asked();
}

/** The backstop: what does ECS say, now that nobody has ended the wait in time? */
async function observeOnce(world: World, record: PromotionRecord | undefined, promotion: string): Promise<object> {
  if (record === undefined) throw new Error(unknown(promotion));
  const services = Object.keys(record.taskDefinitions);
  for (const service of services) {
    const wait = await world.ledger.wait(record.environment, service);
    if (wait?.owner !== record.promotion) throw new DeploymentFailed(`${service} was never deployed`);
    if (wait.state === 'open') await observe(world, wait, { progress });
  }
  const wait = await world.ledger.wait(record.environment, services[0]!);
  const result = wait ? await groupResult(world, wait) : ({ state: 'open' } as const);
  const minutes = environmentOf(world.pipeline, record.environment).timeouts.deployMinutes;
  if (result.state === 'open') throw new DeploymentFailed(`not done after ${minutes} minutes; see timeouts.deployMinutes`);
  if ('error' in result.answer)
    throw result.answer.error === 'TrafficPaused' ? new TrafficPaused() : new DeploymentFailed(result.answer.cause);
  return result.answer.result;
}

const unknown = (promotion: string) => `no promotion ${promotion} in the ledger`;

export const handler = step('deploy-services', Input, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return deployServices({
    pipeline,
    ledger,
    turns: new Turns(ledger.table),
    outbox: new Outbox(ledger.table, new StepFunctions()),
    clients: environmentClients(pipeline, 'deploy-services'),
  });
});
