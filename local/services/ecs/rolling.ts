/** The service scheduler: keeps as many tasks as are wanted, and replaces old ones by new ones within the percentages. */

import { bound } from '../../core/bound.ts';
import { lastPart } from './names.ts';
import { Owner } from './owner.ts';
import type { EcsParts, TaskKeeper } from './parts.ts';
import type { Deployment } from './revision.ts';
import { current, type Service } from './service.ts';
import { healthOf, loadBalancing } from './targets.ts';
import type { Task } from './task.ts';

/** After this many restarts of a deployment whose tasks keep ending, local AWS starts no more: AWS goes on for ever. */
const MAX_RESTARTS = 50;
/** The same for tasks that live long each time, so that the clock comes to rest. */
const MAX_ENDS = 500;
/** "The maximum time between restart attempts is 27 minutes." https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html */
const MAX_BACKOFF = 27 * 60_000;
const FIRST_BACKOFF = 10_000;
/** Restarts without a pause. */
const FREE_RESTARTS = 3;
/** A task that lived this long begins the count anew. */
const LONG_LIFE = 3_600_000;

const backoff = (restarts: number) =>
  restarts <= FREE_RESTARTS ? 0 : Math.min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** (restarts - FREE_RESTARTS - 1));

export class Scheduler implements TaskKeeper {
  private readonly ecs: EcsParts;
  private readonly watched = new Set<string>();

  constructor(ecs: EcsParts) {
    this.ecs = ecs;
  }

  private get now(): number {
    return this.ecs.site.world.clock.now();
  }

  watch(targetGroupArn: string): void {
    if (this.watched.has(targetGroupArn)) return;
    this.watched.add(targetGroupArn);
    loadBalancing(this.ecs.site).onTargetHealth(targetGroupArn, bound(this, this.lookAtUsers, targetGroupArn));
  }

  private lookAtUsers(targetGroupArn: string): void {
    for (const service of this.ecs.services.values())
      if (service.deployments.some(({ loadBalancers }) => loadBalancers.some((one) => one.targetGroupArn === targetGroupArn)))
        this.ecs.look(service);
  }

  /** Something about a task changed. */
  taskChanged(service: Service, deployment: Deployment, task: Task): void {
    const { stopCode } = task;
    if ((stopCode === 'EssentialContainerExited' || stopCode === 'TaskFailedToStart') && !task.countedAsFailed)
      this.countFailure(service, deployment, task);
    if (task.lastStatus === 'STOPPED') service.tasks.delete(task);
    this.ecs.look(service);
  }

  private countFailure(service: Service, deployment: Deployment, task: Task): void {
    task.countedAsFailed = true;
    const lived = task.moments.startedAt === undefined ? 0 : this.now - task.moments.startedAt;
    deployment.restarts = lived >= LONG_LIFE ? 1 : deployment.restarts + 1;
    deployment.ends++;
    deployment.nextStartAt = this.now + backoff(deployment.restarts);
    service.steady = false;
    if (task.stopCode === 'TaskFailedToStart')
      this.ecs.deployments.say(service, `was unable to place a task. Reason: ${task.stoppedReason}.`);
    if (deployment.restarts > FREE_RESTARTS && !service.impaired) {
      service.impaired = true;
      this.ecs.deployments.say(service, 'is unable to consistently start tasks successfully.');
      this.ecs.events.service(service.arn, service.clusterArn, 'WARN', 'SERVICE_TASK_START_IMPAIRED');
    }
    this.ecs.deployments.taskFailed(service, deployment);
  }

  pass(service: Service): void {
    if (service.status === 'DRAINING') this.drain(service);
    if (service.status !== 'ACTIVE') return;
    const primary = service.deployments[0]!;
    this.judge(service);
    const running = current(service);
    if (running?.lifecycle) {
      this.ecs.shifting.pass(service, running, running.lifecycle);
      return;
    }
    this.stopSurplus(service, primary, service.desiredCount);
    // A failed deployment stays as it is; one that is about to start or stop moves nothing.
    if (primary !== service.deployments[0] || primary.rolloutState === 'FAILED') return;
    if (running && running.status !== 'IN_PROGRESS' && running.status !== 'ROLLBACK_IN_PROGRESS') return;
    this.stopOld(service, primary);
    this.startNew(service, primary);
    this.settle(service, primary);
  }

  private healthy(task: Task): boolean {
    if (!task.isWanted || task.lastStatus !== 'RUNNING' || !task.ready) return false;
    return task.targets.every(
      ({ targetGroupArn, isRefused }) =>
        !isRefused && ['healthy', 'unused'].includes(healthOf(this.ecs.site, targetGroupArn, task.settings.ip)),
    );
  }

  private of(service: Service, deployment: Deployment): Task[] {
    return [...service.tasks].filter((task) => task.isWanted && task.settings.owner?.deployment === deployment.id);
  }

  /** Counts healthy tasks once, and stops those that fail the health checks of their load balancer or containers. */
  private judge(service: Service): void {
    for (const task of service.tasks) {
      const deployment = service.deployments.find(({ id }) => id === task.settings.owner?.deployment);
      if (deployment === undefined || !task.isWanted) continue;
      if (this.healthy(task) && !task.countedAsHealthy) {
        task.countedAsHealthy = true;
        this.ecs.deployments.taskHealthy(service, deployment);
      }
      if (task.lastStatus === 'RUNNING') this.judgeChecks(service, deployment, task);
    }
  }

  private judgeChecks(service: Service, deployment: Deployment, task: Task): void {
    const sick = task.targets.find(({ targetGroupArn }) => healthOf(this.ecs.site, targetGroupArn, task.settings.ip) === 'unhealthy');
    if (sick === undefined && task.healthStatus !== 'UNHEALTHY') return;
    const grace = task.moments.startedAt! + service.gracePeriod * 1000;
    if (this.now < grace) {
      this.lookAt(service, grace);
      return;
    }
    this.countFailure(service, deployment, task);
    if (sick === undefined) {
      this.ecs.lives.stop(task, 'ServiceSchedulerInitiated', 'Task failed container health checks');
      return;
    }
    const where = `(target-group ${sick.targetGroupArn})`;
    this.ecs.deployments.say(service, `(port ${sick.port}) is unhealthy in ${where} due to (reason Health checks failed).`);
    this.ecs.lives.stop(task, 'ServiceSchedulerInitiated', `Task failed ELB health checks in ${where}`);
  }

  countOf(service: Service, deployment: Deployment): { readonly wanted: number; readonly healthy: number } {
    const tasks = this.of(service, deployment);
    return { wanted: tasks.length, healthy: tasks.filter((task) => this.healthy(task)).length };
  }

  keep(service: Service, deployment: Deployment, count: number): void {
    this.stopSurplus(service, deployment, count);
    this.start(service, deployment, count - this.of(service, deployment).length);
  }

  private stopSurplus(service: Service, primary: Deployment, count: number): void {
    const tasks = this.of(service, primary);
    const surplus = tasks.length - count;
    if (surplus <= 0) return;
    // The ones that do not serve yet go first, then the newest.
    const order = tasks
      .filter((task) => !this.isProtected(task))
      .toSorted((a, b) => Number(this.healthy(a)) - Number(this.healthy(b)) || b.settings.createdAt - a.settings.createdAt);
    this.stop(service, primary, order.slice(0, surplus));
  }

  private isProtected(task: Task): boolean {
    return task.isProtected(this.ecs.site.world.clock.now());
  }

  private limits(service: Service): { readonly least: number; readonly most: number } {
    const { minimumHealthyPercent = 100, maximumPercent = 200 } = service.configuration;
    return {
      least: Math.ceil((service.desiredCount * minimumHealthyPercent) / 100),
      most: Math.floor((service.desiredCount * maximumPercent) / 100),
    };
  }

  private stopOld(service: Service, primary: Deployment): void {
    const old = [...service.tasks].filter((task) => task.isWanted && task.settings.owner?.deployment !== primary.id);
    if (old.length === 0) return;
    let healthy = [...service.tasks].filter((task) => this.healthy(task)).length;
    const { least } = this.limits(service);
    const stopping: Task[] = [];
    for (const task of old) {
      if (!this.healthy(task)) stopping.push(task);
      else if (this.isProtected(task)) continue;
      else if (healthy - 1 >= least) {
        stopping.push(task);
        healthy--;
      }
    }
    this.stop(service, primary, stopping);
  }

  private stop(service: Service, primary: Deployment, tasks: readonly Task[]): void {
    if (tasks.length === 0) return;
    service.steady = false;
    const names = tasks.map(({ settings }) => `(task ${settings.id})`).join(' ');
    this.ecs.deployments.say(service, `has stopped ${tasks.length} running tasks: ${names}.`);
    if (tasks.some(({ targets }) => targets.length > 0))
      this.ecs.deployments.say(service, `has begun draining connections on ${tasks.length} tasks.`);
    for (const task of tasks)
      this.ecs.lives.stop(task, 'ServiceSchedulerInitiated', `Scaling activity initiated by (deployment ${primary.id})`);
    const taskArns = tasks.map(({ settings }) => settings.arn);
    this.ecs.events.service(service.arn, service.clusterArn, 'INFO', 'TASKS_STOPPED', { taskArns });
  }

  private startNew(service: Service, primary: Deployment): void {
    const mine = this.of(service, primary).length;
    const alive = [...service.tasks].filter((task) => task.isWanted).length;
    this.start(service, primary, Math.min(service.desiredCount - mine, this.limits(service).most - alive));
  }

  private start(service: Service, primary: Deployment, room: number): void {
    // A circuit breaker that waits for more failures than that gets them.
    const most = Math.max(MAX_RESTARTS, current(service)?.threshold ?? 0);
    if (room <= 0 || primary.restarts > most || primary.ends > MAX_ENDS) return;
    if (this.now < primary.nextStartAt) {
      this.lookAt(service, primary.nextStartAt);
      return;
    }
    service.steady = false;
    const started: Task[] = [];
    for (let index = 0; index < room; index++) started.push(this.launch(service, primary));
    const names = started.map(({ settings }) => `(task ${settings.id})`).join(' ');
    this.ecs.deployments.say(service, `has started ${started.length} tasks: ${names}.`);
    for (const task of started) this.ecs.lives.start(task);
  }

  private launch(service: Service, deployment: Deployment): Task {
    const { revision } = deployment;
    const tags =
      service.propagateTags === 'SERVICE' ? service.tags : service.propagateTags === 'TASK_DEFINITION' ? revision.definition.tags : [];
    const task = this.ecs.makeTask({
      cluster: service.cluster,
      definition: revision.definition,
      group: `service:${service.name}`,
      startedBy: deployment.id,
      network: revision.networkConfiguration,
      executeCommand: service.executeCommand,
      tags: new Map(tags),
      digests: revision.digests,
      owner: new Owner(this.ecs, this, service, deployment),
    });
    service.tasks.add(task);
    return task;
  }

  /**
   * May a deployment count as successful before all is as it should be?
   * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentEarlySuccessCriteria.html
   */
  private isEarly(service: Service, primary: Deployment, isAlone: boolean): boolean {
    const running = current(service);
    const { enable, healthyPercent = 100, sourceServiceRevisionCleanup } = running?.configuration.earlySuccessCriteria ?? {};
    if (!enable || running?.status !== 'IN_PROGRESS') return false;
    const enough = Math.ceil((service.desiredCount * healthyPercent) / 100);
    return this.countOf(service, primary).healthy >= enough && (isAlone || sourceServiceRevisionCleanup === 'DEFERRED');
  }

  /** Says when all is as it should be, or a deployment may count as successful already. */
  private settle(service: Service, primary: Deployment): void {
    const { wanted, healthy } = this.countOf(service, primary);
    const isAlone = ![...service.tasks].some((task) => task.settings.owner?.deployment !== primary.id && !task.isGone);
    const isEven = isAlone && wanted === service.desiredCount && healthy === wanted;
    if (service.steady || !(isEven || this.isEarly(service, primary, isAlone))) return;
    service.impaired = false;
    const bakes = this.ecs.deployments.complete(service);
    if (bakes !== undefined) {
      this.lookAt(service, bakes);
      return;
    }
    if (!isEven) return;
    service.steady = true;
    this.ecs.deployments.say(service, 'has reached a steady state.');
    this.ecs.events.service(service.arn, service.clusterArn, 'INFO', 'SERVICE_STEADY_STATE');
  }

  private drain(service: Service): void {
    const reason = `Scaling activity initiated by (deployment ${service.deployments[0]?.id ?? lastPart(service.arn)})`;
    for (const task of service.tasks) this.ecs.lives.stop(task, 'ServiceSchedulerInitiated', reason);
    if (service.tasks.size > 0) return;
    service.status = 'INACTIVE';
    for (const one of service.deployments) one.status = 'INACTIVE';
    service.deployments = [];
    service.history = [];
  }

  private lookAt(service: Service, time: number): void {
    const { clock } = this.ecs.site.world;
    if (service.wake !== undefined && service.wake.due <= time && service.wake.due > this.now) return;
    if (service.wake !== undefined) clock.cancel(service.wake);
    service.wake = clock.at(time, `service ${service.name} looks again`, bound(this, this.lookAgain, service));
  }

  private lookAgain(service: Service): void {
    service.wake = undefined;
    this.ecs.look(service);
  }
}
