/** ECS in one environment: creates and updates services, asks for the status of a deployment, and explains failures. */
import {
  ClusterContainsServicesException,
  ClusterContainsTasksException,
  ClusterNotFoundException,
  CreateClusterCommand,
  CreateServiceCommand,
  type CreateServiceCommandInput,
  DeleteClusterCommand,
  DeleteServiceCommand,
  DescribeServiceRevisionsCommand,
  DescribeTasksCommand,
  ECSClient,
  ListServiceDeploymentsCommand,
  ListTasksCommand,
  type ServiceDeploymentBrief,
  ServiceNotActiveException,
  ServiceNotFoundException,
  StopServiceDeploymentCommand,
  type Task,
  UpdateServiceCommand,
  type UpdateServiceCommandInput,
} from '@aws-sdk/client-ecs';
import { ServiceDraining } from '../domain/workflow/errors.ts';
import { type Connection, clientSettings } from './clients.ts';

/** The deployment that is looked for. */
export interface Wanted {
  readonly service: string;
  /** The exact revision that it deploys: what makes it ours. */
  readonly taskDefinition: string;
  /** It was created after this. Milliseconds since the epoch. */
  readonly since: number;
  /** ECS has answered our request: if it knows of one deployment since, that is ours, and its revision need not be asked for. */
  readonly asked?: boolean;
}

/** The status of the deployment that was asked for. */
export interface DeploymentStatus {
  /** `none`: ECS knows of no such deployment. `failed` covers rolled back and stopped ones, which ECS calls completed. */
  readonly state: 'none' | 'running' | 'succeeded' | 'failed';
  readonly reason: string;
  readonly deployment?: string;
  /** ECS could not go back to what ran before. */
  readonly stuck?: true;
  /** ECS has no such service, or no such cluster. */
  readonly gone?: true;
  /** The revision of a newer deployment, which is somebody else's and took the place of ours. It is never stopped nor continued. */
  readonly overtakenBy?: string;
}

/** How a task of a service ended. */
export interface StoppedTask {
  readonly taskId: string;
  readonly stopCode: string;
  readonly stoppedReason: string;
  readonly containers: readonly { readonly name: string; readonly exitCode?: number; readonly reason?: string }[];
}

const STATES: Readonly<Record<string, DeploymentStatus['state']>> = {
  PENDING: 'running',
  IN_PROGRESS: 'running',
  STOP_REQUESTED: 'running',
  ROLLBACK_REQUESTED: 'running',
  ROLLBACK_IN_PROGRESS: 'running',
  SUCCESSFUL: 'succeeded',
  STOPPED: 'failed',
  ROLLBACK_SUCCESSFUL: 'failed',
  ROLLBACK_FAILED: 'failed',
};

/** So many DescribeServiceRevisions takes at once. */
const REVISIONS = 20;

/** `acme-live-web:12` of its ARN. */
const nameOf = (taskDefinition: string) => taskDefinition.split('/').at(-1) || 'an unknown revision';

const seen = ({ status, statusReason, serviceDeploymentArn }: ServiceDeploymentBrief): DeploymentStatus => ({
  state: STATES[status ?? ''] ?? 'running',
  reason: statusReason ?? `its deployment is ${status}`,
  ...(status === 'ROLLBACK_FAILED' ? { stuck: true } : {}),
  ...(serviceDeploymentArn ? { deployment: serviceDeploymentArn } : {}),
});

/** Whether ECS refused to create a service because there is one of that name. */
export const isThere = (error: unknown): boolean => /not idempotent|already exists/i.test((error as Error).message);

/**
 * Whether AWS says no to what was asked, and would say so again: what is configured does not fit. Throttles and faults are none.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html
 */
export const isRefusal = ({ name }: Error): boolean => REFUSAL.test(name);

// No whole names: each that stands in our code brings its class into every bundle.
const REFUSAL =
  /^(?:Client|InvalidParameter|UnsupportedFeature|PlatformUnknown|PlatformTaskDefinitionIncompatibility|AccessDenied)Exception$/;

export class Ecs {
  readonly client: ECSClient;

  constructor(connection: Connection = {}) {
    this.client = new ECSClient(clientSettings(connection));
  }

  /** @throws ServiceDraining while ECS still takes down a service of the same name */
  async create(request: CreateServiceCommandInput): Promise<void> {
    try {
      await this.client.send(new CreateServiceCommand(request));
    } catch (error) {
      if (/still draining/i.test((error as Error).message)) throw new ServiceDraining(request.serviceName ?? '');
      throw error;
    }
  }

  /** @returns false if there is no such service that could be updated */
  async update(request: UpdateServiceCommandInput): Promise<boolean> {
    try {
      await this.client.send(new UpdateServiceCommand(request));
      return true;
    } catch (error) {
      if (
        error instanceof ServiceNotFoundException ||
        error instanceof ServiceNotActiveException ||
        error instanceof ClusterNotFoundException
      )
        return false;
      throw error;
    }
  }

  /**
   * The deployment that brings a revision into a service, created since a moment. It is ours by what it deploys, not by being the newest.
   * Its status is the truth: `deployments[].rolloutState` and the waiter of the SDK call a rolled-back deployment stable.
   * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html
   */
  async deploymentStatus(cluster: string, wanted: Wanted): Promise<DeploymentStatus> {
    const { service, since, asked } = wanted;
    try {
      const { serviceDeployments = [] } = await this.client.send(
        new ListServiceDeploymentsCommand({ cluster, service, createdAt: { after: new Date(since) }, maxResults: 100 }),
      );
      const [newest, ...older] = serviceDeployments.toSorted((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0));
      if (newest === undefined) return { state: 'none', reason: 'ECS knows of no deployment' };
      return asked && older.length === 0 ? seen(newest) : await this.ours([newest, ...older], wanted);
    } catch (error) {
      if (error instanceof ServiceNotFoundException || error instanceof ClusterNotFoundException)
        return { state: 'failed', reason: 'the service is not there any more: somebody deleted it', gone: true };
      throw error;
    }
  }

  /** Among several, or before ECS has answered us: by the revisions that they deploy. @param deployments newest first */
  private async ours(deployments: readonly ServiceDeploymentBrief[], { taskDefinition }: Wanted): Promise<DeploymentStatus> {
    const revisions = await this.revisions(deployments.flatMap(({ targetServiceRevisionArn }) => targetServiceRevisionArn ?? []));
    const deployed = ({ targetServiceRevisionArn = '' }: ServiceDeploymentBrief) => revisions.get(targetServiceRevisionArn) ?? '';
    const index = deployments.findIndex((one) => deployed(one) === taskDefinition);
    const [newest] = deployments;
    if (index < 0) return { state: 'none', reason: 'ECS knows of no deployment of this revision' };
    const own = seen(deployments[index]!);
    if (index === 0 || newest === undefined) return own;
    const overtakenBy = deployed(newest);
    return { ...own, state: 'failed', reason: `another deployment, of ${nameOf(overtakenBy)}, took its place`, overtakenBy };
  }

  /** The task definitions of service revisions. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceRevisions.html */
  private async revisions(arns: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const all = [...new Set(arns)];
    for (let from = 0; from < all.length; from += REVISIONS) {
      const command = new DescribeServiceRevisionsCommand({ serviceRevisionArns: all.slice(from, from + REVISIONS) });
      const { serviceRevisions = [] } = await this.client.send(command);
      for (const { serviceRevisionArn = '', taskDefinition = '' } of serviceRevisions) found.set(serviceRevisionArn, taskDefinition);
    }
    return found;
  }

  /** Stops a deployment and lets ECS go back to what ran before. @returns false if it had ended */
  async stop(serviceDeploymentArn: string): Promise<boolean> {
    try {
      await this.client.send(new StopServiceDeploymentCommand({ serviceDeploymentArn, stopType: 'ROLLBACK' }));
      return true;
    } catch (error) {
      if ((error as Error).name !== 'ConflictException' && (error as Error).name !== 'ServiceDeploymentNotFoundException') throw error;
      return false;
    }
  }

  /** Deletes a service with its tasks. Harmless if it is gone. */
  async delete(cluster: string, service: string): Promise<void> {
    try {
      await this.client.send(new DeleteServiceCommand({ cluster, service, force: true }));
    } catch (error) {
      if (
        error instanceof ServiceNotFoundException ||
        error instanceof ServiceNotActiveException ||
        error instanceof ClusterNotFoundException
      )
        return;
      throw error;
    }
  }

  /** Creates a cluster, or finds it. */
  async createCluster(clusterName: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await this.client.send(new CreateClusterCommand({ clusterName, tags: Object.entries(tags).map(([key, value]) => ({ key, value })) }));
  }

  /** @returns false while services or tasks are still draining */
  async deleteCluster(cluster: string): Promise<boolean> {
    try {
      await this.client.send(new DeleteClusterCommand({ cluster }));
      return true;
    } catch (error) {
      if (error instanceof ClusterNotFoundException) return true;
      if (error instanceof ClusterContainsServicesException || error instanceof ClusterContainsTasksException) return false;
      throw error;
    }
  }

  private async stoppedTasks(cluster: string, serviceName: string): Promise<string[]> {
    try {
      const command = new ListTasksCommand({ cluster, serviceName, desiredStatus: 'STOPPED', maxResults: 100 });
      return (await this.client.send(command)).taskArns ?? [];
    } catch (error) {
      // Somebody deleted the service: that is the reason already, and nobody is left to ask for more.
      if (error instanceof ServiceNotFoundException || error instanceof ClusterNotFoundException) return [];
      throw error;
    }
  }

  /**
   * Of the tasks of a service that began after `since` (milliseconds since the epoch), the one that stopped last by its own fault;
   * undefined if there is none, or the service is gone.
   */
  async lastStopped(cluster: string, serviceName: string, since: number): Promise<StoppedTask | undefined> {
    const taskArns = await this.stoppedTasks(cluster, serviceName);
    if (taskArns.length === 0) return undefined;
    const { tasks = [] } = await this.client.send(new DescribeTasksCommand({ cluster, tasks: taskArns }));
    const begun = tasks
      .filter(({ createdAt }) => createdAt !== undefined && createdAt.getTime() > since)
      .toSorted((a, b) => (b.stoppingAt?.getTime() ?? 0) - (a.stoppingAt?.getTime() ?? 0));
    const task = begun.find(isItsOwnFault) ?? begun[0];
    if (task === undefined) return undefined;
    return stoppedTask(task);
  }
}

/** Nobody asked it to stop: it ended by itself, or ECS stopped it for its health. */
const isItsOwnFault = ({ stopCode, stoppedReason }: Task): boolean =>
  stopCode === 'ServiceSchedulerInitiated' ? /health checks/.test(stoppedReason ?? '') : stopCode !== 'UserInitiated';

/** How a task ended, as DescribeTasks says. */
export const stoppedTask = ({ taskArn, stopCode, stoppedReason, containers = [] }: Task): StoppedTask => ({
  taskId: taskArn?.split('/').at(-1) ?? '',
  stopCode: stopCode ?? '',
  stoppedReason: stoppedReason ?? '',
  containers: containers.map(({ name, exitCode, reason }) => ({
    name: name ?? '',
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason ? { reason } : {}),
  })),
});
