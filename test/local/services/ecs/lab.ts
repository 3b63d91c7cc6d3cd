/** ECS, load balancing, the registry, logs and events of one account, with shorthand for rollouts. */

import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  type CreateServiceCommandInput,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ECSClient,
  ListServiceDeploymentsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  type ServiceDeploymentBrief,
} from '@aws-sdk/client-ecs';
import { CreateRuleCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { clientConfig } from '../../../../local/core/client.ts';
import { VirtualClock } from '../../../../local/core/clock.ts';
import { identities } from '../../../../local/core/iam/identities.ts';
import type { PolicyDocument, ResourceContext, Service } from '../../../../local/core/service.ts';
import { World } from '../../../../local/core/world.ts';
import { pushImage, throughInnerDoor } from '../../../../local/registry/push.ts';
import { CloudWatch } from '../../../../local/services/cloudwatch.ts';
import { Ecr } from '../../../../local/services/ecr/index.ts';
import { Ecs } from '../../../../local/services/ecs/index.ts';
import { LoadBalancing } from '../../../../local/services/elasticloadbalancing/index.ts';
import { Lambda } from '../../../../local/services/lambda/index.ts';
import { allows, Logs, trusts } from '../double.ts';

export const account = '111122223333';
export const region = 'eu-central-1';
export const start = Date.parse('2026-11-23T08:00:00Z');
export const seconds = 1000;
export const minutes = 60 * seconds;
export const cluster = 'acme-test';
export const registry = `${account}.dkr.ecr.${region}.amazonaws.com`;

export interface PublishedEvent {
  readonly 'detail-type': string;
  readonly source: string;
  readonly resources?: readonly string[];
  readonly time: number;
  // biome-ignore lint/suspicious/noExplicitAny: the detail of whatever ECS published.
  readonly detail: any;
}

class Bus implements Service {
  readonly operations = {};
  readonly events: PublishedEvent[] = [];
  private readonly clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  publish(event: Omit<PublishedEvent, 'time'>): void {
    this.events.push({ ...structuredClone(event), time: this.clock.now() });
  }
}

export interface GroupOptions {
  readonly name?: string;
  /** Seconds. */
  readonly delay?: number;
  readonly interval?: number;
  readonly unhealthyThreshold?: number;
  readonly path?: string;
}

export async function build() {
  const clock = new VirtualClock(start);
  const bus = new Bus(clock);
  const logs = new Logs();
  logs.createGroup('/acme/test/orders');
  const world = new World(
    clock,
    {
      cloudwatch: (site) => new CloudWatch(site),
      ecr: (site) => new Ecr(site),
      ecs: (site) => new Ecs(site),
      elasticloadbalancing: (site) => new LoadBalancing(site),
      events: () => bus,
      lambda: (site) => new Lambda(site),
      logs: () => logs,
    },
    7,
  );
  const iam = identities(world, account);
  const clientOf = (name: string, policy: PolicyDocument) =>
    new ECSClient(clientConfig(world, { region, credentials: iam.user(name, { policy }) }));
  const admin = { region, credentials: iam.user('admin', { all: allows('*') }) };
  const ecs = new ECSClient(clientConfig(world, admin));
  const elb = new ElasticLoadBalancingV2Client(clientConfig(world, admin));
  const ecr = new ECRClient(clientConfig(world, admin));
  const site = world.site(account, region);
  site.service('ecr').create({
    name: 'orders',
    mutability: 'MUTABLE',
    exclusions: [],
    scanOnPush: false,
    encryption: { encryptionType: 'AES256' },
  });
  const role = (name: string) => iam.createRole({ name, trust: trusts('ecs-tasks.amazonaws.com') });
  const execution = role('execution');
  execution.inline.set(
    'pull',
    allows([
      'ecr:GetAuthorizationToken',
      'ecr:BatchGetImage',
      'ecr:GetDownloadUrlForLayer',
      'ecr:BatchCheckLayerAvailability',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]),
  );
  const task = role('task');
  await ecs.send(new CreateClusterCommand({ clusterName: cluster }));

  const context = (logicalId: string): ResourceContext => ({
    site,
    stackName: 'acme',
    logicalId,
    generatedName: `acme-${logicalId}-1`,
    asset: () => {
      throw new Error('no assets here');
    },
  });
  const make = async (type: string, properties: object) => {
    const service = site.service('elasticloadbalancing');
    return service.resources[`AWS::ElasticLoadBalancingV2::${type}`]!.create(properties, context(type));
  };

  /** A load balancer whose listener answers 404 unless a rule leads on. */
  async function balancer(name = 'acme-test') {
    const made = await make('LoadBalancer', { Name: name, Type: 'application', Scheme: 'internet-facing', Subnets: ['subnet-1'] });
    const listener = await make('Listener', {
      LoadBalancerArn: made.ref,
      Port: 80,
      Protocol: 'HTTP',
      DefaultActions: [
        { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404', ContentType: 'text/plain', MessageBody: 'no such service' } },
      ],
    });
    return { arn: made.ref, host: made.attributes!.DNSName!, listenerArn: listener.ref };
  }

  async function group({ name = 'orders', delay = 20, interval = 10, unhealthyThreshold = 3, path = '/health' }: GroupOptions = {}) {
    const made = await make('TargetGroup', {
      Name: name,
      TargetType: 'ip',
      Port: 8080,
      Protocol: 'HTTP',
      VpcId: 'vpc-1',
      HealthCheckPath: path,
      HealthCheckIntervalSeconds: interval,
      HealthCheckTimeoutSeconds: 5,
      HealthyThresholdCount: 2,
      UnhealthyThresholdCount: unhealthyThreshold,
      Matcher: { HttpCode: '200' },
      TargetGroupAttributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: String(delay) }],
    });
    return made.ref;
  }

  const lead = (listenerArn: string, targetGroupArn: string, path = '/orders*', priority = 10) =>
    elb.send(
      new CreateRuleCommand({
        ListenerArn: listenerArn,
        Priority: priority,
        Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: [path] } }],
        Actions: [{ Type: 'forward', TargetGroupArn: targetGroupArn }],
      }),
    );

  async function push(tag: string, labels: Record<string, string> = {}): Promise<string> {
    const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
    const [user = '', password = ''] = Buffer.from(authorizationData![0]!.authorizationToken!, 'base64').toString().split(':');
    const pushed = await pushImage({
      url: `https://${registry}`,
      credentials: { user, password },
      send: throughInnerDoor(world),
      repository: 'orders',
      tag,
      labels: { 'org.opencontainers.image.version': tag, ...labels },
      created: new Date(start),
    } as Parameters<typeof pushImage>[0]);
    return pushed.indexDigest ?? pushed.digest;
  }

  const definition = (image: string, more: Partial<RegisterTaskDefinitionCommandInput> = {}): RegisterTaskDefinitionCommandInput => ({
    family: 'orders',
    requiresCompatibilities: ['FARGATE'],
    networkMode: 'awsvpc',
    cpu: '256',
    memory: '512',
    executionRoleArn: execution.arn,
    taskRoleArn: task.arn,
    containerDefinitions: [
      {
        name: 'web',
        image,
        essential: true,
        portMappings: [{ containerPort: 8080 }],
        logConfiguration: {
          logDriver: 'awslogs',
          options: { 'awslogs-group': '/acme/test/orders', 'awslogs-region': region, 'awslogs-stream-prefix': 'orders' },
        },
      },
    ],
    ...more,
  });

  const register = async (image: string, more: Partial<RegisterTaskDefinitionCommandInput> = {}) =>
    (await ecs.send(new RegisterTaskDefinitionCommand(definition(image, more)))).taskDefinition!.taskDefinitionArn!;

  /** Pushes an image that behaves as its labels say, and registers a revision with it. */
  const revision = async (tag: string, labels: Record<string, string> = {}) => register(`${registry}/orders@${await push(tag, labels)}`);

  const breaker = (value = 3, rollback = true) => ({
    strategy: 'ROLLING' as const,
    maximumPercent: 200,
    minimumHealthyPercent: 100,
    deploymentCircuitBreaker: { enable: true, rollback, thresholdConfiguration: { type: 'COUNT' as const, value } },
  });

  const create = (taskDefinition: string, more: Partial<CreateServiceCommandInput> = {}) =>
    ecs.send(
      new CreateServiceCommand({
        cluster,
        serviceName: 'orders',
        taskDefinition,
        desiredCount: 2,
        launchType: 'FARGATE',
        networkConfiguration: {
          awsvpcConfiguration: { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'], assignPublicIp: 'ENABLED' },
        },
        deploymentConfiguration: breaker(),
        ...more,
      }),
    );

  const service = async (name = 'orders') => (await ecs.send(new DescribeServicesCommand({ cluster, services: [name] }))).services![0]!;

  /** Newest first. */
  const deployments = async (name = 'orders'): Promise<ServiceDeploymentBrief[]> =>
    (await ecs.send(new ListServiceDeploymentsCommand({ cluster, service: name }))).serviceDeployments!.toSorted(
      (a, b) => b.createdAt!.getTime() - a.createdAt!.getTime(),
    );

  async function tasks(desiredStatus: 'RUNNING' | 'STOPPED' = 'RUNNING', serviceName = 'orders') {
    const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster, serviceName, desiredStatus }));
    if (taskArns.length === 0) return [];
    return (await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))).tasks!;
  }

  const pass = (milliseconds: number) => clock.run({ until: clock.now() + milliseconds });

  const get = (host: string, path: string) =>
    world.http({ method: 'GET', host, path, query: '', headers: { host }, body: new Uint8Array() });

  const deploymentEvents = () =>
    bus.events
      .filter((event) => event['detail-type'] === 'ECS Deployment State Change')
      .map(({ detail }) => [detail.eventName, detail.deploymentId, detail.reason]);

  return {
    clock,
    world,
    site,
    iam,
    ecs,
    ecr,
    elb,
    bus,
    logs,
    execution,
    task,
    clientOf,
    context,
    make,
    balancer,
    group,
    lead,
    push,
    definition,
    register,
    revision,
    breaker,
    create,
    service,
    deployments,
    tasks,
    pass,
    get,
    deploymentEvents,
  };
}
