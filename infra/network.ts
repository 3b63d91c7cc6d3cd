/** The network of one environment: two public subnets, a load balancer that the world reaches, tasks that only it reaches. */
import { aws_ec2 as ec2, aws_elasticloadbalancingv2 as elb, Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

export interface Network {
  readonly vpc: ec2.CfnVPC;
  readonly subnets: readonly ec2.CfnSubnet[];
  /** Of the tasks. */
  readonly tasks: ec2.CfnSecurityGroup;
  readonly loadBalancer: elb.CfnLoadBalancer;
  readonly listener: elb.CfnListener;
}

/**
 * Subnets are public and tasks have public addresses, which the security group closes to all but the load balancer:
 * a NAT gateway would cost more by the hour than the tasks of a small environment. Nothing is looked up, so the stack
 * synthesises without credentials.
 * @param name of the environment in AWS, such as `acme-test`
 * @param ports of the containers that take requests
 */
export function network(scope: Construct, name: string, ports: readonly number[]): Network {
  const tags = (part: string) => [{ key: 'Name', value: `${name}${part}` }];
  const vpc = new ec2.CfnVPC(scope, 'Vpc', { cidrBlock: '10.0.0.0/16', enableDnsSupport: true, enableDnsHostnames: true, tags: tags('') });
  const gateway = new ec2.CfnInternetGateway(scope, 'InternetGateway', { tags: tags('') });
  const attachment = new ec2.CfnVPCGatewayAttachment(scope, 'GatewayAttachment', { vpcId: vpc.ref, internetGatewayId: gateway.ref });
  const routes = new ec2.CfnRouteTable(scope, 'RouteTable', { vpcId: vpc.ref, tags: tags('') });
  const route = new ec2.CfnRoute(scope, 'DefaultRoute', {
    routeTableId: routes.ref,
    destinationCidrBlock: '0.0.0.0/0',
    gatewayId: gateway.ref,
  });
  route.addResourceDependency(attachment);
  const subnets = ['A', 'B'].map((zone, index) => {
    const subnet = new ec2.CfnSubnet(scope, `Subnet${zone}`, {
      vpcId: vpc.ref,
      availabilityZone: Fn.select(index, Fn.getAzs()),
      cidrBlock: `10.0.${index * 64}.0/18`,
      tags: tags(`-${zone.toLowerCase()}`),
    });
    new ec2.CfnSubnetRouteTableAssociation(scope, `Subnet${zone}Routes`, { subnetId: subnet.ref, routeTableId: routes.ref });
    return subnet;
  });

  const doors = new ec2.CfnSecurityGroup(scope, 'LoadBalancerGroup', {
    vpcId: vpc.ref,
    groupDescription: `${name}: load balancer`,
    securityGroupIngress: [{ ipProtocol: 'tcp', fromPort: 80, toPort: 80, cidrIp: '0.0.0.0/0', description: 'anybody, HTTP' }],
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
  // Its addresses are public: without the route they answer nobody.
  loadBalancer.addResourceDependency(route);
  const listener = new elb.CfnListener(scope, 'Listener', {
    loadBalancerArn: loadBalancer.ref,
    port: 80,
    protocol: 'HTTP',
    // The pipeline makes the rules that lead to services; where there is none, somebody should say so.
    defaultActions: [
      {
        type: 'fixed-response',
        fixedResponseConfig: { statusCode: '503', contentType: 'text/plain', messageBody: 'nothing is deployed here\n' },
      },
    ],
  });
  return { vpc, subnets, tasks, loadBalancer, listener };
}
