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
  DescribeTasksCommand,
  ECSClient,
  ListServiceDeploymentsCommand,
  ListTasksCommand,
  ServiceNotActiveException,
  ServiceNotFoundException,
  StopServiceDeploymentCommand,
  type Task,
  UpdateServiceCommand,
  type UpdateServiceCommandInput,
} from '@aws-sdk/client-ecs';
import { ServiceDraining } from '../domain/workflow/errors.ts';
import { type Connection, clientSettings } from './clients.ts';

/** The status of the deployment that was asked for. */
export interface Look {
  /** `none`: ECS knows of no deployment since. `failed` covers rolled back and stopped ones, which ECS calls completed. */
  readonly state: 'none' | 'running' | 'succeeded' | 'failed';
  readonly reason: string;
  readonly deployment?: string;
  /** ECS could not go back to what ran before. */
  readonly stuck?: true;
  /** ECS has no such service, or no such cluster. */
  readonly gone?: true;
}

/** How a task of a service ended. */
export interface StoppedTask {
  readonly taskId: string;
  readonly stopCode: string;
  readonly stoppedReason: string;
  readonly containers: readonly { readonly name: string; readonly exitCode?: number; readonly reason?: string }[];
}

const STATES: Readonly<Record<string, Look['state']>> = {
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

/** Whether ECS refused to create a service because there is one of that name. */
export const isThere = (error: unknown): boolean => /not idempotent|already exists/i.test((error as Error).message);

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
   * The newest deployment of a service that was created after `since` (milliseconds since the epoch).
   * Its status is the truth: `deployments[].rolloutState` and the waiter of the SDK call a rolled-back deployment stable.
   * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html
   */
  async look(cluster: string, service: string, since: number): Promise<Look> {
    try {
      const { serviceDeployments = [] } = await this.client.send(
        new ListServiceDeploymentsCommand({ cluster, service, createdAt: { after: new Date(since) }, maxResults: 10 }),
      );
      const newest = serviceDeployments.toSorted((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0))[0];
      if (newest === undefined) return { state: 'none', reason: 'ECS knows of no deployment' };
      return {
        state: STATES[newest.status ?? ''] ?? 'running',
        reason: newest.statusReason ?? `its deployment is ${newest.status}`,
        ...(newest.status === 'ROLLBACK_FAILED' ? { stuck: true } : {}),
        ...(newest.serviceDeploymentArn ? { deployment: newest.serviceDeploymentArn } : {}),
      };
    } catch (error) {
      if (error instanceof ServiceNotFoundException || error instanceof ClusterNotFoundException)
        return { state: 'failed', reason: 'the service is not there any more: somebody deleted it', gone: true };
      throw error;
    }
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
