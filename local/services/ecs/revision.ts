/** What a deployment of a service brings about, and how far it has come, as values. */
import type { LoadBalancer, NetworkConfiguration } from '@aws-sdk/client-ecs';
import type { Definition } from './task-definitions.ts';

/** What a deployment brings about: written once, never changed. */
export interface Revision {
  readonly arn: string;
  readonly definition: Definition;
  readonly loadBalancers: readonly LoadBalancer[];
  readonly networkConfiguration: NetworkConfiguration | undefined;
  readonly platformVersion: string;
  readonly createdAt: number;
  /** By container: what the first task of the revision found under its image's tag. */
  readonly digests: Map<string, string>;
}

/** An entry of `deployments[]`. */
export interface Deployment {
  /** `ecs-svc/<number>` */
  readonly id: string;
  readonly revision: Revision;
  /** Those of the revision, with the target groups that its tasks are in. */
  loadBalancers: readonly LoadBalancer[];
  readonly createdAt: number;
  status: 'PRIMARY' | 'ACTIVE' | 'INACTIVE';
  updatedAt: number;
  rolloutState: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  rolloutStateReason: string;
  failedTasks: number;
  /** Tasks that ended by themselves, one after another, without one that lived for long. */
  restarts: number;
  /** Tasks that ended by themselves since somebody last changed something. */
  ends: number;
  /** Not before this time is a further task started. */
  nextStartAt: number;
}
