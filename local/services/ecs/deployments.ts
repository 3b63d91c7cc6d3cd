/** Service deployments: how one begins, is stopped, trips the circuit breaker, rolls back and ends. */

import type { LoadBalancer } from '@aws-sdk/client-ecs';
import { bound } from '../../core/bound.ts';
import { lastPart } from './names.ts';
import type { DeploymentCourse, EcsParts } from './parts.ts';
import type { Deployment, Revision } from './revision.ts';
import { current, RUNNING_STATUSES, type Service, type ServiceDeployment } from './service.ts';
import { shiftsTraffic, thresholdOf } from './strategy.ts';

/** How long ECS takes from a request to the first step, or to the stop. Its documentation names no time. */
const NOTICE = 1000;
/** "Service deployments … created in the last 90 days." https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html */
const HISTORY = 90 * 24 * 3_600_000;

/**
 * The load balancers of a new deployment. One that replaces tasks one by one puts them where traffic goes already, although
 * that may be the alternate target group; one that shifts traffic finds its place when it starts.
 */
function placed({ loadBalancers }: Revision, before: Deployment | undefined): readonly LoadBalancer[] {
  return loadBalancers.map((one, index) => {
    const arn = before?.loadBalancers[index]?.targetGroupArn;
    return arn !== undefined && arn === one.advancedConfiguration?.alternateTargetGroupArn ? { ...one, targetGroupArn: arn } : one;
  });
}

export class Deployments implements DeploymentCourse {
  private readonly ecs: EcsParts;

  constructor(ecs: EcsParts) {
    this.ecs = ecs;
  }

  private get now(): number {
    return this.ecs.site.world.clock.now();
  }

  say(service: Service, message: string): void {
    service.events.unshift({
      id: this.ecs.random.uuid(),
      createdAt: new Date(this.now),
      message: `(service ${service.name}) ${message}`,
    });
    service.events.length = Math.min(service.events.length, 100);
  }

  private announce(service: Service, { id }: Deployment, state: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED', reason: string): void {
    this.ecs.events.deployment(service.arn, id, `SERVICE_DEPLOYMENT_${state}`, reason);
  }

  private set(service: Service, one: ServiceDeployment, status: ServiceDeployment['status'], reason?: string): void {
    one.status = status;
    one.updatedAt = this.now;
    if (reason !== undefined) one.statusReason = reason;
    if (one.lifecycle && !RUNNING_STATUSES.includes(status)) this.ecs.shifting.halt(one.lifecycle);
    if (['SUCCESSFUL', 'STOPPED', 'ROLLBACK_SUCCESSFUL', 'ROLLBACK_FAILED'].includes(status)) one.finishedAt = this.now;
    if (status === 'STOPPED') one.stoppedAt = this.now;
    this.ecs.look(service);
  }

  begin(service: Service, revision: Revision): ServiceDeployment {
    const before = current(service);
    if (before !== undefined) this.supersede(service, before);
    for (const one of service.deployments) one.status = 'ACTIVE';
    const id = `ecs-svc/${1_000_000_000 + this.ecs.random.integer(9_000_000_000)}${this.ecs.random.integer(1e9).toString().padStart(9, '0')}`;
    const deployment: Deployment = {
      id,
      revision,
      loadBalancers: placed(revision, service.deployments[0]),
      createdAt: this.now,
      updatedAt: this.now,
      status: 'PRIMARY',
      rolloutState: 'IN_PROGRESS',
      rolloutStateReason: `ECS deployment ${id} in progress.`,
      failedTasks: 0,
      restarts: 0,
      ends: 0,
      nextStartAt: this.now,
    };
    const lifecycle = shiftsTraffic(service.configuration) ? this.ecs.shifting.plan(service, deployment, service.deployments) : undefined;
    const sources = [...new Set(service.deployments.map((one) => one.revision))];
    service.deployments.unshift(deployment);
    service.revisions.set(revision.arn, revision);
    const one: ServiceDeployment = {
      arn: this.ecs.site.arn('ecs', `service-deployment/${service.cluster}/${service.name}/${this.ecs.random.hex(21)}`),
      createdAt: this.now,
      updatedAt: this.now,
      sources,
      target: revision,
      deployment,
      configuration: service.configuration,
      threshold: thresholdOf(service.configuration, service.desiredCount),
      ...(lifecycle ? { lifecycle } : {}),
      status: 'PENDING',
      failures: 0,
      rollbackFailures: 0,
      tripped: false,
      alarms: this.ecs.alarms.watch(service.configuration),
    };
    service.history = service.history.filter(({ createdAt }) => this.now - createdAt <= HISTORY);
    service.history.push(one);
    service.steady = false;
    service.impaired = false;
    this.announce(service, deployment, 'IN_PROGRESS', deployment.rolloutStateReason);
    this.ecs.site.world.clock.after(NOTICE, `deployment ${lastPart(one.arn)} starts`, bound(this, this.startNow, service, one));
    return one;
  }

  private startNow(service: Service, one: ServiceDeployment): Promise<void> | undefined {
    if (one.status !== 'PENDING') return undefined;
    one.startedAt = this.now;
    this.set(service, one, 'IN_PROGRESS');
    return one.lifecycle && this.ecs.shifting.start(service, one, one.lifecycle);
  }

  /** A newer deployment takes the place of a running one. */
  private supersede(service: Service, one: ServiceDeployment): void {
    if (one.lifecycle) this.ecs.shifting.halt(one.lifecycle);
    this.set(service, one, 'STOP_REQUESTED', 'A newer service deployment was started.');
    this.ecs.site.world.clock.after(
      NOTICE,
      `deployment ${lastPart(one.arn)} stops`,
      bound(this, this.set, service, one, 'STOPPED' as const),
    );
  }

  abandon(service: Service): void {
    const one = current(service);
    if (one !== undefined) this.set(service, one, 'STOPPED', 'The service was deleted.');
  }

  requestRollback(service: Service, one: ServiceDeployment): void {
    if (one.lifecycle) this.ecs.shifting.halt(one.lifecycle);
    this.set(service, one, 'ROLLBACK_REQUESTED', 'Service deployment rollback requested by user.');
    this.ecs.site.world.clock.after(NOTICE, `deployment ${lastPart(one.arn)} rolls back`, bound(this, this.rollBackAsAsked, service, one));
  }

  private rollBackAsAsked(service: Service, one: ServiceDeployment): void {
    if (one.status !== 'ROLLBACK_REQUESTED') return;
    this.fail(one.deployment, `ECS deployment ${one.deployment.id} was stopped by the user.`);
    this.rollBack(service, one, 'Service deployment rolled back because of a user request.', (id) => `rolling back to deploymentId ${id}.`);
  }

  private fail(deployment: Deployment, reason: string): void {
    deployment.rolloutState = 'FAILED';
    deployment.rolloutStateReason = reason;
    deployment.updatedAt = this.now;
  }

  taskFailed(service: Service, deployment: Deployment): void {
    const one = current(service);
    if (deployment.rolloutState === 'IN_PROGRESS') deployment.failedTasks++;
    if (one === undefined || service.deployments[0] !== deployment || one.threshold === undefined) return;
    if (one.status !== 'IN_PROGRESS' && one.status !== 'ROLLBACK_IN_PROGRESS') return;
    one.updatedAt = this.now;
    const failures = one.rollback === undefined ? ++one.failures : ++one.rollbackFailures;
    if (failures >= one.threshold) this.trip(service, one);
  }

  taskHealthy(service: Service, deployment: Deployment): void {
    const one = current(service);
    const breaker = one?.configuration.deploymentCircuitBreaker;
    if (one && service.deployments[0] === deployment && breaker?.enable && breaker.resetOnHealthyTask !== false) {
      if (one.rollback === undefined) one.failures = 0;
      else one.rollbackFailures = 0;
    }
  }

  private trip(service: Service, one: ServiceDeployment): void {
    if (one.status === 'ROLLBACK_IN_PROGRESS') {
      this.breakOff(service, 'ECS deployment circuit breaker: tasks failed to start.', 'tasks failed to start');
      this.set(service, one, 'ROLLBACK_FAILED', 'Service deployment rollback failed because the circuit breaker threshold was exceeded.');
      return;
    }
    one.tripped = true;
    this.breakOff(service, 'ECS deployment circuit breaker: tasks failed to start.', 'tasks failed to start');
    this.goBackOrStop(service, one, one.configuration.deploymentCircuitBreaker?.rollback, {
      cause: 'because the circuit breaker threshold was exceeded.',
      words: (id) => `ECS deployment circuit breaker: rolling back to deploymentId ${id}.`,
    });
  }

  alarmed(service: Service, one: ServiceDeployment): void {
    this.breakOff(service, 'ECS deployment failed: alarm detected.', 'alarm detected');
    this.goBackOrStop(service, one, one.configuration.alarms?.rollback, {
      cause: 'because deployment alarms were triggered.',
      words: (id) => `ECS deployment failed: alarm detected. Rolling back to deploymentId ${id}.`,
    });
  }

  broken(service: Service, one: ServiceDeployment, reason: string): void {
    const failed = service.deployments[0]!;
    this.fail(failed, reason);
    this.say(service, `(deployment ${failed.id}) deployment failed: ${reason}`);
    if (one.status === 'ROLLBACK_IN_PROGRESS') this.set(service, one, 'ROLLBACK_FAILED', reason);
    else this.rollBack(service, one, reason, (id) => `rolling back to deploymentId ${id}.`);
  }

  private breakOff(service: Service, why: string, short: string): void {
    const failed = service.deployments[0]!;
    this.fail(failed, why);
    this.announce(service, failed, 'FAILED', why);
    this.say(service, `(deployment ${failed.id}) deployment failed: ${short}.`);
  }

  private goBackOrStop(
    service: Service,
    one: ServiceDeployment,
    rollback: boolean | undefined,
    { cause, words }: { readonly cause: string; readonly words: (id: string) => string },
  ): void {
    if (rollback) this.rollBack(service, one, `Service deployment rolled back ${cause}`, words);
    else this.set(service, one, 'STOPPED', `Service deployment stopped ${cause}`);
  }

  /** Makes the last deployment that held the primary one again. */
  private rollBack(service: Service, one: ServiceDeployment, reason: string, words: (id: string) => string): void {
    const last = one.lifecycle ? one.lifecycle.blue : service.lastCompleted;
    if (last === undefined || last.revision.definition.value.status !== 'ACTIVE') {
      const why =
        last === undefined
          ? 'No rollback candidate was found to run the rollback.'
          : `The rollback failed because the task definition ${last.revision.definition.arn} is inactive.`;
      this.set(service, one, 'ROLLBACK_FAILED', why);
      return;
    }
    one.rollback = { reason, startedAt: this.now, revision: last.revision };
    for (const deployment of service.deployments) deployment.status = 'ACTIVE';
    service.deployments = [last, ...service.deployments.filter((deployment) => deployment !== last)];
    Object.assign(last, {
      status: 'PRIMARY',
      updatedAt: this.now,
      rolloutState: 'IN_PROGRESS',
      rolloutStateReason: words(last.id),
      failedTasks: 0,
      restarts: 0,
      ends: 0,
      nextStartAt: this.now,
    } satisfies Partial<Deployment>);
    service.steady = false;
    this.announce(service, last, 'IN_PROGRESS', last.rolloutStateReason);
    this.say(service, `rolling back to deployment ${last.id}.`);
    this.set(service, one, 'ROLLBACK_IN_PROGRESS', reason);
    if (one.lifecycle) this.ecs.shifting.goBack(service, one, one.lifecycle);
  }

  complete(service: Service): number | undefined {
    const one = current(service);
    if (one?.status !== 'IN_PROGRESS' && one?.status !== 'ROLLBACK_IN_PROGRESS') return undefined;
    if (one.alarms && one.status === 'IN_PROGRESS') {
      one.alarms.bakedAt ??= this.now + one.alarms.bake;
      if (this.now < one.alarms.bakedAt) return one.alarms.bakedAt;
    }
    this.conclude(service, one);
    return undefined;
  }

  conclude(service: Service, one: ServiceDeployment): void {
    const deployment = service.deployments[0]!;
    for (const old of service.deployments.slice(1)) old.status = 'INACTIVE';
    service.deployments = [deployment];
    service.lastCompleted = deployment;
    const back = one.status === 'ROLLBACK_IN_PROGRESS';
    deployment.rolloutState = 'COMPLETED';
    deployment.updatedAt = this.now;
    if (!back) deployment.rolloutStateReason = `ECS deployment ${deployment.id} completed.`;
    this.announce(service, deployment, 'COMPLETED', deployment.rolloutStateReason);
    this.say(service, `(deployment ${deployment.id}) deployment completed.`);
    this.set(service, one, back ? 'ROLLBACK_SUCCESSFUL' : 'SUCCESSFUL');
  }
}
