/** The CloudFormation resource types of Elastic Load Balancing. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ElasticLoadBalancingV2.html */
import type {
  Action,
  CreateTargetGroupInput,
  ProtocolEnum,
  RuleCondition,
  Tag,
  TargetTypeEnum,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type CreatedResource, type ResourceContext, type ResourceType, ServiceError } from '../../core/service.ts';
import type { Listener, LoadBalancer, LoadBalancingAccount } from './account.ts';
import { changeListener, healthCheck, makeBalancer, makeGroup, makeListener, removeGroup, setAttributes } from './management.ts';
import type { TargetGroup } from './targets.ts';

type Texts = readonly { readonly Key: string; readonly Value: string }[];

interface BalancerProperties {
  readonly Name?: string;
  readonly Type?: 'application';
  readonly Scheme?: 'internet-facing' | 'internal';
  readonly Tags?: readonly Tag[];
}

interface ListenerProperties {
  readonly LoadBalancerArn: string;
  readonly Port: number | string;
  readonly Protocol?: ProtocolEnum;
  readonly DefaultActions: Action[];
}

interface RuleProperties {
  readonly ListenerArn: string;
  readonly Priority: number | string;
  readonly Conditions: RuleCondition[];
  readonly Actions: Action[];
}

interface GroupProperties {
  readonly Name?: string;
  readonly Port?: number | string;
  readonly Protocol?: ProtocolEnum;
  readonly VpcId?: string;
  readonly TargetType?: TargetTypeEnum;
  readonly HealthCheckPath?: string;
  readonly HealthCheckProtocol?: ProtocolEnum;
  readonly HealthCheckIntervalSeconds?: number | string;
  readonly HealthCheckTimeoutSeconds?: number | string;
  readonly HealthyThresholdCount?: number | string;
  readonly UnhealthyThresholdCount?: number | string;
  readonly Matcher?: { readonly HttpCode?: string };
  readonly TargetGroupAttributes?: Texts;
  readonly Tags?: readonly Tag[];
}

/** AWS takes 32 characters, none of them a hyphen at an end; a generated name is cut. */
const nameOf = (given: string | undefined, { generatedName }: ResourceContext) =>
  given ??
  generatedName
    .replace(/[^A-Za-z0-9-]/g, '-')
    .slice(0, 32)
    .replace(/^-+|-+$/g, '');

const number = (value: number | string | undefined) => (value === undefined ? undefined : Number(value));

/** Properties that cannot be changed make CloudFormation replace the resource; one with a name of its own has to go first, so AWS refuses. */
function refuseReplacement(kind: string, name: string | undefined): void {
  if (name !== undefined)
    throw new ServiceError(
      'ValidationError',
      `CloudFormation cannot update the ${kind} ${name}, as it has a custom name and requires replacing`,
    );
}

export function loadBalancingResources(service: LoadBalancingAccount): Readonly<Record<string, ResourceType>> {
  return {
    'AWS::ElasticLoadBalancingV2::LoadBalancer': balancerType(service),
    'AWS::ElasticLoadBalancingV2::Listener': listenerType(service),
    'AWS::ElasticLoadBalancingV2::ListenerRule': ruleType(service),
    'AWS::ElasticLoadBalancingV2::TargetGroup': groupType(service),
  };
}

/** The tags of a template take the place of those before. */
function retag(service: LoadBalancingAccount, arn: string, tags: readonly Tag[] | undefined): void {
  service.tags.delete(arn);
  service.tag(arn, tags);
}

function balancerType(service: LoadBalancingAccount): ResourceType<BalancerProperties> {
  const made = ({ arn, name, fullName, dnsName }: LoadBalancer): CreatedResource => ({
    ref: arn,
    attributes: {
      LoadBalancerArn: arn,
      LoadBalancerFullName: fullName,
      LoadBalancerName: name,
      DNSName: dnsName,
      CanonicalHostedZoneID: 'Z215JYRZR1TBD5',
    },
  });
  const type: ResourceType<BalancerProperties> = {
    properties: ['Name', 'Type', 'Scheme', 'Tags'],
    inert: ['Subnets', 'SecurityGroups', 'LoadBalancerAttributes', 'IpAddressType'],
    create(properties, context) {
      const balancer = makeBalancer(service, { ...properties, Name: nameOf(properties.Name, context) });
      retag(service, balancer.arn, properties.Tags);
      return made(balancer);
    },
    update(properties, before, context) {
      const balancer = service.balancers.get(before.ref);
      const same = balancer?.name === nameOf(properties.Name, context) && balancer.scheme === (properties.Scheme ?? 'internet-facing');
      if (balancer !== undefined && same) {
        retag(service, before.ref, properties.Tags);
        return made(balancer);
      }
      if (balancer?.name === properties.Name) refuseReplacement('load balancer', properties.Name);
      const created = type.create(properties, context);
      service.removeBalancer(before.ref);
      return created;
    },
    delete: ({ ref }) => service.removeBalancer(ref),
  };
  return type;
}

function listenerType(service: LoadBalancingAccount): ResourceType<ListenerProperties> {
  const made = ({ arn }: Listener): CreatedResource => ({ ref: arn, attributes: { ListenerArn: arn } });
  const input = ({ Port, Protocol, DefaultActions }: ListenerProperties) => ({
    Port: Number(Port),
    Protocol: Protocol ?? ('HTTP' as const),
    DefaultActions: DefaultActions.map(readAction),
  });
  const type: ResourceType<ListenerProperties> = {
    properties: ['LoadBalancerArn', 'Port', 'Protocol', 'DefaultActions'],
    inert: ['Certificates', 'SslPolicy', 'ListenerAttributes', 'AlpnPolicy'],
    create: (properties) => made(makeListener(service, { LoadBalancerArn: properties.LoadBalancerArn, ...input(properties) })),
    update(properties, before, context) {
      const listener = service.listener(before.ref);
      if (listener.loadBalancer.arn === properties.LoadBalancerArn) return made(changeListener(service, listener, input(properties)));
      const created = type.create(properties, context);
      service.removeListener(before.ref);
      return created;
    },
    delete: ({ ref }) => service.removeListener(ref),
  };
  return type;
}

function ruleType(service: LoadBalancingAccount): ResourceType<RuleProperties> {
  const type: ResourceType<RuleProperties> = {
    properties: ['ListenerArn', 'Priority', 'Conditions', 'Actions'],
    create({ ListenerArn, Priority, Conditions, Actions }) {
      const { Rules = [] } = service.createRule({ ListenerArn, Priority: Number(Priority), Conditions, Actions: Actions.map(readAction) });
      const arn = Rules[0]?.RuleArn ?? '';
      return { ref: arn, attributes: { RuleArn: arn, IsDefault: 'false' } };
    },
    update(properties, before, context) {
      if (service.rule(before.ref).listener.arn !== properties.ListenerArn) {
        const created = type.create(properties, context);
        service.deleteRule({ RuleArn: before.ref });
        return created;
      }
      service.setPriorities({ RulePriorities: [{ RuleArn: before.ref, Priority: Number(properties.Priority) }] });
      service.modifyRule({ RuleArn: before.ref, Conditions: properties.Conditions, Actions: properties.Actions.map(readAction) });
      return before;
    },
    delete({ ref }) {
      if ([...service.listeners.values()].some(({ rules }) => rules.some(({ arn }) => arn === ref))) service.deleteRule({ RuleArn: ref });
    },
  };
  return type;
}

/** An action as the API takes it: CloudFormation lets numbers be texts. */
const readAction = (action: Action): Action => ({
  ...action,
  ...(action.Order === undefined ? {} : { Order: Number(action.Order) }),
  ...(action.ForwardConfig?.TargetGroups
    ? {
        ForwardConfig: {
          ...action.ForwardConfig,
          TargetGroups: action.ForwardConfig.TargetGroups.map((one) => ({
            ...one,
            ...(one.Weight === undefined ? {} : { Weight: Number(one.Weight) }),
          })),
        },
      }
    : {}),
});

function groupType(service: LoadBalancingAccount): ResourceType<GroupProperties> {
  const made = ({ settings: { arn, name, fullName } }: TargetGroup): CreatedResource => ({
    ref: arn,
    attributes: { TargetGroupArn: arn, TargetGroupFullName: fullName, TargetGroupName: name },
  });
  const health = (properties: GroupProperties) => ({
    HealthCheckPath: properties.HealthCheckPath,
    HealthCheckProtocol: properties.HealthCheckProtocol,
    HealthCheckIntervalSeconds: number(properties.HealthCheckIntervalSeconds),
    HealthCheckTimeoutSeconds: number(properties.HealthCheckTimeoutSeconds),
    HealthyThresholdCount: number(properties.HealthyThresholdCount),
    UnhealthyThresholdCount: number(properties.UnhealthyThresholdCount),
    Matcher: properties.Matcher,
  });
  const fixed = (properties: GroupProperties, context: ResourceContext): CreateTargetGroupInput => ({
    Name: nameOf(properties.Name, context),
    Port: number(properties.Port),
    Protocol: properties.Protocol,
    VpcId: properties.VpcId,
    TargetType: properties.TargetType,
  });
  const settle = (group: TargetGroup, properties: GroupProperties): CreatedResource => {
    setAttributes(group, properties.TargetGroupAttributes ?? []);
    retag(service, group.settings.arn, properties.Tags);
    return made(group);
  };
  const type: ResourceType<GroupProperties> = {
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
      'Tags',
    ],
    inert: ['HealthCheckEnabled', 'HealthCheckPort', 'IpAddressType', 'ProtocolVersion'],
    create: (properties, context) => settle(makeGroup(service, { ...fixed(properties, context), ...health(properties) }), properties),
    update(properties, before, context) {
      const group = service.group(before.ref);
      const { name, port, protocol, vpcId, targetType } = group.settings;
      const { Name, Port, Protocol, VpcId, TargetType = 'instance' } = fixed(properties, context);
      if (name === Name && port === Port && protocol === Protocol && vpcId === VpcId && targetType === TargetType) {
        group.settings.health = healthCheck(health(properties));
        group.reconsider();
        return settle(group, properties);
      }
      if (name === properties.Name) refuseReplacement('target group', properties.Name);
      const created = type.create(properties, context);
      removeGroup(service, before.ref);
      return created;
    },
    delete({ ref }) {
      if (service.groups.has(ref)) removeGroup(service, ref);
    },
  };
  return type;
}
