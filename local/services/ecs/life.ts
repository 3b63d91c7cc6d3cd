/** The life of a task on Fargate: from PROVISIONING to STOPPED, over time, with its log, its targets and its bill. */
import type { TaskStopCode } from '@aws-sdk/client-ecs';
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { Site } from '../../core/site.ts';
import type { EcsEvents } from './events.ts';
import { Host, healthCheckOf, StartFailure } from './image.ts';
import { healthOf, loadBalancing, responder } from './targets.ts';
import type { Task, TaskContainer, TaskStatus } from './task.ts';

/**
 * How long a task stays in each state, in milliseconds. AWS promises none; half a minute to RUNNING is ordinary on Fargate.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
 */
const TAKES = { PROVISIONING: 8000, PENDING: 12_000, ACTIVATING: 1000, STOPPING: 2000, DEPROVISIONING: 8000, neverStarting: 180_000 };
/** "A one-minute minimum applies." https://aws.amazon.com/fargate/pricing/ */
const MINIMUM_BILL = 60_000;

export class TaskLives {
  private readonly site: Site;
  private readonly events: EcsEvents;
  private readonly random: Random;

  constructor(site: Site, events: EcsEvents, random: Random) {
    this.site = site;
    this.events = events;
    this.random = random;
  }

  private get clock(): Clock {
    return this.site.world.clock;
  }

  private after(task: Task, milliseconds: number, what: string, run: () => void): void {
    const timer = this.clock.after(milliseconds, `task ${task.settings.id} ${what}`, () => {
      task.timers.delete(timer);
      run();
    });
    task.timers.add(timer);
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
    this.after(task, TAKES.PROVISIONING, 'gets its network interface', () => {
      task.moments.connectivityAt = this.clock.now();
      task.moments.pullStartedAt = this.clock.now();
      task.metered = this.clock.now();
      this.enter(task, 'PENDING');
      this.pull(task);
    });
  }

  private pull(task: Task): void {
    const { executionRoleArn, id, owner } = task.settings;
    let failure: string | undefined;
    let host: Host | undefined;
    try {
      const { overrides, definition } = task.settings;
      host = new Host(this.site, { execution: executionRoleArn, task: overrides?.taskRoleArn ?? definition.value.taskRoleArn }, id);
      for (const container of task.containers) {
        const { digest, behaviour } = host.pull(container.image, owner ? undefined : commandOf(task, container));
        container.digest = digest;
        container.behaviour = behaviour;
        owner?.resolved(container.definition.name!, digest);
        host.readSecrets(container.definition);
      }
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      failure = error.message;
    }
    const refusal = failure ?? task.containers.find(({ behaviour }) => behaviour?.neverStarts)?.behaviour?.neverStarts;
    if (refusal !== undefined)
      this.after(task, failure === undefined ? TAKES.neverStarting : TAKES.PENDING, 'cannot start', () => this.failToStart(task, refusal));
    else this.after(task, TAKES.PENDING, 'has its images', () => this.activate(task, host!));
  }

  private failToStart(task: Task, reason: string): void {
    for (const container of task.containers) {
      container.lastStatus = 'STOPPED';
      if (reason.startsWith('CannotPullContainerError')) container.reason = reason;
    }
    this.stop(task, 'TaskFailedToStart', reason);
  }

  private activate(task: Task, host: Host): void {
    task.moments.pullStoppedAt = this.clock.now();
    try {
      for (const { definition, behaviour } of task.containers) host.log(definition, task.settings.id, behaviour!.log);
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      this.failToStart(task, error.message);
      return;
    }
    if (!task.settings.owner?.loadBalancers.length) {
      this.run(task);
      return;
    }
    this.enter(task, 'ACTIVATING');
    this.register(task);
    this.after(task, TAKES.ACTIVATING, 'starts', () => this.run(task));
  }

  private register(task: Task): void {
    const { owner, ip } = task.settings;
    task.targets = owner!.loadBalancers.map(({ targetGroupArn = '', containerName, containerPort = 0 }) => {
      const { definition, image, behaviour } = task.containers.find((one) => one.definition.name === containerName)!;
      if (!owner!.may('RegisterTargets', targetGroupArn) || !owner!.may('DescribeTargetHealth', targetGroupArn))
        return { targetGroupArn, port: containerPort, isRefused: true };
      loadBalancing(this.site).registerTarget(targetGroupArn, {
        id: ip,
        port: containerPort,
        respond: responder({ service: owner!.service, container: definition.name!, image }, behaviour!),
        startsHealthyAt: this.clock.now() + TAKES.ACTIVATING + behaviour!.healthyAfter,
      });
      return { targetGroupArn, port: containerPort, isRefused: false };
    });
  }

  private run(task: Task): void {
    task.moments.startedAt = this.clock.now();
    for (const container of task.containers) {
      container.lastStatus = 'RUNNING';
      container.runtimeId = `${task.settings.id}-${this.random.hex(10)}`;
      const { exit } = container.behaviour!;
      const check = healthCheckOf(container.definition, container.behaviour!);
      if (check)
        this.after(task, check.after, `container ${container.definition.name} is checked`, () => {
          container.health = check.health;
          this.tell(task);
        });
      if (exit) this.after(task, exit.after, `container ${container.definition.name} exits`, () => this.exit(task, container, exit.code));
    }
    this.enter(task, 'RUNNING');
    const slowest = Math.max(...task.containers.map(({ behaviour }) => behaviour!.healthyAfter));
    this.after(task, slowest, 'answers', () => {
      task.answers = true;
      task.settings.owner?.changed(task);
    });
  }

  private exit(task: Task, container: TaskContainer, code: number): void {
    container.lastStatus = 'STOPPED';
    container.exitCode = code;
    if (container.definition.essential === false) this.tell(task);
    else this.stop(task, 'EssentialContainerExited', 'Essential container in task exited');
  }

  /** Ends a task; harmless if it is ending. Targets are drained first unless its containers are gone. */
  stop(task: Task, stopCode: TaskStopCode, reason: string): void {
    if (!task.isWanted) return;
    for (const timer of task.timers) this.clock.cancel(timer);
    task.timers.clear();
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
      this.after(task, drain, 'has drained', () => this.terminate(task));
    }
  }

  private terminate(task: Task): void {
    const ran = task.moments.startedAt !== undefined;
    if (ran) this.enter(task, 'STOPPING');
    this.after(task, ran ? TAKES.STOPPING : 0, 'ends its containers', () => {
      for (const container of task.containers) {
        // It is told to end (SIGTERM) and does so by itself.
        if (container.lastStatus === 'RUNNING') container.exitCode = 0;
        container.lastStatus = 'STOPPED';
      }
      task.moments.executionStoppedAt = this.clock.now();
      this.enter(task, 'DEPROVISIONING');
      this.after(task, TAKES.DEPROVISIONING, 'gives its network interface back', () => {
        task.moments.stoppedAt = this.clock.now();
        this.meter(task);
        this.enter(task, 'STOPPED');
      });
    });
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
