/** The operations on services: creating, updating, deleting, describing, listing. */
import type {
  CreateServiceRequest,
  DeleteServiceRequest,
  DescribeServicesRequest,
  ListServicesRequest,
  LoadBalancer,
  UpdateServiceRequest,
} from '@aws-sdk/client-ecs';
import { type Call, type Operation, type Permission, ServiceError } from '../../core/service.ts';
import { describeService } from './description.ts';
import { assertLoadBalancers } from './load-balancers.ts';
import { clusterArn, clusterName, invalid, lastPart, NAME, notImplemented, serviceArn, serviceArnOf } from './names.ts';
import { page } from './paging.ts';
import type { EcsParts } from './parts.ts';
import type { Revision } from './revision.ts';
import { current, type Service } from './service.ts';
import { configurationOf, rolesPassed, thresholdOf } from './strategy.ts';
import { requestTags, resourceTags, tagOnCreate, tagsOf } from './tags.ts';
import { assertLaunchable } from './task-definitions.ts';

type Change = CreateServiceRequest | UpdateServiceRequest;

const UNSUPPORTED = [
  'serviceRegistries',
  'volumeConfigurations',
  'vpcLatticeConfigurations',
  'gatewayConnectors',
  'monitoring',
  'placementConstraints',
  'placementStrategy',
  'capacityProviderStrategy',
] as const satisfies readonly (keyof CreateServiceRequest & keyof UpdateServiceRequest)[];

function refuseUnsupported(operation: string, input: Change): void {
  for (const member of UNSUPPORTED) {
    const value = input[member];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) throw notImplemented(`ecs.${operation} with ${member}`);
  }
  // Nothing here lets anybody into a container.
  if (input.enableExecuteCommand) throw notImplemented(`ecs.${operation} with enableExecuteCommand`);
  if (input.serviceConnectConfiguration?.enabled) throw notImplemented(`ecs.${operation} with Service Connect`);
  if ((input.deploymentController?.type ?? 'ECS') !== 'ECS')
    throw notImplemented(`ecs.${operation} with ${input.deploymentController?.type}`);
}

function assertGracePeriod(seconds: number | undefined, loadBalancers: readonly LoadBalancer[]): void {
  if (seconds === undefined) return;
  if (loadBalancers.length === 0) throw invalid('Health check grace period is only valid for services configured to use load balancers');
  if (seconds < 0 || seconds > 2_147_483_647) throw invalid('Health check grace period must be between 0 and 2147483647.');
}

function assertCount(desiredCount: number | undefined): void {
  if (desiredCount !== undefined && desiredCount < 0) throw invalid('desiredCount cannot be a negative number.');
}

function makeRevision(ecs: EcsParts, cluster: string, service: string, parts: Omit<Revision, 'arn' | 'createdAt' | 'digests'>): Revision {
  return {
    ...parts,
    arn: ecs.site.arn(
      'ecs',
      `service-revision/${cluster}/${service}/${1_000_000_000 + ecs.random.integer(9_000_000_000)}${ecs.random.integer(1e9).toString().padStart(9, '0')}`,
    ),
    createdAt: ecs.site.world.clock.now(),
    digests: new Map(),
  };
}

function create(ecs: EcsParts, input: CreateServiceRequest, { principal }: Call): Service {
  const { site } = ecs;
  refuseUnsupported('CreateService', input);
  const { name: cluster } = ecs.cluster(input.cluster);
  const name = input.serviceName ?? '';
  if (!NAME.test(name)) throw invalid('Service name must contain only letters, numbers, hyphens and underscores, at most 255 of them.');
  if (input.role) throw notImplemented('ecs.CreateService with role');
  if ((input.schedulingStrategy ?? 'REPLICA') !== 'REPLICA') throw notImplemented('ecs.CreateService with the scheduling strategy DAEMON');
  if (input.launchType !== 'FARGATE') throw notImplemented(`ecs.CreateService with the launch type ${input.launchType ?? 'EC2'}`);
  if ((input.clientToken?.length ?? 0) > 36) throw invalid('clientToken must be at most 36 characters long.');
  const arn = serviceArn(site, cluster, name);
  const before = ecs.services.get(arn);
  if (before?.status === 'ACTIVE') {
    const { clientToken } = input;
    if (clientToken !== undefined && clientToken === before.request.clientToken && JSON.stringify(input) === JSON.stringify(before.request))
      return before;
    throw invalid('Creation of service was not idempotent.');
  }
  if (before?.status === 'DRAINING') throw invalid('Unable to Start a service that is still Draining.');
  assertCount(input.desiredCount);
  const definition = ecs.definitions.active(input.taskDefinition);
  if (!definition.value.requiresCompatibilities?.includes('FARGATE'))
    throw invalid('Task definition does not support launch_type FARGATE.');
  if (!input.networkConfiguration?.awsvpcConfiguration?.subnets?.length)
    throw invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  assertLaunchable(definition.value);
  const loadBalancers = structuredClone(input.loadBalancers ?? []);
  const configuration = configurationOf(input.deploymentConfiguration);
  assertLoadBalancers(ecs, loadBalancers, definition, configuration);
  assertGracePeriod(input.healthCheckGracePeriodSeconds, loadBalancers);
  const service: Service = {
    name,
    arn,
    cluster,
    clusterArn: clusterArn(site, cluster),
    createdAt: site.world.clock.now(),
    createdBy: principal.roleArn ?? principal.arn,
    request: structuredClone(input),
    tags: tagsOf(input.tags),
    status: 'ACTIVE',
    desiredCount: input.desiredCount ?? 0,
    configuration,
    gracePeriod: input.healthCheckGracePeriodSeconds ?? 0,
    executeCommand: input.enableExecuteCommand ?? false,
    propagateTags: input.propagateTags ?? 'NONE',
    managedTags: input.enableECSManagedTags ?? false,
    deployments: [],
    history: [],
    revisions: new Map(),
    events: [],
    lastCompleted: undefined,
    tasks: new Set(),
    steady: false,
    impaired: false,
    look: undefined,
    wake: undefined,
  };
  ecs.services.set(arn, service);
  watch(ecs, loadBalancers);
  const { networkConfiguration, platformVersion = 'LATEST' } = input;
  ecs.deployments.begin(service, makeRevision(ecs, cluster, name, { definition, loadBalancers, networkConfiguration, platformVersion }));
  return service;
}

function watch(ecs: EcsParts, loadBalancers: readonly LoadBalancer[]): void {
  for (const { targetGroupArn, advancedConfiguration } of loadBalancers)
    for (const arn of [targetGroupArn, advancedConfiguration?.alternateTargetGroupArn]) if (arn) ecs.scheduler.watch(arn);
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Only what makes another revision starts a deployment: counts, percentages, tags and the grace period do not. */
function update(ecs: EcsParts, input: UpdateServiceRequest): Service {
  refuseUnsupported('UpdateService', input);
  const service = ecs.serviceNamed(input.cluster, input.service);
  if (service.status !== 'ACTIVE') throw new ServiceError('ServiceNotActiveException', 'Service was not ACTIVE.');
  assertCount(input.desiredCount);
  const before = service.deployments[0]!.revision;
  const definition = input.taskDefinition === undefined ? before.definition : ecs.definitions.active(input.taskDefinition);
  const loadBalancers = input.loadBalancers === undefined ? before.loadBalancers : structuredClone(input.loadBalancers);
  const networkConfiguration = input.networkConfiguration ?? before.networkConfiguration;
  const platformVersion = input.platformVersion ?? before.platformVersion;
  const configuration = configurationOf(input.deploymentConfiguration, service.configuration);
  const isOther = configuration.strategy !== service.configuration.strategy;
  if (isOther && current(service)) throw notImplemented('ecs.UpdateService with another strategy while a deployment is running');
  if (definition !== before.definition) assertLaunchable(definition.value);
  assertGracePeriod(input.healthCheckGracePeriodSeconds, loadBalancers);
  if (loadBalancers !== before.loadBalancers || definition !== before.definition || isOther)
    assertLoadBalancers(ecs, loadBalancers, definition, configuration);

  service.configuration = configuration;
  service.gracePeriod = input.healthCheckGracePeriodSeconds ?? service.gracePeriod;
  service.executeCommand = input.enableExecuteCommand ?? service.executeCommand;
  service.propagateTags = input.propagateTags ?? service.propagateTags;
  service.managedTags = input.enableECSManagedTags ?? service.managedTags;
  if (input.desiredCount !== undefined && input.desiredCount !== service.desiredCount) {
    service.desiredCount = input.desiredCount;
    service.steady = false;
    // "The latest service desired count" is what percentages are of.
    const running = current(service);
    if (running) running.threshold = thresholdOf(running.configuration, service.desiredCount);
    const [primary] = service.deployments;
    Object.assign(primary!, { restarts: 0, ends: 0, nextStartAt: ecs.site.world.clock.now() });
  }
  const changed =
    definition !== before.definition ||
    !same(loadBalancers, before.loadBalancers) ||
    !same(networkConfiguration, before.networkConfiguration) ||
    platformVersion !== before.platformVersion;
  if (changed || input.forceNewDeployment) {
    watch(ecs, loadBalancers);
    const parts = { definition, loadBalancers, networkConfiguration, platformVersion };
    ecs.deployments.begin(service, makeRevision(ecs, service.cluster, service.name, parts));
  }
  ecs.look(service);
  return service;
}

function remove(ecs: EcsParts, input: DeleteServiceRequest): Service {
  const service = ecs.serviceNamed(input.cluster, input.service);
  if (service.status === 'INACTIVE') throw new ServiceError('ServiceNotFoundException', 'Service not found.');
  const running = [...service.tasks].some((task) => task.isWanted);
  if (!input.force && (service.desiredCount > 0 || running)) throw invalid('The service cannot be stopped while it is scaled above 0.');
  if (service.status === 'ACTIVE') {
    service.status = 'DRAINING';
    service.desiredCount = 0;
    ecs.deployments.abandon(service);
    ecs.look(service);
  }
  return service;
}

export function serviceOperations(ecs: EcsParts): Readonly<Record<string, Operation>> {
  const { site } = ecs;
  const on = (
    action: string,
    cluster: string | undefined,
    service: string | undefined,
    context: Permission['context'] = {},
  ): Permission => {
    const resource = serviceArnOf(site, cluster, service ?? '');
    return {
      action: `ecs:${action}`,
      resource,
      context: { 'ecs:cluster': clusterArn(site, clusterName(cluster)), ...resourceTags(ecs.services.get(resource)?.tags), ...context },
    };
  };
  const changes = (input: Change): Record<string, string | readonly string[]> => {
    const definition = input.taskDefinition === undefined ? undefined : ecs.definitions.find(input.taskDefinition)?.arn;
    const vpc = input.networkConfiguration?.awsvpcConfiguration;
    return {
      ...(definition === undefined ? {} : { 'ecs:task-definition': definition }),
      ...(input.enableExecuteCommand === undefined ? {} : { 'ecs:enable-execute-command': String(input.enableExecuteCommand) }),
      ...(input.propagateTags === undefined ? {} : { 'ecs:propagate-tags': input.propagateTags }),
      ...(vpc?.subnets ? { 'ecs:subnet': vpc.subnets } : {}),
      ...(vpc?.assignPublicIp ? { 'ecs:auto-assign-public-ip': String(vpc.assignPublicIp === 'ENABLED') } : {}),
    };
  };
  return {
    CreateService: {
      authorize: (input: CreateServiceRequest) => [
        on('CreateService', input.cluster, input.serviceName, { ...changes(input), ...requestTags(input.tags) }),
        ...tagOnCreate(serviceArnOf(site, input.cluster, input.serviceName ?? ''), 'CreateService', input.tags),
        ...rolesPassed(input.deploymentConfiguration, input.loadBalancers),
      ],
      handle: (input: CreateServiceRequest, call) => ({ service: describeService(create(ecs, input, call), ['TAGS']) }),
    },
    UpdateService: {
      authorize: (input: UpdateServiceRequest) => [
        on('UpdateService', input.cluster, input.service, changes(input)),
        ...rolesPassed(input.deploymentConfiguration, input.loadBalancers),
      ],
      handle: (input: UpdateServiceRequest) => ({ service: describeService(update(ecs, input), ['TAGS']) }),
    },
    DeleteService: {
      authorize: (input: DeleteServiceRequest) => [on('DeleteService', input.cluster, input.service)],
      handle: (input: DeleteServiceRequest) => ({ service: describeService(remove(ecs, input)) }),
    },
    DescribeServices: {
      authorize: (input: DescribeServicesRequest) => (input.services ?? []).map((one) => on('DescribeServices', input.cluster, one)),
      handle: (input: DescribeServicesRequest) => {
        const asked = input.services ?? [];
        if (asked.length === 0) throw invalid('Services cannot be empty.');
        if (asked.length > 10) throw invalid('Services cannot have more than 10 elements.');
        const { name: cluster } = ecs.cluster(input.cluster);
        const arns = asked.map((one) => serviceArn(site, cluster, lastPart(one)));
        const found = arns.map((arn) => ecs.services.get(arn));
        return {
          services: found.filter((one) => one !== undefined).map((one) => describeService(one, input.include)),
          failures: arns.filter((_, index) => found[index] === undefined).map((arn) => ({ arn, reason: 'MISSING' })),
        };
      },
    },
    ListServices: {
      authorize: (input: ListServicesRequest) => [
        { action: 'ecs:ListServices', resource: '*', context: { 'ecs:cluster': clusterArn(site, clusterName(input.cluster)) } },
      ],
      handle: (input: ListServicesRequest) => {
        const { name: cluster } = ecs.cluster(input.cluster);
        const none = (input.launchType ?? 'FARGATE') !== 'FARGATE' || (input.schedulingStrategy ?? 'REPLICA') !== 'REPLICA';
        const arns = none
          ? []
          : ecs
              .servicesIn(cluster)
              .filter(({ status }) => status === 'ACTIVE')
              .map(({ arn }) => arn);
        const { items, ...next } = page(arns, input, 10);
        return { serviceArns: items, ...next };
      },
    },
  };
}
