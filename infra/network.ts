/** The network of a site, and what each environment has in it: a load balancer that the world reaches, tasks that only it reaches. */
import { type App, aws_ec2 as ec2, aws_elasticloadbalancingv2 as elb, Fn, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { pascal } from './names.ts';
import type { Place } from './place.ts';

/** What the environments of a site share: an account has five networks in a Region, unless it asks for more. */
export interface SiteNetwork {
  readonly stack: Stack;
  readonly vpc: ec2.CfnVPC;
  readonly subnets: readonly ec2.CfnSubnet[];
}

export interface Network {
  readonly vpc: ec2.CfnVPC;
  readonly subnets: readonly ec2.CfnSubnet[];
  /** Of the tasks. */
  readonly tasks: ec2.CfnSecurityGroup;
  readonly loadBalancer: elb.CfnLoadBalancer;
  readonly listener: elb.CfnListener;
  /** Where deployments are tested before traffic shifts to them; closed where all services are rolled, absent where there is none that takes requests. */
  readonly test?: elb.CfnListener;
}

/** The port of the test listener. */
export const TEST_PORT = 9000;

/**
 * `<Pipeline>Network`: two public subnets. Tasks have public addresses, which their security groups close to all but
 * their load balancer: a NAT gateway would cost more by the hour than the tasks of a small environment. Nothing is
 * looked up, so the stack synthesises without credentials.
 * https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
 */
export function siteNetwork(app: App, place: Place): SiteNetwork {
  const stack = new Stack(app, `${pascal(place.name)}Network`, {
    env: { account: place.account, region: place.region },
    description: `Shiplock ${place.name}: the network of all environments`,
  });
  const tags = (part: string) => [{ key: 'Name', value: `${place.name}${part}` }];
  const vpc = new ec2.CfnVPC(stack, 'Vpc', { cidrBlock: '10.0.0.0/16', enableDnsSupport: true, enableDnsHostnames: true, tags: tags('') });
  const gateway = new ec2.CfnInternetGateway(stack, 'InternetGateway', { tags: tags('') });
  const attachment = new ec2.CfnVPCGatewayAttachment(stack, 'GatewayAttachment', { vpcId: vpc.ref, internetGatewayId: gateway.ref });
  const routes = new ec2.CfnRouteTable(stack, 'RouteTable', { vpcId: vpc.ref, tags: tags('') });
  const route = new ec2.CfnRoute(stack, 'DefaultRoute', {
    routeTableId: routes.ref,
    destinationCidrBlock: '0.0.0.0/0',
    gatewayId: gateway.ref,
  });
  route.addResourceDependency(attachment);
  const subnets = ['A', 'B'].map((zone, index) => {
    const subnet = new ec2.CfnSubnet(stack, `Subnet${zone}`, {
      vpcId: vpc.ref,
      availabilityZone: Fn.select(index, Fn.getAzs()),
      cidrBlock: `10.0.${index * 64}.0/18`,
      tags: tags(`-${zone.toLowerCase()}`),
    });
    new ec2.CfnSubnetRouteTableAssociation(stack, `Subnet${zone}Routes`, { subnetId: subnet.ref, routeTableId: routes.ref });
    return subnet;
  });
  return { stack, vpc, subnets };
}

/**
 * An environment's part of it, closed to the other environments by security groups of its own.
 * @param name of the environment in AWS, such as `acme-test`
 * @param ports of the containers that take requests
 * @param tested whether the world reaches the test listener. It stays when the last strategy that shifts traffic goes: what has shifted needs its rules until it has rolled
 */
export function network(scope: Construct, name: string, { vpc, subnets }: SiteNetwork, ports: readonly number[], tested = false): Network {
  const tags = (part: string) => [{ key: 'Name', value: `${name}${part}` }];
  const doors = new ec2.CfnSecurityGroup(scope, 'LoadBalancerGroup', {
    vpcId: vpc.ref,
    groupDescription: `${name}: load balancer`,
    securityGroupIngress: [80, ...(tested ? [TEST_PORT] : [])].map((port) => ({
      ipProtocol: 'tcp',
      fromPort: port,
      toPort: port,
      cidrIp: '0.0.0.0/0',
      description: port === TEST_PORT ? 'checks and people, HTTP' : 'anybody, HTTP',
    })),
    tags: tags('-load-balancer'),
  });
  const tasks = new ec2.CfnSecurityGroup(scope, 'TaskGroup', {
    vpcId: vpc.ref,
    groupDescription: `${name}: tasks`,
    securityGroupIngress: ports.map((port) => ({
      ipProtocol: 'tcp',
      fromPort: port,
      toPort: port,
      sourceSecurityGroupId: doors.attrGroupId,
      description: 'the load balancer',
    })),
    tags: tags('-tasks'),
  });

  const loadBalancer = new elb.CfnLoadBalancer(scope, 'LoadBalancer', {
    name,
    type: 'application',
    scheme: 'internet-facing',
    subnets: subnets.map(({ ref }) => ref),
    securityGroups: [doors.attrGroupId],
    loadBalancerAttributes: [{ key: 'routing.http.drop_invalid_header_fields.enabled', value: 'true' }],
  });
  const listener = (id: string, port: number) =>
    new elb.CfnListener(scope, id, {
      loadBalancerArn: loadBalancer.ref,
      port,
      protocol: 'HTTP',
      // The pipeline makes the rules that lead to services; where there is none, somebody should say so.
      defaultActions: [
        {
          type: 'fixed-response',
          fixedResponseConfig: { statusCode: '503', contentType: 'text/plain', messageBody: 'nothing is deployed here\n' },
        },
      ],
    });
  return {
    vpc,
    subnets,
    tasks,
    loadBalancer,
    listener: listener('Listener', 80),
    ...(ports.length > 0 ? { test: listener('TestListener', TEST_PORT) } : {}),
  };
}
