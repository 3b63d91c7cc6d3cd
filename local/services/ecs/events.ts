/** The events that ECS puts on the default bus. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html */
import type { Site } from '../../core/site.ts';
import type { HookRun } from './lifecycle.ts';
import { typeOf } from './strategy.ts';
import type { Task } from './task.ts';

type EventType = 'INFO' | 'WARN' | 'ERROR';

/** The bus, as ECS uses it. */
interface Bus {
  publish(event: {
    readonly source: string;
    readonly 'detail-type': string;
    readonly detail: object;
    readonly resources: readonly string[];
  }): void;
}

/** AWS writes times in events with seconds or milliseconds; deployments have seconds. */
const seconds = (time: number) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

export class EcsEvents {
  private readonly site: Site;

  constructor(site: Site) {
    this.site = site;
  }

  private publish(type: string, resources: readonly string[], detail: object): void {
    const bus = this.site.find('events') as unknown as Bus;
    bus.publish({ source: 'aws.ecs', 'detail-type': type, resources, detail });
  }

  /** A rollback tells itself from an update by `reason` alone; `deploymentId` is not the service deployment's. */
  deployment(
    serviceArn: string,
    deploymentId: string,
    eventName: 'SERVICE_DEPLOYMENT_IN_PROGRESS' | 'SERVICE_DEPLOYMENT_COMPLETED' | 'SERVICE_DEPLOYMENT_FAILED',
    reason: string,
  ): void {
    this.publish('ECS Deployment State Change', [serviceArn], {
      eventType: eventName === 'SERVICE_DEPLOYMENT_FAILED' ? 'ERROR' : 'INFO',
      eventName,
      deploymentId,
      updatedAt: seconds(this.site.world.clock.now()),
      reason,
    });
  }

  service(serviceArn: string, clusterArn: string, eventType: EventType, eventName: string, more: object = {}): void {
    const createdAt = new Date(this.site.world.clock.now()).toISOString();
    this.publish('ECS Service Action', [serviceArn], { eventType, eventName, clusterArn, createdAt, ...more });
  }

  /** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_hook_state_change_events.html */
  hook(service: { readonly arn: string; readonly clusterArn: string }, serviceDeploymentArn: string, run: HookRun): void {
    this.publish('ECS Hook State Change', [serviceDeploymentArn], {
      eventType: run.status === 'FAILED' || run.status === 'TIMED_OUT' ? 'ERROR' : 'INFO',
      eventName: `HOOK_${run.status}`,
      hookId: run.id,
      hookType: typeOf(run.hook),
      expiresAt: seconds(run.expiresAt),
      lifecycleStage: run.stage,
      clusterArn: service.clusterArn,
      serviceArn: service.arn,
      serviceDeploymentArn,
      updatedAt: new Date(this.site.world.clock.now()).toISOString(),
    });
  }

  /** As DescribeTasks shows the task, with the time of the change. */
  task(task: Task): void {
    const { tags: _, ...shown } = task.describe();
    const updatedAt = new Date(this.site.world.clock.now()).toISOString();
    this.publish('ECS Task State Change', [task.settings.arn], { ...shown, updatedAt });
  }
}
