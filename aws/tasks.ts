/** Single tasks of ECS in one environment: running one, finding it again, stopping it. Apart from services, so that few functions carry it. */
import {
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RunTaskCommand,
  type RunTaskCommandInput,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import { type Connection, clientSettings } from './clients.ts';
import { type StoppedTask, stoppedTask } from './ecs.ts';

/** What ECS says when asking again would not help, without its `Exception`: named in full, each would be kept in every bundle. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html */
const HOPELESS = [
  'AccessDenied',
  'Blocked',
  'Client',
  'ClusterNotFound',
  'Conflict',
  'InvalidParameter',
  'PlatformTaskDefinitionIncompatibility',
  'UnsupportedFeature',
];

export class Tasks {
  private readonly client: ECSClient;

  constructor(connection: Connection = {}) {
    this.client = new ECSClient(clientSettings(connection));
  }

  /** Runs one task. @returns its ARN, or why ECS will not run it, however often it is asked */
  async run(request: RunTaskCommandInput): Promise<{ readonly taskArn: string } | { readonly refused: string }> {
    try {
      const { tasks = [], failures = [] } = await this.client.send(new RunTaskCommand(request));
      const taskArn = tasks[0]?.taskArn;
      if (taskArn) return { taskArn };
      throw new Error(`ECS ran no task: ${failures.map(({ reason, detail }) => detail ?? reason).join('; ')}`);
    } catch (error) {
      const { name, message } = error as Error;
      if (HOPELESS.includes(name.replace(/Exception$/, ''))) return { refused: message };
      throw error;
    }
  }

  /** The task that somebody started under this name, running or stopped within the hour. */
  async taskStartedBy(cluster: string, startedBy: string): Promise<string | undefined> {
    for (const desiredStatus of ['RUNNING', 'STOPPED'] as const) {
      const { taskArns = [] } = await this.client.send(new ListTasksCommand({ cluster, startedBy, desiredStatus }));
      if (taskArns[0]) return taskArns[0];
    }
    return undefined;
  }

  /** One task as it stands; undefined if ECS has forgotten it, an hour after its end. */
  async task(cluster: string, taskArn: string): Promise<(StoppedTask & { readonly lastStatus: string }) | undefined> {
    const { tasks = [] } = await this.client.send(new DescribeTasksCommand({ cluster, tasks: [taskArn] }));
    return tasks[0] && { ...stoppedTask(tasks[0]), lastStatus: tasks[0].lastStatus ?? '' };
  }

  /** Tells a task to end: its containers have 30 seconds. */
  async stopTask(cluster: string, task: string, reason: string): Promise<void> {
    await this.client.send(new StopTaskCommand({ cluster, task, reason }));
  }
}
