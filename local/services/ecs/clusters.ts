/** Clusters: making, describing, deleting, and the CloudFormation type. */
import type {
  Cluster as ApiCluster,
  CreateClusterRequest,
  DeleteClusterRequest,
  DescribeClustersRequest,
  ListClustersRequest,
} from '@aws-sdk/client-ecs';
import { type Operation, type ResourceType, ServiceError } from '../../core/service.ts';
import type { EcsAccount } from './account.ts';
import type { Cluster } from './cluster.ts';
import { clusterArn, clusterName, invalid, NAME, notImplemented } from './names.ts';
import { page } from './paging.ts';
import { requestTags, resourceTags, tagList, tagOnCreate, tagsOf } from './tags.ts';

const SETTINGS: readonly (keyof CreateClusterRequest)[] = [
  'configuration',
  'capacityProviders',
  'defaultCapacityProviderStrategy',
  'serviceConnectDefaults',
];

function describe(ecs: EcsAccount, cluster: Cluster, include: readonly string[] = ['TAGS', 'SETTINGS']): ApiCluster {
  const tasks = ecs.tasksIn(cluster.name);
  return {
    clusterArn: cluster.arn,
    clusterName: cluster.name,
    status: cluster.status,
    registeredContainerInstancesCount: 0,
    runningTasksCount: tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING').length,
    pendingTasksCount: tasks.filter(({ lastStatus }) => ['PROVISIONING', 'PENDING', 'ACTIVATING'].includes(lastStatus)).length,
    activeServicesCount: ecs.servicesIn(cluster.name).filter(({ status }) => status === 'ACTIVE').length,
    statistics: [],
    tags: include.includes('TAGS') ? tagList(cluster.tags) : [],
    settings: include.includes('SETTINGS') ? (cluster.settings as NonNullable<ApiCluster['settings']>) : [],
    capacityProviders: [],
    defaultCapacityProviderStrategy: [],
  };
}

/** Creating a cluster that is there gives the one that is there. */
function create(ecs: EcsAccount, input: CreateClusterRequest): Cluster {
  for (const member of SETTINGS) if (input[member] !== undefined) throw notImplemented(`ecs.CreateCluster with ${member}`);
  const name = clusterName(input.clusterName);
  if (!NAME.test(name)) throw invalid('Invalid cluster name: at most 255 letters, numbers, hyphens and underscores.');
  const before = ecs.clusters.get(name);
  if (before?.status === 'ACTIVE') return before;
  if (input.settings?.some((one) => one.name === undefined || !one.value)) throw invalid('Cluster settings need a name and a value.');
  const cluster: Cluster = {
    name,
    arn: clusterArn(ecs.site, name),
    settings: (input.settings ?? [{ name: 'containerInsights', value: 'disabled' }]).map((one) => ({
      name: one.name ?? '',
      value: one.value ?? '',
    })),
    status: 'ACTIVE',
    tags: tagsOf(input.tags),
  };
  ecs.clusters.set(name, cluster);
  return cluster;
}

/** @throws ServiceError ClusterContainsServicesException, ClusterContainsTasksException, ClusterNotFoundException */
function remove(ecs: EcsAccount, text: string | undefined): Cluster {
  const cluster = ecs.cluster(text);
  if (ecs.servicesIn(cluster.name).some(({ status }) => status !== 'INACTIVE'))
    throw new ServiceError('ClusterContainsServicesException', 'The Cluster cannot be deleted while Services are active.');
  if (ecs.tasksIn(cluster.name).some(({ lastStatus }) => lastStatus !== 'STOPPED'))
    throw new ServiceError('ClusterContainsTasksException', 'The Cluster cannot be deleted while Tasks are active.');
  cluster.status = 'INACTIVE';
  return cluster;
}

export function clusterOperations(ecs: EcsAccount): Readonly<Record<string, Operation>> {
  const arn = (text: string | undefined) => clusterArn(ecs.site, clusterName(text));
  const tags = (text: string | undefined) => resourceTags(ecs.clusters.get(clusterName(text))?.tags);
  return {
    CreateCluster: {
      authorize: (input: CreateClusterRequest) => [
        { action: 'ecs:CreateCluster', resource: arn(input.clusterName), context: requestTags(input.tags) },
        ...tagOnCreate(arn(input.clusterName), 'CreateCluster', input.tags),
      ],
      handle: (input: CreateClusterRequest) => ({ cluster: describe(ecs, create(ecs, input)) }),
    },
    DescribeClusters: {
      authorize: (input: DescribeClustersRequest) =>
        (input.clusters?.length ? input.clusters : ['default']).map((one) => ({
          action: 'ecs:DescribeClusters',
          resource: arn(one),
          context: tags(one),
        })),
      handle: (input: DescribeClustersRequest) => {
        const asked = input.clusters?.length ? input.clusters : ['default'];
        if (asked.length > 100) throw invalid('Clusters cannot have more than 100 elements.');
        const found = asked.map((one) => ecs.clusters.get(clusterName(one)));
        return {
          clusters: found.filter((one) => one !== undefined).map((one) => describe(ecs, one, input.include ?? [])),
          failures: asked.filter((_, index) => found[index] === undefined).map((one) => ({ arn: arn(one), reason: 'MISSING' })),
        };
      },
    },
    DeleteCluster: {
      authorize: (input: DeleteClusterRequest) => [
        { action: 'ecs:DeleteCluster', resource: arn(input.cluster), context: tags(input.cluster) },
      ],
      handle: (input: DeleteClusterRequest) => ({ cluster: describe(ecs, remove(ecs, input.cluster)) }),
    },
    ListClusters: {
      authorize: () => [{ action: 'ecs:ListClusters', resource: '*' }],
      handle: (input: ListClustersRequest) => {
        const active = [...ecs.clusters.values()].filter(({ status }) => status === 'ACTIVE').map((one) => one.arn);
        const { items, ...next } = page(active, input);
        return { clusterArns: items, ...next };
      },
    },
  };
}

interface Properties {
  readonly ClusterName?: string;
  readonly ClusterSettings?: readonly { readonly Name: string; readonly Value: string }[];
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-cluster.html */
export function clusterResource(ecs: EcsAccount): ResourceType<Properties> {
  const settle = (cluster: Cluster, { ClusterSettings, Tags = [] }: Properties) => {
    if (ClusterSettings) cluster.settings = ClusterSettings.map(({ Name, Value }) => ({ name: Name, value: Value }));
    cluster.tags.clear();
    for (const { Key, Value } of Tags) cluster.tags.set(Key, Value);
    return { ref: cluster.name, attributes: { Arn: cluster.arn } };
  };
  return {
    properties: ['ClusterName', 'ClusterSettings', 'Tags'],
    create: (properties, context) => settle(create(ecs, { clusterName: properties.ClusterName ?? context.generatedName }), properties),
    update: (properties, before, context) => {
      if (properties.ClusterName === undefined || properties.ClusterName === before.ref) return settle(ecs.cluster(before.ref), properties);
      const created = settle(create(ecs, { clusterName: properties.ClusterName ?? context.generatedName }), properties);
      remove(ecs, before.ref);
      return created;
    },
    delete: (before) => {
      if (ecs.clusters.get(before.ref)?.status === 'ACTIVE') remove(ecs, before.ref);
    },
  };
}
