/** What ECS keeps in one account and Region: clusters, task definitions, services and tasks. */
import type { Task as ApiTask, NetworkConfiguration } from '@aws-sdk/client-ecs';
import type { Random } from '../../core/random.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import type { Cluster } from './cluster.ts';
import { EcsEvents } from './events.ts';
import { TaskLives } from './life.ts';
import { clusterArn, clusterName, serviceArnOf, taskArn } from './names.ts';
import type { Service } from './service.ts';
import type { Tags } from './tags.ts';
import { Task, type TaskOwner } from './task.ts';
import { type Definition, TaskDefinitions } from './task-definitions.ts';

/** "Stopped tasks only appear in the returned results for at least one hour." https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html */
const STOPPED_FOR = 3_600_000;

export interface TaskRequest {
  readonly cluster: string;
  readonly definition: Definition;
  readonly group: string;
  readonly startedBy?: string | undefined;
  readonly network: NetworkConfiguration | undefined;
  readonly executeCommand: boolean;
  readonly tags: Tags;
  readonly owner?: TaskOwner;
  /** By container: digests that hold instead of the tags. */
  readonly digests?: ReadonlyMap<string, string>;
  readonly overrides?: ApiTask['overrides'];
}

export class EcsAccount {
  readonly site: Site;
  readonly random: Random;
  readonly events: EcsEvents;
  readonly lives: TaskLives;
  readonly definitions: TaskDefinitions;
  /** By name. */
  readonly clusters = new Map<string, Cluster>();
  /** By ARN; an INACTIVE one stays until another takes its name. */
  readonly services = new Map<string, Service>();
  /** By ARN, oldest first. */
  readonly tasks = new Map<string, Task>();
  /** RunTask calls by client token. */
  readonly runs = new Map<string, { readonly request: string; readonly tasks: readonly Task[] }>();
  private addresses = 0;

  constructor(site: Site) {
    this.site = site;
    this.random = site.world.random.fork(`ecs/${site.account}/${site.region}`);
    this.events = new EcsEvents(site);
    this.lives = new TaskLives(site, this.events, this.random);
    this.definitions = new TaskDefinitions(site);
  }

  /** @throws ServiceError ClusterNotFoundException */
  cluster(text: string | undefined): Cluster {
    const cluster = this.clusters.get(clusterName(text));
    if (cluster?.status !== 'ACTIVE') throw new ServiceError('ClusterNotFoundException', 'Cluster not found.');
    return cluster;
  }

  /** @throws ServiceError ClusterNotFoundException, ServiceNotFoundException */
  serviceNamed(cluster: string | undefined, text: string | undefined): Service {
    const arn = serviceArnOf(this.site, cluster, text ?? '');
    this.cluster(arn.split('/')[1]);
    const service = this.services.get(arn);
    if (service === undefined) throw new ServiceError('ServiceNotFoundException', 'Service not found.');
    return service;
  }

  servicesIn(cluster: string): readonly Service[] {
    return [...this.services.values()].filter((service) => service.cluster === cluster);
  }

  tasksIn(cluster: string): readonly Task[] {
    return [...this.tasks.values()].filter(({ settings }) => settings.cluster === cluster);
  }

  /** The tags of whatever can be tagged; undefined where there is no such thing. */
  tagged(arn: string): Tags | undefined {
    const resource = arn.split(':').slice(5).join(':');
    const [kind = '', name = ''] = resource.split('/');
    switch (kind) {
      case 'cluster':
        return this.clusters.get(name)?.tags;
      case 'task-definition':
        return this.definitions.find(name)?.tags;
      case 'service':
        return this.services.get(arn)?.tags;
      case 'task':
        return this.tasks.get(arn)?.settings.tags;
      default:
        return undefined;
    }
  }

  /** A task that has not started yet: start it with `lives.start`. */
  makeTask(request: TaskRequest): Task {
    this.forgetStopped();
    const { cluster, definition, overrides } = request;
    const id = this.random.hex(32);
    const subnets = request.network?.awsvpcConfiguration?.subnets ?? [];
    const address = ++this.addresses;
    const place = address % Math.max(1, subnets.length);
    const task = new Task(
      {
        arn: taskArn(this.site, cluster, id),
        id,
        cluster,
        clusterArn: clusterArn(this.site, cluster),
        definition,
        group: request.group,
        startedBy: request.startedBy,
        ...(request.owner ? { owner: request.owner } : {}),
        ip: `10.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`,
        attachmentId: this.random.uuid(),
        subnet: subnets[place] ?? '',
        zone: `${this.site.region}${'abc'[place % 3]}`,
        executeCommand: request.executeCommand,
        executionRoleArn: overrides?.executionRoleArn ?? definition.value.executionRoleArn,
        ...(overrides ? { overrides } : {}),
        tags: request.tags,
        createdAt: this.site.world.clock.now(),
      },
      (definition.value.containerDefinitions ?? []).map((container) => {
        const digest = container.versionConsistency === 'disabled' ? undefined : request.digests?.get(container.name!);
        const [image = ''] = container.image!.split('@');
        return {
          arn: this.site.arn('ecs', `container/${cluster}/${id}/${this.random.uuid()}`),
          definition: container,
          image: digest === undefined ? container.image! : `${image}@${digest}`,
          lastStatus: 'PENDING' as const,
        };
      }),
    );
    this.tasks.set(task.settings.arn, task);
    return task;
  }

  /** Tasks that stopped more than an hour ago are gone. */
  forgetStopped(): void {
    const since = this.site.world.clock.now() - STOPPED_FOR;
    for (const [arn, { moments }] of this.tasks) if (moments.stoppedAt !== undefined && moments.stoppedAt < since) this.tasks.delete(arn);
  }

  /** Counts what running tasks have used up to now, so that a bill is complete. */
  settleUsage(): void {
    for (const task of this.tasks.values()) this.lives.meter(task);
  }
}
