/** How the parts of ECS that carry out deployments see each other: each asks the others through these, and `index.ts` puts them together. */
import type { DeploymentConfiguration } from '@aws-sdk/client-ecs';
import type { EcsAccount } from './account.ts';
import type { Hooks } from './hooks.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Deployment, Revision } from './revision.ts';
import type { Service, ServiceDeployment, WatchedAlarms } from './service.ts';
import type { Traffic } from './traffic.ts';

export interface EcsParts extends EcsAccount {
  readonly deployments: DeploymentCourse;
  readonly scheduler: TaskKeeper;
  readonly shifting: Shifting;
  readonly alarms: AlarmWatch;
  /** Lets the scheduler look at a service, once all that happens now has happened. */
  look(service: Service): void;
}

/** How a service deployment goes from its beginning to one of its ends. */
export interface DeploymentCourse {
  /** A message in the service's own list of events. */
  say(service: Service, message: string): void;
  /** Begins a deployment of `revision`; one that is running is stopped first. */
  begin(service: Service, revision: Revision): ServiceDeployment;
  /** The service is being deleted. */
  abandon(service: Service): void;
  /** StopServiceDeployment: back to the revision that held last. */
  requestRollback(service: Service, one: ServiceDeployment): void;
  /** Counts a task that failed: until a deployment holds, `failedTasks`; with a circuit breaker, towards its threshold. */
  taskFailed(service: Service, deployment: Deployment): void;
  /** "A task that reaches a healthy state resets the failure count to 0." */
  taskHealthy(service: Service, deployment: Deployment): void;
  /** An alarm went off. */
  alarmed(service: Service, one: ServiceDeployment): void;
  /** A stage of a deployment that shifts traffic failed. */
  broken(service: Service, one: ServiceDeployment, reason: string): void;
  /**
   * The primary deployment has every task healthy, and what it replaced is gone.
   * @returns until when alarms are still watched; the deployment is not complete before
   */
  complete(service: Service): number | undefined;
  /** All is done: only the primary deployment is left. */
  conclude(service: Service, one: ServiceDeployment): void;
}

/** Who keeps the tasks of services. */
export interface TaskKeeper {
  /** Hears of the health of a service's targets. */
  watch(targetGroupArn: string): void;
  /** One pass; whatever it changes asks for another. */
  pass(service: Service): void;
  /** How many tasks of a deployment are wanted and how many of those are healthy. */
  countOf(service: Service, deployment: Deployment): { readonly wanted: number; readonly healthy: number };
  /** Keeps `count` tasks of a deployment, whatever the others do. */
  keep(service: Service, deployment: Deployment, count: number): void;
}

/** Who leads deployments that shift traffic through their stages. */
export interface Shifting {
  readonly hooks: Hooks;
  readonly traffic: Traffic;
  /** The lifecycle of a deployment that begins; `before` are those that are there. */
  plan(service: Service, green: Deployment, before: readonly Deployment[]): Lifecycle;
  /** Sends a deployment on its way. */
  start(service: Service, one: ServiceDeployment, life: Lifecycle): Promise<void>;
  /** The deployment goes nowhere from here: it is superseded, stopped, or about to go back. */
  halt(life: Lifecycle): void;
  /** Sends it back to what ran before. */
  goBack(service: Service, one: ServiceDeployment, life: Lifecycle): void;
  /** One pass of the scheduler: keeps the tasks of either side. */
  pass(service: Service, one: ServiceDeployment, life: Lifecycle): void;
}

export interface AlarmWatch {
  /** What a deployment that begins now watches; undefined where it watches none. */
  watch(configuration: DeploymentConfiguration): WatchedAlarms | undefined;
}
