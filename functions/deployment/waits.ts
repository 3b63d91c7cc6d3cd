/** Waits for deployments: stored before ECS is asked, ended by one check, answered when all that belong together are done. */
import type { DeploymentStatus, Ecs } from '../../aws/ecs.ts';
import type { Ledger } from '../../aws/ledger.ts';
import type { Outbox } from '../../aws/outbox.ts';
import { type progress as progressOf, triggeredAlarms } from '../../aws/rollouts.ts';
import type { Answer } from '../../aws/step-functions.ts';
import type { WaitRecord } from '../../domain/ledger/records.ts';
import { environmentName, logGroup } from '../../domain/pipeline/names.ts';
import type { Pipeline, ServiceDefinition } from '../../domain/pipeline/pipeline.ts';
import { failedService, rolledBackBy } from '../../domain/promotion/failure-reasons.ts';
import { StoppedTooLate, TrafficPaused } from '../../domain/workflow/errors.ts';
import type { EnvironmentClients } from '../environment/clients.ts';

/** The result of the deployments that a step waits for, and the answer to the step. */
export type GroupResult = { readonly state: 'open' } | { readonly state: 'over'; readonly answer: Answer };

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'waitsOf' | 'endWait'>;
  readonly clients: (environment: string) => EnvironmentClients;
}

/** A deployment may be a moment older than our clock says; ECS's clock is not ours. Milliseconds. */
export const CLOCK_SKEW = 2_000;

/** The error by which the waiting step's state machine catches a failed wait. */
const ERRORS: Readonly<Record<WaitRecord['kind'], string>> = {
  deploy: 'DeploymentFailed',
  shift: 'DeploymentFailed',
  stop: 'RollbackFailed',
  'put-back': 'RollbackFailed',
  restore: 'DeploymentFailed',
};

/** A rollback waits for both of its kinds together. */
const sameStep = (a: WaitRecord['kind'], b: WaitRecord['kind']) => a === b || (isGoingBack(a) && isGoingBack(b));

/** Whether a wait is a rollback's. */
export const isGoingBack = (kind: WaitRecord['kind']) => kind === 'stop' || kind === 'put-back';

/** What ECS's answer makes of a wait. Stopping a deployment ends in "stopped" or "rolled back": what counts as failed for a deployment is what was asked for here. */
function verdict(
  { kind }: WaitRecord,
  { state, stuck, gone, overtakenBy }: DeploymentStatus,
): Exclude<WaitRecord['state'], 'open'> | undefined {
  if (state === 'none' || state === 'running') return undefined;
  if (kind !== 'stop') return state;
  return state === 'succeeded' ? 'late' : stuck || gone || overtakenBy !== undefined ? 'failed' : 'succeeded';
}

/**
 * Asks ECS once about the deployment of a wait; the wait is ended if the deployment is over.
 * @param mayBeMissing the service has yet to be created: that ECS does not know it means that nothing has begun
 * @param progress asks where a deployment pauses, of which no event told; only few functions bring it
 * @returns what ECS says, after which the wait may still be open
 */
export async function observe(
  { pipeline, ledger, clients }: World,
  wait: WaitRecord,
  { mayBeMissing = false, progress }: { mayBeMissing?: boolean; progress?: typeof progressOf } = {},
): Promise<DeploymentStatus & { readonly ended?: WaitRecord }> {
  const { ecs } = clients(wait.environment);
  const cluster = environmentName(pipeline.name, wait.environment);
  const status = await ecs.deploymentStatus(cluster, wait);
  if (mayBeMissing && status.gone) return { state: 'none', reason: status.reason };
  const state = verdict(wait, status);
  if (status.state === 'running' && wait.kind === 'deploy' && wait.pauses && status.deployment) {
    const paused = (await progress?.(ecs, status.deployment))?.paused;
    if (paused) await ledger.endWait(wait, { state: 'paused', hook: paused });
  }
  if (state === undefined || state === 'paused') return status;
  const end = state === 'failed' ? { state, reason: await failureReason({ pipeline, clients }, wait, status) } : { state };
  return (await ledger.endWait(wait, end)) ? { ...status, ended: { ...wait, ...end } } : status;
}

/** Why a deployment failed, in words: what ECS says of it, where there is no better explanation. */
export async function failureReason(
  { pipeline, clients }: Pick<World, 'pipeline' | 'clients'>,
  wait: WaitRecord,
  status: DeploymentStatus,
): Promise<string> {
  const { ecs, logs } = clients(wait.environment);
  const service = pipeline.services[wait.service];
  const unexplained = `${wait.service}: ${status.reason}`;
  if (status.overtakenBy !== undefined) return unexplained;
  // An explanation that cannot be had must not keep anybody waiting.
  const known = { reason: status.reason, since: wait.since };
  const explained = async (named: ServiceDefinition) =>
    (await alarmed(wait, status, ecs)) ?? (await explain(pipeline, wait.environment, named, ecs, logs, known));
  return service ? explained(service).catch(() => unexplained) : unexplained;
}

/**
 * Whether all that wait with this one are done, and what their step is told. The first broken one decides.
 * @param ended this one, as this run has just ended it: where it waits alone, nothing is read again
 */
export async function groupResult({ ledger }: Pick<World, 'ledger'>, wait: WaitRecord, ended?: WaitRecord): Promise<GroupResult> {
  const all = ended && wait.among.length === 1 ? [ended] : await ledger.waitsOf(wait.environment, wait.among);
  const own = all.filter(
    (other): other is WaitRecord => other !== undefined && other.owner === wait.owner && sameStep(other.kind, wait.kind),
  );
  const failed = own.find(({ state }) => state === 'failed');
  if (failed) return { state: 'over', answer: { error: ERRORS[wait.kind], cause: failed.reason ?? `${failed.service} failed` } };
  const late = own.find(({ state }) => state === 'late');
  // The step is tried again, and finds that it has to deploy what ran before.
  if (late) {
    const error = new StoppedTooLate(late.service);
    return { state: 'over', answer: { error: error.name, cause: error.message } };
  }
  if (own.length < wait.among.length || own.some(({ state }) => state === 'open')) return { state: 'open' };
  if (own.some(({ state }) => state === 'paused')) {
    const error = new TrafficPaused();
    return { state: 'over', answer: { error: error.name, cause: error.message } };
  }
  return { state: 'over', answer: { result: { services: wait.among } } };
}

/**
 * Answers the waiting step if it is over. What is told stands in the waits until the step has gone on, so that it can be told again:
 * by the event's next try, by the step's own, and by the sweep. Twice is harmless.
 * @returns whether it was over
 */
export async function answerIfDone(
  world: Pick<World, 'ledger'> & { readonly outbox: Pick<Outbox, 'tell'> },
  wait: WaitRecord,
  ended?: WaitRecord,
): Promise<boolean> {
  const result = await groupResult(world, wait, ended);
  if (result.state === 'open') return false;
  await world.outbox.tell(wait.token, result.answer);
  return true;
}

/** In words, which alarm brought a service back; undefined where none did. */
async function alarmed(
  { pauses, service, environment }: WaitRecord,
  { deployment }: DeploymentStatus,
  ecs: Ecs,
): Promise<string | undefined> {
  const alarms = pauses && deployment ? await triggeredAlarms(ecs, deployment) : [];
  return alarms.length > 0 ? rolledBackBy(alarms, service, environment) : undefined;
}

/** Why a service failed, in words: the container, its exit code, its last line. Only asked for after a failure. */
async function explain(
  pipeline: Pipeline,
  environment: string,
  service: ServiceDefinition,
  ecs: Ecs,
  logs: EnvironmentClients['logs'],
  { reason, since }: { readonly reason: string; readonly since: number },
): Promise<string> {
  const task = await ecs.lastStopped(environmentName(pipeline.name, environment), service.name, since);
  const container = task?.containers.find(({ exitCode }) => exitCode !== undefined && exitCode !== 0) ?? task?.containers[0];
  const line =
    task && container
      ? await logs.lastLine(logGroup(pipeline.name, environment, service.name), `${service.name}/${container.name}/${task.taskId}`)
      : undefined;
  return failedService({ service: service.name, reason, ...(task ? { task } : {}), ...(line ? { lastLine: line } : {}) });
}
