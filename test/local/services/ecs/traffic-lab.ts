/** A service behind a load balancer with two target groups and a test listener, for deployments that shift traffic. */
import {
  ContinueServiceDeploymentCommand,
  type CreateServiceCommandInput,
  type DeploymentConfiguration,
  type DeploymentLifecycleHook,
  DescribeServiceDeploymentsCommand,
  type ServiceDeployment,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { CreateRuleCommand, DescribeRulesCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { trusts } from '../double.ts';
import { build, cluster, minutes, seconds } from './lab.ts';

export const testPort = 9001;

export interface Answers {
  readonly statuses: readonly number[];
  /** How many answers each image gave. */
  readonly images: ReadonlyMap<string, number>;
}

export async function buildPair() {
  const lab = await build();
  const { host, arn, listenerArn } = await lab.balancer();
  const primary = await lab.group({ name: 'orders-a' });
  const alternate = await lab.group({ name: 'orders-b' });
  const testListener = await lab.make('Listener', {
    LoadBalancerArn: arn,
    Port: testPort,
    Protocol: 'HTTP',
    DefaultActions: [
      { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404', ContentType: 'text/plain', MessageBody: 'no such service' } },
    ],
  });
  const weighted = async (listener: string, weights: readonly [number, number]) => {
    const { Rules } = await lab.elb.send(
      new CreateRuleCommand({
        ListenerArn: listener,
        Priority: 10,
        Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/orders*'] } }],
        Actions: [
          {
            Type: 'forward',
            ForwardConfig: {
              TargetGroups: [
                { TargetGroupArn: primary, Weight: weights[0] },
                { TargetGroupArn: alternate, Weight: weights[1] },
              ],
            },
          },
        ],
      }),
    );
    return Rules![0]!.RuleArn!;
  };
  const productionRule = await weighted(listenerArn, [100, 0]);
  const testRule = await weighted(testListener.ref, [100, 0]);
  const infrastructure = lab.iam.createRole({ name: 'infrastructure', trust: trusts('ecs.amazonaws.com') });
  infrastructure.attached.add('arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers');

  const balancers = (more: object = {}) => [
    {
      targetGroupArn: primary,
      containerName: 'web',
      containerPort: 8080,
      advancedConfiguration: {
        alternateTargetGroupArn: alternate,
        productionListenerRule: productionRule,
        testListenerRule: testRule,
        roleArn: infrastructure.arn,
        ...more,
      },
    },
  ];
  const blueGreen = (more: DeploymentConfiguration = {}): DeploymentConfiguration => ({
    strategy: 'BLUE_GREEN',
    bakeTimeInMinutes: 5,
    ...more,
  });
  const pause = (
    stage: NonNullable<DeploymentLifecycleHook['lifecycleStages']>[number],
    timeoutConfiguration?: DeploymentLifecycleHook['timeoutConfiguration'],
  ): DeploymentLifecycleHook => ({
    targetType: 'PAUSE',
    lifecycleStages: [stage],
    ...(timeoutConfiguration ? { timeoutConfiguration } : {}),
  });

  /** The first deployment, to its end: without hooks. */
  async function running(image = 'v1', more: Partial<CreateServiceCommandInput> = {}) {
    const taskDefinition = await lab.revision(image);
    await lab.create(taskDefinition, {
      loadBalancers: balancers(),
      deploymentConfiguration: blueGreen({ bakeTimeInMinutes: 0 }),
      ...more,
    });
    await lab.pass(5 * minutes);
    return taskDefinition;
  }

  async function update(taskDefinition: string, deploymentConfiguration: DeploymentConfiguration = blueGreen()) {
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition, deploymentConfiguration }));
  }

  /** The newest, as DescribeServiceDeployments shows it. */
  async function deployment(): Promise<ServiceDeployment> {
    const [newest] = await lab.deployments();
    const { serviceDeployments } = await lab.ecs.send(
      new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [newest!.serviceDeploymentArn!] }),
    );
    return serviceDeployments![0]!;
  }

  /** Weights of a rule: of the first and of the second target group. */
  async function weights(rule = productionRule): Promise<readonly [number, number]> {
    const { Rules } = await lab.elb.send(new DescribeRulesCommand({ RuleArns: [rule] }));
    const groups = Rules![0]!.Actions![0]!.ForwardConfig!.TargetGroups!;
    const of = (arn: string) => groups.find(({ TargetGroupArn }) => TargetGroupArn === arn)?.Weight ?? 0;
    return [of(primary), of(alternate)];
  }

  /** Lets time pass second by second until `done`, with a request in each. @throws Error after two hours */
  async function until(done: () => Promise<boolean>, at = host): Promise<Answers> {
    const statuses: number[] = [];
    const images = new Map<string, number>();
    for (let sent = 0; sent < 7200; sent++) {
      const { status, body } = await lab.get(at, '/orders');
      statuses.push(status);
      if (status === 200) {
        const { image } = JSON.parse(new TextDecoder().decode(body)) as { image: string };
        images.set(image, (images.get(image) ?? 0) + 1);
      }
      await lab.pass(seconds);
      if (await done()) return { statuses, images };
    }
    throw new Error(`it did not come to that: ${JSON.stringify(await deployment())}`);
  }

  const untilStage = (stage: string) => until(async () => (await deployment()).lifecycleStage === stage);
  const untilPaused = () =>
    until(async () => (await deployment()).lifecycleHookDetails!.some(({ status }) => status === 'AWAITING_ACTION'));
  const untilEnd = () => until(async () => (await deployment()).finishedAt !== undefined);

  /** The image that answers a request. */
  async function answerer(at = host): Promise<string> {
    const { body } = await lab.get(at, '/orders');
    return (JSON.parse(new TextDecoder().decode(body)) as { image: string }).image;
  }

  /** Decides about the hook that waits. */
  async function decide(action: 'CONTINUE' | 'ROLLBACK') {
    const { serviceDeploymentArn, lifecycleHookDetails } = await deployment();
    const { hookId } = lifecycleHookDetails!.find(({ status }) => status === 'AWAITING_ACTION')!;
    await lab.ecs.send(new ContinueServiceDeploymentCommand({ serviceDeploymentArn, hookId, action }));
    return hookId!;
  }

  const hookEvents = () =>
    lab.bus.events
      .filter((event) => event['detail-type'] === 'ECS Hook State Change')
      .map(({ detail }) => [detail.eventName, detail.lifecycleStage]);

  const testHost = `${host}:${testPort}`;
  return {
    ...lab,
    host,
    testHost,
    primary,
    alternate,
    productionRule,
    testRule,
    infrastructure,
    balancers,
    blueGreen,
    pause,
    running,
    update,
    deployment,
    weights,
    until,
    untilStage,
    untilPaused,
    untilEnd,
    answerer,
    decide,
    hookEvents,
  };
}
