/** The CloudFormation resource types of Elastic Load Balancing. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ElasticLoadBalancingV2.html */
import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { CreatedResource, ResourceContext, ResourceType } from '../../core/service.ts';
import type { LoadBalancing } from './index.ts';
import { TargetGroup } from './targets.ts';

type Texts = readonly { readonly Key: string; readonly Value: string }[];

interface BalancerProperties {
  readonly Name?: string;
  readonly Type?: string;
  readonly Scheme?: string;
}

interface ListenerProperties {
  readonly LoadBalancerArn: string;
  readonly Port: number | string;
  readonly Protocol?: string;
  readonly DefaultActions: readonly Action[];
}

interface GroupProperties {
  readonly Name?: string;
  readonly Port?: number | string;
  readonly Protocol?: string;
  readonly VpcId?: string;
  readonly TargetType?: string;
  readonly HealthCheckPath?: string;
  readonly HealthCheckProtocol?: string;
  readonly HealthCheckIntervalSeconds?: number | string;
  readonly HealthCheckTimeoutSeconds?: number | string;
  readonly HealthyThresholdCount?: number | string;
  readonly UnhealthyThresholdCount?: number | string;
  readonly Matcher?: { readonly HttpCode?: string };
  readonly TargetGroupAttributes?: Texts;
}

/** AWS takes 32 characters; a generated name is cut. */
const nameOf = (given: string | undefined, context: ResourceContext) => given ?? context.generatedName.slice(0, 32);

export function loadBalancingResources(service: LoadBalancing): Readonly<Record<string, ResourceType>> {
  const { site } = service;

  const balancer: ResourceType<BalancerProperties> = {
    properties: ['Name', 'Type', 'Scheme'],
    inert: ['Subnets', 'SecurityGroups', 'LoadBalancerAttributes', 'IpAddressType', 'Tags'],
    create({ Name, Type = 'application', Scheme = 'internet-facing' }, context): CreatedResource {
      if (Type !== 'application') throw new Error(`a load balancer of type ${Type} is not implemented on local AWS; application is`);
      const name = nameOf(Name, context);
      const id = service.id();
      const fullName = `app/${name}/${id}`;
      const arn = site.arn('elasticloadbalancing', `loadbalancer/${fullName}`);
      const dnsName = `${name}-${Number.parseInt(id.slice(0, 8), 16)}.${site.region}.elb.amazonaws.com`.toLowerCase();
      service.addBalancer({ arn, name, fullName, dnsName, scheme: Scheme });
      return {
        ref: arn,
        attributes: {
          LoadBalancerArn: arn,
          LoadBalancerFullName: fullName,
          LoadBalancerName: name,
          DNSName: dnsName,
          CanonicalHostedZoneID: 'Z215JYRZR1TBD5',
        },
      };
    },
    delete: ({ ref }) => service.removeBalancer(ref),
  };

  const listener: ResourceType<ListenerProperties> = {
    properties: ['LoadBalancerArn', 'Port', 'Protocol', 'DefaultActions'],
    inert: ['Certificates', 'SslPolicy', 'ListenerAttributes', 'AlpnPolicy'],
    create({ LoadBalancerArn, Port, Protocol = 'HTTP', DefaultActions }): CreatedResource {
      const loadBalancer = service.balancers.get(LoadBalancerArn);
      if (loadBalancer === undefined) throw new Error(`there is no load balancer ${LoadBalancerArn}`);
      const arn = `${LoadBalancerArn.replace(':loadbalancer/', ':listener/')}/${service.id()}`;
      const rule = {
        arn: `${arn.replace(':listener/', ':listener-rule/')}/${service.id()}`,
        priority: undefined,
        conditions: [],
        actions: DefaultActions,
      };
      service.addListener({ arn, loadBalancer, port: Number(Port), protocol: Protocol, rules: [rule] });
      return { ref: arn, attributes: { ListenerArn: arn } };
    },
    update({ DefaultActions }, before): CreatedResource {
      const fallback = service.listeners.get(before.ref)?.rules.find(({ priority }) => priority === undefined);
      if (fallback) fallback.actions = DefaultActions;
      return before;
    },
    delete: ({ ref }) => service.removeListener(ref),
  };

  const group: ResourceType<GroupProperties> = {
    properties: [
      'Name',
      'Port',
      'Protocol',
      'VpcId',
      'TargetType',
      'HealthCheckPath',
      'HealthCheckProtocol',
      'HealthCheckIntervalSeconds',
      'HealthCheckTimeoutSeconds',
      'HealthyThresholdCount',
      'UnhealthyThresholdCount',
      'Matcher',
      'TargetGroupAttributes',
    ],
    inert: ['Tags', 'HealthCheckEnabled', 'HealthCheckPort', 'IpAddressType', 'ProtocolVersion'],
    create(properties, context): CreatedResource {
      const name = nameOf(properties.Name, context);
      const fullName = `targetgroup/${name}/${service.id()}`;
      const arn = site.arn('elasticloadbalancing', fullName);
      const health = {
        path: properties.HealthCheckPath ?? '/',
        protocol: properties.HealthCheckProtocol ?? 'HTTP',
        interval: Number(properties.HealthCheckIntervalSeconds ?? 30),
        timeout: Number(properties.HealthCheckTimeoutSeconds ?? 5),
        healthyThreshold: Number(properties.HealthyThresholdCount ?? 5),
        unhealthyThreshold: Number(properties.UnhealthyThresholdCount ?? 2),
        matcher: properties.Matcher?.HttpCode ?? '200',
      };
      const attributes = new Map((properties.TargetGroupAttributes ?? []).map(({ Key, Value }) => [Key, Value]));
      const settings = {
        arn,
        name,
        fullName,
        port: Number(properties.Port ?? 80),
        protocol: properties.Protocol ?? 'HTTP',
        vpcId: properties.VpcId,
        targetType: properties.TargetType ?? 'instance',
        health,
        attributes,
      };
      service.addGroup(new TargetGroup(settings, site.world.clock, () => service.balancersOf(arn).length > 0));
      return { ref: arn, attributes: { TargetGroupArn: arn, TargetGroupFullName: fullName, TargetGroupName: name } };
    },
    delete: ({ ref }) => void service.groups.delete(ref),
  };

  return {
    'AWS::ElasticLoadBalancingV2::LoadBalancer': balancer,
    'AWS::ElasticLoadBalancingV2::Listener': listener,
    'AWS::ElasticLoadBalancingV2::TargetGroup': group,
  };
}
