/** The life of a task on Fargate: from PROVISIONING to STOPPED, over time, with its log, its targets and its bill. */
import type { TaskStopCode } from '@aws-sdk/client-ecs';
import { type Bound, bound } from '../../core/bound.ts';
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { Site } from '../../core/site.ts';
import type { EcsEvents } from './events.ts';
import { Host, StartFailure, say } from './image.ts';
import { PlayedContainers } from './played.ts';
import type { ContainerRuntime, ContainerSource, TaskReports } from './runtime.ts';
import { healthOf, loadBalancing } from './targets.ts';
import type { Task, TaskContainer, TaskStatus } from './task.ts';

/**
 * How long a task stays in each state, in milliseconds. AWS promises none.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
 */
const TAKES = { PROVISIONING: 8000, PENDING: 12_000, ACTIVATING: 1000, DEPROVISIONING: 8000 };
/** "A one-minute minimum applies." https://aws.amazon.com/fargate/pricing/ */
const MINIMUM_BILL = 60_000;

export class TaskLives implements TaskReports {
  /** What runs the containers. @default they are played */
  runtime: ContainerRuntime;
  private readonly site: Site;
  private readonly events: EcsEvents;

  constructor(site: Site, events: EcsEvents, random: Random) {
    this.site = site;
    this.events = events;
    this.runtime = new PlayedContainers(site.world.clock, random, this);
  }

  private get clock(): Clock {
    return this.site.world.clock;
  }

  private after(task: Task, milliseconds: number, what: string, run: Bound): void {
    task.after(this.clock, milliseconds, what, run);
  }

  private enter(task: Task, status: TaskStatus): void {
    task.lastStatus = status;
    this.tell(task);
  }

  private tell(task: Task): void {
    this.events.task(task);
    task.version++;
    task.settings.owner?.changed(task);
  }

  start(task: Task): void {
    this.events.task(task);
    task.version++;
    this.after(task, TAKES.PROVISIONING, 'gets its network interface', bound(this, this.connected, task));
  }

  private connected(task: Task): void {
    task.moments.connectivityAt = this.clock.now();
    task.moments.pullStartedAt = this.clock.now();
    task.metered = this.clock.now();
    this.enter(task, 'PENDING');
    this.pull(task);
  }

  private pull(task: Task): void {
    const { executionRoleArn, id, owner, overrides, definition } = task.settings;
    const sources: ContainerSource[] = [];
    try {
      const host = new Host(this.site, { execution: executionRoleArn, task: overrides?.taskRoleArn ?? definition.value.taskRoleArn }, id);
      task.host = host;
      for (const container of task.containers) {
        const { digest, repository, behaviour } = host.pull(container.image, owner ? undefined : commandOf(task, container));
        container.digest = digest;
        container.behaviour = behaviour;
        owner?.resolved(container.definition.name!, digest);
        sources.push({
          container,
          ...(digest === undefined || repository === undefined ? {} : { ecr: { repository, digest, principal: host.role } }),
          secrets: host.readSecrets(container.definition),
        });
      }
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      this.after(task, TAKES.PENDING, 'cannot start', bound(this, this.failed, task, error.message, undefined));
      return;
    }
    this.runtime.pull(task, sources);
  }

  failed(task: Task, reason: string, container?: TaskContainer): void {
    if (!task.isWanted) return;
    const concerned = container === undefined && task.moments.startedAt === undefined ? task.containers : container ? [container] : [];
    for (const one of concerned) {
      one.lastStatus = 'STOPPED';
      if (/^Cannot(?:Pull|Create|Start)ContainerError/.test(reason)) one.reason = reason;
    }
    this.stop(task, 'TaskFailedToStart', reason);
  }

  pulled(task: Task): void {
    if (!task.isWanted) return;
    task.moments.pullStoppedAt = this.clock.now();
    try {
      for (const container of task.containers) task.host!.log(container.definition, task.settings.id, this.runtime.firstWords(container));
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      this.failed(task, error.message);
      return;
    }
    if (!task.settings.owner?.loadBalancers.length) {
      this.runtime.start(task);
      return;
    }
    this.enter(task, 'ACTIVATING');
    this.register(task);
    this.after(task, TAKES.ACTIVATING, 'starts', bound(this, this.startContainers, task));
  }

  private startContainers(task: Task): void {
    this.runtime.start(task);
  }

  private register(task: Task): void {
    const { owner, ip } = task.settings;
    task.targets = owner!.loadBalancers.map(({ targetGroupArn = '', containerName, containerPort = 0 }) => {
      const container = task.containers.find((one) => one.definition.name === containerName)!;
      if (!owner!.may('RegisterTargets', targetGroupArn) || !owner!.may('DescribeTargetHealth', targetGroupArn))
        return { targetGroupArn, port: containerPort, isRefused: true };
      const target = this.runtime.target(task, container, containerPort);
      loadBalancing(this.site).registerTarget(targetGroupArn, { id: ip, port: containerPort, ...target });
      return { targetGroupArn, port: containerPort, isRefused: false };
    });
  }

  started(task: Task, container: TaskContainer, runtimeId: string): void {
    container.runtimeId = runtimeId;
    // Whoever runs it has started it anew: for ECS nothing has changed.
    if (!task.isWanted || container.lastStatus !== 'PENDING') return;
    container.lastStatus = 'RUNNING';
    if (task.containers.some(({ lastStatus }) => lastStatus === 'PENDING')) return;
    task.moments.startedAt = this.clock.now();
    this.enter(task, 'RUNNING');
  }

  answers(task: Task): void {
    task.answers = true;
    task.settings.owner?.changed(task);
  }

  health(task: Task, container: TaskContainer, health: 'HEALTHY' | 'UNHEALTHY'): void {
    if (!task.isWanted || container.health === health) return;
    container.health = health;
    this.tell(task);
  }

  said(task: Task, container: TaskContainer, lines: readonly string[]): void {
    say(this.site, container.definition, task.settings.id, lines);
  }

  exited(task: Task, container: TaskContainer, code: number, reason?: string): void {
    if (container.lastStatus === 'STOPPED') return;
    container.lastStatus = 'STOPPED';
    container.exitCode = code;
    if (reason !== undefined) container.reason = reason;
    if (!task.isWanted) return;
    if (container.definition.essential === false) this.tell(task);
    else this.stop(task, 'EssentialContainerExited', 'Essential container in task exited');
  }

  /** Ends a task; harmless if it is ending. Targets are drained first unless its containers are gone. */
  stop(task: Task, stopCode: TaskStopCode, reason: string): void {
    if (!task.isWanted) return;
    task.cancelAll(this.clock);
    task.desiredStatus = 'STOPPED';
    task.stopCode = stopCode;
    task.stoppedReason = reason;
    task.moments.stoppingAt = this.clock.now();
    let drain = 0;
    for (const { targetGroupArn, port, isRefused } of task.targets) {
      if (isRefused || !task.settings.owner!.may('DeregisterTargets', targetGroupArn)) continue;
      loadBalancing(this.site).deregisterTarget(targetGroupArn, task.settings.ip, port);
      if (healthOf(this.site, targetGroupArn, task.settings.ip) === 'draining')
        drain = Math.max(drain, loadBalancing(this.site).deregistrationDelay(targetGroupArn) * 1000);
    }
    if (drain === 0 || stopCode === 'EssentialContainerExited' || task.moments.startedAt === undefined) this.terminate(task);
    else {
      this.enter(task, 'DEACTIVATING');
      this.after(task, drain, 'has drained', bound(this, this.terminate, task));
    }
  }

  private terminate(task: Task): void {
    if (task.moments.startedAt !== undefined) this.enter(task, 'STOPPING');
    this.runtime.stop(task);
  }

  ended(task: Task): void {
    if (task.isGone) return;
    for (const container of task.containers) container.lastStatus = 'STOPPED';
    task.moments.executionStoppedAt = this.clock.now();
    this.enter(task, 'DEPROVISIONING');
    this.after(task, TAKES.DEPROVISIONING, 'gives its network interface back', bound(this, this.gone, task));
  }

  private gone(task: Task): void {
    task.moments.stoppedAt = this.clock.now();
    this.meter(task);
    this.enter(task, 'STOPPED');
  }

  /** Counts what a task has used since it was last counted. */
  meter(task: Task): void {
    const { cluster, definition } = task.settings;
    const begun = task.moments.pullStartedAt;
    if (begun === undefined || task.metered === undefined) return;
    const end = task.moments.executionStoppedAt ?? this.clock.now();
    const ended = task.moments.stoppedAt !== undefined;
    const until = ended ? Math.max(end, begun + MINIMUM_BILL) : end;
    const used = Math.max(0, until - task.metered) / 1000;
    task.metered = Math.max(until, task.metered);
    const architecture = definition.value.runtimePlatform?.cpuArchitecture ?? 'X86_64';
    const labels = { cluster, account: this.site.account, region: this.site.region, architecture };
    const { meter } = this.site.world;
    if (ended) meter.record('fargate.task', 1, labels);
    meter.record('fargate.vcpu-second', (Number(definition.value.cpu ?? 256) / 1024) * used, labels);
    meter.record('fargate.gb-second', (Number(definition.value.memory ?? 512) / 1024) * used, labels);
  }
}

/** The first word of the command that a container gets, by its definition or by whoever ran the task. */
function commandOf({ settings }: Task, { definition }: TaskContainer): string | undefined {
  const override = settings.overrides?.containerOverrides?.find(({ name }) => name === definition.name);
  return override?.command?.[0] ?? definition.command?.[0];
}
