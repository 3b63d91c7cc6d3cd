/** One task: its containers, its states, and how the API shows it. */
import type { Task as ApiTask, ContainerDefinition, LoadBalancer, Tag, TaskStopCode } from '@aws-sdk/client-ecs';
import { type Bound, bound } from '../../core/bound.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Behaviour } from './behaviour.ts';
import type { Host } from './image.ts';
import { type Tags, tagList } from './tags.ts';
import type { Definition } from './task-definitions.ts';

export type TaskStatus = 'PROVISIONING' | 'PENDING' | 'ACTIVATING' | 'RUNNING' | 'DEACTIVATING' | 'STOPPING' | 'DEPROVISIONING' | 'STOPPED';

export interface TaskContainer {
  readonly arn: string;
  readonly definition: ContainerDefinition;
  /** What is pulled: by digest once the deployment has resolved the tag. */
  readonly image: string;
  lastStatus: 'PENDING' | 'RUNNING' | 'STOPPED';
  runtimeId?: string;
  digest?: string | undefined;
  exitCode?: number;
  reason?: string;
  behaviour?: Behaviour;
  /** What its own health check says, once that is decided. */
  health?: 'HEALTHY' | 'UNHEALTHY';
}

/** Who wants the task: a deployment of a service hears of every change. */
export interface TaskOwner {
  readonly service: string;
  readonly deployment: string;
  readonly loadBalancers: readonly LoadBalancer[];
  changed(task: Task): void;
  /** Whether ECS may do this to a target group in the role of the load balancer; it tells people where not. */
  may(action: 'RegisterTargets' | 'DeregisterTargets' | 'DescribeTargetHealth', targetGroupArn: string): boolean;
  /** The digests that the first task of a revision found hold for all its tasks. */
  resolved(container: string, digest: string | undefined): void;
}

export interface TaskSettings {
  readonly arn: string;
  readonly id: string;
  readonly cluster: string;
  readonly clusterArn: string;
  readonly definition: Definition;
  readonly group: string;
  readonly startedBy?: string | undefined;
  readonly owner?: TaskOwner;
  readonly ip: string;
  readonly attachmentId: string;
  readonly subnet: string;
  readonly zone: string;
  readonly executeCommand: boolean;
  readonly executionRoleArn: string | undefined;
  readonly overrides?: ApiTask['overrides'];
  readonly tags: Tags;
  readonly createdAt: number;
}

/** Milliseconds since the epoch of what happened to a task. */
type Moments = {
  -readonly [Name in
    | 'pullStartedAt'
    | 'pullStoppedAt'
    | 'startedAt'
    | 'stoppingAt'
    | 'executionStoppedAt'
    | 'stoppedAt'
    | 'connectivityAt']?: number;
};

export class Task {
  readonly settings: TaskSettings;
  readonly containers: readonly TaskContainer[];
  readonly moments: Moments = {};
  private readonly timers = new Map<number, Timer>();
  private timed = 0;
  /** The machine that it runs on, once it is there. */
  host: Host | undefined;
  /** Its service has counted it as failed, and as healthy. */
  countedAsFailed = false;
  countedAsHealthy = false;
  lastStatus: TaskStatus = 'PROVISIONING';
  desiredStatus: 'RUNNING' | 'STOPPED' = 'RUNNING';
  /** Grows with each change that an event tells of. */
  version = 1;
  stopCode: TaskStopCode | undefined;
  stoppedReason: string | undefined;
  /** Its containers answer. */
  answers = false;
  /** The targets that it is registered as, or should be. */
  targets: readonly { readonly targetGroupArn: string; readonly port: number; readonly isRefused: boolean }[] = [];
  /** Until when the scheduler may not stop it, in milliseconds since the epoch. */
  protectedUntil: number | undefined;
  /** Up to when the meter has counted it. */
  metered: number | undefined;

  constructor(settings: TaskSettings, containers: readonly TaskContainer[]) {
    this.settings = settings;
    this.containers = containers;
  }

  /** Something that happens to it, unless it is stopped before. @param milliseconds from now */
  after(clock: Clock, milliseconds: number, what: string, run: Bound): void {
    const number = ++this.timed;
    this.timers.set(number, clock.after(milliseconds, `task ${this.settings.id} ${what}`, bound(this, this.happens, number, run)));
  }

  private happens(number: number, run: Bound): void {
    this.timers.delete(number);
    run.run();
  }

  /** Nothing that was to happen to it happens. */
  cancelAll(clock: Clock): void {
    for (const timer of this.timers.values()) clock.cancel(timer);
    this.timers.clear();
  }

  /** Its deployment wants it, and it may serve or is on its way to. */
  get isWanted(): boolean {
    return this.desiredStatus === 'RUNNING';
  }

  isProtected(now: number): boolean {
    return this.protectedUntil !== undefined && this.protectedUntil > now;
  }

  /** Its containers have ended. */
  get isGone(): boolean {
    return this.lastStatus === 'DEPROVISIONING' || this.lastStatus === 'STOPPED';
  }

  /** "UNHEALTHY: one or more essential containers have failed their health check." */
  get healthStatus(): 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN' {
    const checked = this.containers.filter(({ definition }) => definition.healthCheck && definition.essential !== false);
    if (checked.some(({ health }) => health === 'UNHEALTHY')) return 'UNHEALTHY';
    return checked.length > 0 && checked.every(({ health }) => health === 'HEALTHY') ? 'HEALTHY' : 'UNKNOWN';
  }

  /** It answers and passes the health checks of its containers: all that counts where no load balancer asks. */
  get ready(): boolean {
    const checked = this.containers.some(({ definition }) => definition.healthCheck && definition.essential !== false);
    return this.answers && (!checked || this.healthStatus === 'HEALTHY');
  }

  describe(include: readonly string[] = []): ApiTask {
    const { settings, moments } = this;
    const { value } = settings.definition;
    const at = (name: keyof Moments) => (moments[name] === undefined ? {} : { [name]: new Date(moments[name]) });
    return {
      attachments: [
        {
          id: settings.attachmentId,
          type: 'ElasticNetworkInterface',
          status: this.lastStatus === 'PROVISIONING' ? 'PRECREATED' : this.lastStatus === 'STOPPED' ? 'DELETED' : 'ATTACHED',
          details: [
            { name: 'subnetId', value: settings.subnet },
            { name: 'privateIPv4Address', value: settings.ip },
          ],
        },
      ],
      attributes: [{ name: 'ecs.cpu-architecture', value: value.runtimePlatform?.cpuArchitecture === 'ARM64' ? 'arm64' : 'x86_64' }],
      availabilityZone: settings.zone,
      clusterArn: settings.clusterArn,
      ...(moments.connectivityAt === undefined ? {} : { connectivity: 'CONNECTED' as const }),
      ...at('connectivityAt'),
      containers: this.containers.map((container) => this.describeContainer(container)),
      cpu: value.cpu ?? '256',
      memory: value.memory ?? '512',
      createdAt: new Date(settings.createdAt),
      desiredStatus: this.desiredStatus,
      enableExecuteCommand: settings.executeCommand,
      group: settings.group,
      healthStatus: this.healthStatus,
      lastStatus: this.lastStatus,
      launchType: 'FARGATE',
      platformVersion: '1.4.0',
      platformFamily: 'Linux',
      overrides: settings.overrides ?? {
        containerOverrides: this.containers.map(({ definition }) => ({ name: definition.name })),
        inferenceAcceleratorOverrides: [],
      },
      ...at('pullStartedAt'),
      ...at('pullStoppedAt'),
      ...at('startedAt'),
      ...(settings.startedBy === undefined ? {} : { startedBy: settings.startedBy }),
      ...(this.stopCode === undefined ? {} : { stopCode: this.stopCode }),
      ...(this.stoppedReason === undefined ? {} : { stoppedReason: this.stoppedReason }),
      ...at('stoppingAt'),
      ...at('executionStoppedAt'),
      ...at('stoppedAt'),
      taskArn: settings.arn,
      taskDefinitionArn: settings.definition.arn,
      version: this.version,
      ephemeralStorage: { sizeInGiB: value.ephemeralStorage?.sizeInGiB ?? 20 },
      tags: include.includes('TAGS') ? tagList(settings.tags) : ([] as Tag[]),
    };
  }

  private describeContainer(container: TaskContainer): NonNullable<ApiTask['containers']>[number] {
    const { definition } = container;
    return {
      containerArn: container.arn,
      taskArn: this.settings.arn,
      name: definition.name,
      image: container.image,
      ...(container.digest === undefined ? {} : { imageDigest: container.digest }),
      ...(container.runtimeId === undefined ? {} : { runtimeId: container.runtimeId }),
      lastStatus: container.lastStatus,
      ...(container.exitCode === undefined ? {} : { exitCode: container.exitCode }),
      ...(container.reason === undefined ? {} : { reason: container.reason }),
      networkBindings: [],
      networkInterfaces:
        this.lastStatus === 'PROVISIONING' ? [] : [{ attachmentId: this.settings.attachmentId, privateIpv4Address: this.settings.ip }],
      healthStatus: container.health ?? 'UNKNOWN',
      cpu: String(definition.cpu ?? 0),
      ...(definition.memory === undefined ? {} : { memory: String(definition.memory) }),
      ...(definition.memoryReservation === undefined ? {} : { memoryReservation: String(definition.memoryReservation) }),
    };
  }
}
