/** Handles the event that a deployment of ECS has ended. The event is only a wake-up: asks ECS once how it ended, and answers the steps that wait. */
import * as z from 'zod/mini';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import type { PausedHook, WaitRecord } from '../domain/ledger/records.ts';
import { environmentName } from '../domain/pipeline/names.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { failuresOf } from '../domain/rollout/rollout.ts';
import { endConfirmation } from './deployment/confirmation.ts';
import { answerIfDone, failureReason, observe } from './deployment/waits.ts';
import { type EnvironmentClients, environmentClients } from './environment/clients.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';

/** Neither cluster nor task definition is in the event; the service's ARN is. */
const Event = z
  .object({
    source: z.literal('aws.ecs'),
    /** One of the two documented examples of a pause has none. */
    resources: z.optional(z.array(z.string())),
    detail: z.object({
      eventName: z.optional(z.string()),
      updatedAt: z.optional(z.string()),
      /** Of a deployment that pauses. */
      hookId: z.optional(z.string()),
      serviceDeploymentArn: z.optional(z.string()),
      /** Of a task that failed. */
      taskArn: z.optional(z.string()),
      clusterArn: z.optional(z.string()),
      group: z.optional(z.string()),
      taskDefinitionArn: z.optional(z.string()),
    }),
  })
  .check(
    z.refine(({ resources, detail }) => resources !== undefined || detail.serviceDeploymentArn !== undefined, {
      path: ['resources'],
      error: 'names no deployment',
    }),
  );

/** The event is ahead of what ECS answers when asked: Lambda brings it again in a minute, and then in two. */
class EventAhead extends Error {
  constructor(service: string) {
    super(`${service} has completed, says the event, but ECS still calls its deployment running; ECS is asked again in a minute`);
    this.name = 'EventAhead';
  }
}

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'wait' | 'waitsOf' | 'endWait' | 'changeWait' | 'promotion' | 'gate' | 'gateWrite' | 'table'>;
  readonly outbox: Outbox;
  readonly clients: (environment: string) => EnvironmentClients;
}

export const onEcsEvent =
  (world: World) =>
  async ({ resources = [], detail }: z.infer<typeof Event>, { now, logger }: Moment): Promise<void> => {
    if (detail.taskArn !== undefined) return countFailure(world, detail.taskArn, detail);
    for (const arn of detail.serviceDeploymentArn === undefined ? resources : [detail.serviceDeploymentArn]) {
      const place = placeOf(world.pipeline, arn);
      if (place === undefined) {
        logger.info('not a service of this pipeline', { arn });
        continue;
      }
      const wait = await world.ledger.wait(place.environment, place.service);
      if (wait === undefined) continue;
      if (detail.hookId !== undefined) {
        // A pause before the one that waits, told late, is not this one.
        const pausedAt = Date.parse(detail.updatedAt ?? '');
        if (wait.kind !== 'deploy' || pausedAt < wait.since) continue;
        if (wait.state === 'open') await pause(world, wait, { hookId: detail.hookId, deployment: arn }, pausedAt);
        await answerIfDone(world, wait);
        continue;
      }
      const isOurs = detail.eventName === 'SERVICE_DEPLOYMENT_COMPLETED' && Date.parse(detail.updatedAt ?? '') > wait.since;
      if (wait.kind === 'deploy' && wait.hook && (wait.state === 'paused' || wait.state === 'failed')) {
        if ((await pauseEnded(world, wait, now())) === 'running' && isOurs) throw new EventAhead(place.service);
        continue;
      }
      // Ended already: by an earlier event, whose handler may have been cut off before it could tell.
      const seen = wait.state === 'open' ? await observe(world, wait) : { state: wait.state, ended: wait };
      const { state } = seen;
      if (state === 'succeeded' || state === 'failed' || state === 'late') await answerIfDone(world, wait, seen.ended);
      if (state === 'running' && isOurs) throw new EventAhead(place.service);
    }
  };

/** Somebody else's deployment may pause at our hooks too: it is ours only if it is the one that was asked for. */
async function pause({ pipeline, ledger, clients }: World, wait: WaitRecord, hook: PausedHook, pausedAt: number): Promise<void> {
  const { ecs } = clients(wait.environment);
  const status = await ecs.deploymentStatus(environmentName(pipeline.name, wait.environment), wait);
  if (status.state !== 'running' || status.deployment !== hook.deployment) return;
  await ledger.endWait(wait, { state: 'paused', hook, ...(Number.isNaN(pausedAt) ? {} : { pausedAt }) });
}

/**
 * What pauses may come to its end while checks run and people are asked: ECS loses patience, its tasks crash, or somebody stops it by hand.
 * The wait gets the reason for the step that asks next, and the question to people is withdrawn.
 * @returns how ECS calls it
 */
async function pauseEnded(world: World, wait: WaitRecord, now: number): Promise<string> {
  const { pipeline, ledger, outbox, clients } = world;
  const { ecs } = clients(wait.environment);
  const status = await ecs.deploymentStatus(environmentName(pipeline.name, wait.environment), wait);
  if (status.state !== 'failed') return status.state;
  const reason = wait.reason ?? (await failureReason(world, wait, status));
  // Whoever was faster, such as a rollback, has a reason of its own.
  if (wait.state === 'paused' && !(await ledger.changeWait(wait, { state: 'failed', reason }))) return status.state;
  // Others of its group may be on their way to their pause: nobody waits for them.
  await answerIfDone(world, wait);
  const record = await ledger.promotion(wait.owner);
  if (record) await endConfirmation({ ledger, outbox }, record, reason, now);
  return status.state;
}

/** Where ECS has no circuit breaker, too many failed tasks end a deployment here: it is stopped, and its end is an event again. */
async function countFailure({ pipeline, ledger, clients }: World, task: string, detail: z.infer<typeof Event>['detail']): Promise<void> {
  const cluster = detail.clusterArn?.split('/').at(-1) ?? '';
  const environment = Object.values(pipeline.environments).find(({ name }) => environmentName(pipeline.name, name) === cluster);
  const service = detail.group?.replace(/^service:/, '') ?? '';
  const definition = Object.hasOwn(pipeline.services, service) ? pipeline.services[service] : undefined;
  if (environment === undefined || definition === undefined) return;
  for (;;) {
    const wait = await ledger.wait(environment.name, service);
    if ((wait?.state !== 'open' && wait?.state !== 'paused') || !wait.pauses || wait.taskDefinition !== detail.taskDefinitionArn) return;
    const { failures = [] } = wait;
    const all = [...new Set([...failures, task])];
    if (all.length > failures.length && !(await ledger.changeWait(wait, { failures: all, failed: all.length }))) continue;
    if (all.length < failuresOf(environment, definition)) return;
    const { ecs } = clients(environment.name);
    const status = await ecs.deploymentStatus(cluster, wait);
    if (status.state === 'running') await ecs.stop(status.deployment ?? '');
    return;
  }
}

/** `arn:aws:ecs:<region>:<account>:service/<cluster>/<service>`, or of a deployment of it: `…:service-deployment/<cluster>/<service>/<id>` */
function placeOf(pipeline: Pipeline, arn: string): { environment: string; service: string } | undefined {
  const [, cluster, service] = arn.split(':')[5]?.split('/') ?? [];
  const environment = Object.keys(pipeline.environments).find((name) => environmentName(pipeline.name, name) === cluster);
  return environment !== undefined && service !== undefined ? { environment, service } : undefined;
}

export const handler = step('on-ecs-event', Event, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return onEcsEvent({
    pipeline,
    ledger,
    outbox: new Outbox(ledger.table, new StepFunctions()),
    clients: environmentClients(pipeline, 'on-ecs-event'),
  });
});
