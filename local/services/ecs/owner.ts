/** The deployment of a service that a task belongs to, as the task sees it. */
import type { LoadBalancer } from '@aws-sdk/client-ecs';
import type { EcsParts } from './parts.ts';
import { mayUse } from './registration.ts';
import type { Deployment } from './revision.ts';
import type { Service } from './service.ts';
import type { Task, TaskOwner } from './task.ts';

/** Who is told of its tasks. */
interface Keeper {
  taskChanged(service: Service, deployment: Deployment, task: Task): void;
}

export class Owner implements TaskOwner {
  readonly loadBalancers: readonly LoadBalancer[];
  private readonly ecs: EcsParts;
  private readonly keeper: Keeper;
  private readonly of: Service;
  private readonly by: Deployment;

  constructor(ecs: EcsParts, keeper: Keeper, service: Service, deployment: Deployment) {
    this.ecs = ecs;
    this.keeper = keeper;
    this.of = service;
    this.by = deployment;
    this.loadBalancers = deployment.loadBalancers;
  }

  get service(): string {
    return this.of.name;
  }

  get deployment(): string {
    return this.by.id;
  }

  changed(task: Task): void {
    this.keeper.taskChanged(this.of, this.by, task);
  }

  may(action: Parameters<TaskOwner['may']>[0], targetGroupArn: string): boolean {
    return mayUse(this.ecs, this.of, this.by, action, targetGroupArn);
  }

  resolved(container: string, digest: string | undefined): void {
    const { digests } = this.by.revision;
    if (digest !== undefined && !digests.has(container)) digests.set(container, digest);
  }
}
