/** Task definitions as they exist in ECS, found by service, family or cluster. */
import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  paginateListClusters,
  paginateListServices,
  type Tag,
  type TaskDefinition,
} from '@aws-sdk/client-ecs';
import { type Connection, clientSettings } from './clients.ts';

export interface Found {
  readonly definition: TaskDefinition;
  readonly tags: readonly Tag[];
}

export class Definitions {
  private readonly client: ECSClient;

  constructor(connection: Connection = {}) {
    this.client = new ECSClient(clientSettings(connection));
  }

  /** Of a family (`:revision` may follow), the newest active revision; undefined if there is none. */
  async find(taskDefinition: string): Promise<Found | undefined> {
    try {
      const { taskDefinition: definition, tags = [] } = await this.client.send(
        new DescribeTaskDefinitionCommand({ taskDefinition, include: ['TAGS'] }),
      );
      return definition === undefined ? undefined : { definition, tags };
    } catch (error) {
      // ECS says only this where there is no such family.
      if (/unable to describe|not found|does not exist/i.test((error as Error).message)) return undefined;
      throw error;
    }
  }

  /** The revisions that the services of a cluster run, by service. */
  async ofCluster(cluster: string): Promise<Map<string, string>> {
    const arns: string[] = [];
    for await (const { serviceArns = [] } of paginateListServices({ client: this.client }, { cluster, maxResults: 100 }))
      arns.push(...serviceArns);
    const found = new Map<string, string>();
    for (let start = 0; start < arns.length; start += 10) {
      const { services = [] } = await this.client.send(new DescribeServicesCommand({ cluster, services: arns.slice(start, start + 10) }));
      for (const { serviceName, taskDefinition } of services) if (serviceName && taskDefinition) found.set(serviceName, taskDefinition);
    }
    return found;
  }

  /** The names of all clusters. */
  async clusters(): Promise<string[]> {
    const names: string[] = [];
    for await (const { clusterArns = [] } of paginateListClusters({ client: this.client }, { maxResults: 100 }))
      names.push(...clusterArns.map((arn) => arn.split('/').at(-1) ?? ''));
    return names;
  }
}
