/** Amazon ECS in one account and Region: clusters, task definitions, services, deployments and tasks on Fargate. */
import { bound } from '../../core/bound.ts';
import type { Service as AwsService, Operation, ResourceType } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { EcsAccount } from './account.ts';
import { accountOperations } from './account-settings.ts';
import { DeploymentAlarms } from './alarms.ts';
import { clusterOperations, clusterResource } from './clusters.ts';
import { Deployments } from './deployments.ts';
import type { EcsParts } from './parts.ts';
import { protectionOperations } from './protection.ts';
import { Scheduler } from './rolling.ts';
import type { Service } from './service.ts';
import { serviceDeploymentOperations } from './service-deployments.ts';
import { serviceOperations } from './services.ts';
import { TrafficShifting } from './shifting.ts';
import { tagOperations } from './tagging.ts';
import { taskOperations } from './tasks.ts';

declare module '../../core/site.ts' {
  interface Services {
    ecs: Ecs;
  }
}

export class Ecs extends EcsAccount implements AwsService, EcsParts {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;
  readonly deployments: Deployments;
  readonly scheduler: Scheduler;
  readonly shifting: TrafficShifting;
  readonly alarms: DeploymentAlarms;

  constructor(site: Site) {
    super(site);
    this.deployments = new Deployments(this);
    this.scheduler = new Scheduler(this);
    this.shifting = new TrafficShifting(this);
    this.alarms = new DeploymentAlarms(this);
    this.operations = {
      ...clusterOperations(this),
      ...this.definitions.operations,
      ...serviceOperations(this),
      ...serviceDeploymentOperations(this),
      ...taskOperations(this),
      ...protectionOperations(this),
      ...accountOperations(site),
      ...tagOperations(this),
    };
    this.resources = { 'AWS::ECS::Cluster': clusterResource(this) };
  }

  look(service: Service): void {
    service.look ??= this.site.world.clock.after(0, `the scheduler looks at ${service.name}`, bound(this, this.pass, service));
  }

  private pass(service: Service): void {
    service.look = undefined;
    this.scheduler.pass(service);
  }
}
