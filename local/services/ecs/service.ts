/** A service with its service deployments, as values. */
import type { CreateServiceRequest, DeploymentConfiguration, ServiceDeploymentStatus, ServiceEvent } from '@aws-sdk/client-ecs';
import type { Timer } from '../../core/clock.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Deployment, Revision } from './revision.ts';
import type { Tags } from './tags.ts';
import type { Task } from './task.ts';

/** The alarms of one deployment. */
export interface WatchedAlarms {
  readonly names: readonly string[];
  /** Those that count: "if an alarm is in the ALARM state at the start of the deployment, it is not monitored". */
  readonly monitored: readonly string[];
  readonly triggered: string[];
  /** How long they are watched after the last task was replaced, in milliseconds: as long as an alarm needs to notice. */
  readonly bake: number;
  /** Milliseconds since the epoch; undefined before the tasks are all replaced. */
  bakedAt?: number;
}

/** What ListServiceDeployments tells of: one change from request to end, its rollback included. */
export interface ServiceDeployment {
  readonly arn: string;
  readonly createdAt: number;
  readonly sources: readonly Revision[];
  readonly target: Revision;
  readonly deployment: Deployment;
  readonly configuration: DeploymentConfiguration;
  /** Failed tasks that the circuit breaker waits for; undefined without it. */
  threshold: number | undefined;
  status: ServiceDeploymentStatus;
  statusReason?: string;
  updatedAt: number;
  startedAt?: number;
  finishedAt?: number;
  stoppedAt?: number;
  failures: number;
  /** Tasks of the revision that it goes back to. */
  rollbackFailures: number;
  tripped: boolean;
  readonly alarms: WatchedAlarms | undefined;
  /** Of a deployment that shifts traffic. */
  readonly lifecycle?: Lifecycle;
  rollback?: { readonly reason: string; readonly startedAt: number; readonly revision: Revision };
}

export const RUNNING_STATUSES: readonly ServiceDeploymentStatus[] = [
  'PENDING',
  'IN_PROGRESS',
  'STOP_REQUESTED',
  'ROLLBACK_REQUESTED',
  'ROLLBACK_IN_PROGRESS',
];

export interface Service {
  readonly name: string;
  readonly arn: string;
  readonly cluster: string;
  readonly clusterArn: string;
  readonly createdAt: number;
  readonly createdBy: string;
  /** The request that made it, for the client token. */
  readonly request: CreateServiceRequest;
  readonly tags: Tags;
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
  desiredCount: number;
  configuration: DeploymentConfiguration;
  gracePeriod: number;
  executeCommand: boolean;
  propagateTags: 'TASK_DEFINITION' | 'SERVICE' | 'NONE';
  managedTags: boolean;
  /** The PRIMARY one first. */
  deployments: Deployment[];
  /** Oldest first. */
  history: ServiceDeployment[];
  readonly revisions: Map<string, Revision>;
  /** Newest first, at most 100. */
  events: ServiceEvent[];
  lastCompleted: Deployment | undefined;
  /** Tasks that are not STOPPED yet. */
  readonly tasks: Set<Task>;
  steady: boolean;
  impaired: boolean;
  /** The next look at it, if one is due. */
  look: Timer | undefined;
  wake: Timer | undefined;
}

/** The newest service deployment, if it has not ended. */
export const current = (service: Service): ServiceDeployment | undefined => {
  const newest = service.history.at(-1);
  return newest && RUNNING_STATUSES.includes(newest.status) ? newest : undefined;
};
