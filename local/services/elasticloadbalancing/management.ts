/** Making, changing and deleting load balancers, listeners and target groups, registering targets, and tags, through the API. */
import type * as Elb from '@aws-sdk/client-elastic-load-balancing-v2';
import { bound } from '../../core/bound.ts';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { Listener, LoadBalancer, LoadBalancingAccount } from './account.ts';
import { type HealthCheck, nobody, TargetGroup } from './targets.ts';

type Context = Record<string, string | readonly string[]>;

const invalid = (message: string) => new ServiceError('ValidationError', message);

/** Condition keys for tags in a request. */
export function requestTags(tags: readonly Elb.Tag[] | undefined): Context {
  if (!tags?.length) return {};
  const context: Context = { 'aws:TagKeys': tags.map(({ Key = '' }) => Key) };
  for (const { Key, Value = '' } of tags) context[`aws:RequestTag/${Key}`] = Value;
  return context;
}

/** The authorization data at hand names load balancers alone as what AddTags acts on; AWS takes the others too. */
const taggable = (arn: string) => (arn.includes(':loadbalancer/') ? arn : '*');

/** Tagging while creating needs a permission of its own. https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/tagging-resources-during-creation.html */
export const tagOnCreate = (resource: string, action: string, tags: readonly Elb.Tag[] | undefined): readonly Permission[] =>
  tags?.length
    ? [
        {
          action: 'elasticloadbalancing:AddTags',
          resource: taggable(resource),
          context: { 'elasticloadbalancing:CreateAction': action, ...requestTags(tags) },
        },
      ]
    : [];

/** Names of load balancers and target groups. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html */
function assertName(kind: string, name: string): void {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/.test(name) || (kind === 'load balancer' && name.startsWith('internal-')))
    throw invalid(`The ${kind} name '${name}' must have 1 to 32 letters, digits and hyphens, and not begin or end with a hyphen`);
}

/** @throws ServiceError DuplicateLoadBalancerNameException, ValidationError, NotImplemented */
export function makeBalancer(
  service: LoadBalancingAccount,
  input: Pick<Elb.CreateLoadBalancerInput, 'Name' | 'Type' | 'Scheme'>,
): LoadBalancer {
  const { Name: name = '', Type = 'application', Scheme: scheme = 'internet-facing' } = input;
  if (Type !== 'application')
    throw new ServiceError('NotImplemented', `not implemented on local AWS: a load balancer of type ${Type}`, 501);
  assertName('load balancer', name);
  if ([...service.balancers.values()].some((one) => one.name === name))
    throw new ServiceError(
      'DuplicateLoadBalancerNameException',
      `A load balancer with the same name '${name}' exists, but with different settings`,
    );
  const id = service.id();
  const fullName = `app/${name}/${id}`;
  const inner = scheme === 'internal' ? 'internal-' : '';
  const balancer: LoadBalancer = {
    arn: service.site.arn('elasticloadbalancing', `loadbalancer/${fullName}`),
    name,
    fullName,
    dnsName: `${inner}${name}-${Number.parseInt(id.slice(0, 8), 16)}.${service.site.region}.elb.amazonaws.com`.toLowerCase(),
    scheme,
  };
  service.addBalancer(balancer);
  return balancer;
}

/** @throws ServiceError LoadBalancerNotFoundException, DuplicateListenerException, UnsupportedProtocolException, TargetGroupNotFoundException */
export function makeListener(
  service: LoadBalancingAccount,
  input: Pick<Elb.CreateListenerInput, 'LoadBalancerArn' | 'Port' | 'Protocol' | 'DefaultActions'>,
): Listener {
  const { LoadBalancerArn = '', DefaultActions = [] } = input;
  const loadBalancer = service.balancers.get(LoadBalancerArn);
  if (loadBalancer === undefined) throw new ServiceError('LoadBalancerNotFoundException', `Load balancer '${LoadBalancerArn}' not found`);
  const protocol = input.Protocol ?? 'HTTP';
  const port = input.Port ?? (protocol === 'HTTPS' ? 443 : 80);
  assertListener(service, loadBalancer, port, protocol);
  service.checkActions(DefaultActions);
  const arn = `${LoadBalancerArn.replace(':loadbalancer/', ':listener/')}/${service.id()}`;
  const ruleArn = `${arn.replace(':listener/', ':listener-rule/')}/${service.id()}`;
  const fallback = { arn: ruleArn, priority: undefined, conditions: [], actions: DefaultActions };
  const listener: Listener = { arn, loadBalancer, port, protocol, rules: [fallback] };
  service.addListener(listener);
  return listener;
}

function assertListener(service: LoadBalancingAccount, loadBalancer: LoadBalancer, port: number, protocol: string, but?: Listener): void {
  if (protocol !== 'HTTP' && protocol !== 'HTTPS')
    throw new ServiceError('UnsupportedProtocolException', `The protocol ${protocol} is not supported by an application load balancer`);
  if ([...service.listeners.values()].some((one) => one !== but && one.loadBalancer === loadBalancer && one.port === port))
    throw new ServiceError(
      'DuplicateListenerException',
      `A listener already exists on this port for this load balancer '${loadBalancer.arn}'`,
    );
}

/** @throws ServiceError DuplicateListenerException, UnsupportedProtocolException, TargetGroupNotFoundException */
export function changeListener(
  service: LoadBalancingAccount,
  listener: Listener,
  input: Omit<Elb.ModifyListenerInput, 'ListenerArn'>,
): Listener {
  const port = input.Port ?? listener.port;
  const protocol = input.Protocol ?? listener.protocol;
  assertListener(service, listener.loadBalancer, port, protocol, listener);
  if (input.DefaultActions) service.checkActions(input.DefaultActions);
  service.moveListener(listener, port, protocol);
  const fallback = listener.rules.find(({ priority }) => priority === undefined)!;
  const before = fallback.actions;
  fallback.actions = input.DefaultActions ?? before;
  service.reconsiderUse([...before, ...fallback.actions]);
  return listener;
}

type HealthInput = Pick<
  Elb.ModifyTargetGroupInput,
  | 'HealthCheckPath'
  | 'HealthCheckProtocol'
  | 'HealthCheckIntervalSeconds'
  | 'HealthCheckTimeoutSeconds'
  | 'HealthyThresholdCount'
  | 'UnhealthyThresholdCount'
  | 'Matcher'
>;

/** Defaults of groups with HTTP targets. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html */
const DEFAULT_HEALTH: HealthCheck = {
  path: '/',
  protocol: 'HTTP',
  interval: 30,
  timeout: 5,
  healthyThreshold: 5,
  unhealthyThreshold: 2,
  matcher: '200',
};

/** @throws ServiceError ValidationError for numbers out of AWS's ranges */
export function healthCheck(input: HealthInput, before: HealthCheck = DEFAULT_HEALTH): HealthCheck {
  const range = (name: string, value: number, least: number, most: number): number => {
    if (!(value >= least && value <= most)) throw invalid(`${name} must be between ${least} and ${most}, but was ${value}`);
    return value;
  };
  const interval = range('Health check interval', input.HealthCheckIntervalSeconds ?? before.interval, 5, 300);
  const timeout = range('Health check timeout', input.HealthCheckTimeoutSeconds ?? before.timeout, 2, 120);
  if (timeout > interval) throw invalid(`Health check interval must be greater than the timeout`);
  const matcher = input.Matcher?.HttpCode ?? before.matcher;
  if (!/^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/.test(matcher)) throw invalid(`Health check matcher HTTP code '${matcher}' is not valid`);
  const path = input.HealthCheckPath ?? before.path;
  if (!path.startsWith('/')) throw invalid(`Health check path '${path}' must begin with a '/' character`);
  return {
    path,
    protocol: input.HealthCheckProtocol ?? before.protocol,
    interval,
    timeout,
    healthyThreshold: range('Healthy threshold', input.HealthyThresholdCount ?? before.healthyThreshold, 2, 10),
    unhealthyThreshold: range('Unhealthy threshold', input.UnhealthyThresholdCount ?? before.unhealthyThreshold, 2, 10),
    matcher,
  };
}

/** @throws ServiceError DuplicateTargetGroupNameException, ValidationError, NotImplemented */
export function makeGroup(service: LoadBalancingAccount, input: Omit<Elb.CreateTargetGroupInput, 'Tags'>): TargetGroup {
  const { Name: name = '', TargetType: targetType = 'instance' } = input;
  assertName('target group', name);
  if (targetType !== 'ip') throw new ServiceError('NotImplemented', `not implemented on local AWS: targets of type ${targetType}`, 501);
  if (input.Port === undefined) throw invalid('A port must be specified');
  if (input.VpcId === undefined) throw invalid('A VPC ID must be specified');
  if (input.Protocol !== 'HTTP' && input.Protocol !== 'HTTPS') throw invalid('A protocol of HTTP or HTTPS must be specified');
  if ([...service.groups.values()].some(({ settings }) => settings.name === name))
    throw new ServiceError(
      'DuplicateTargetGroupNameException',
      `A target group with the same name '${name}' exists, but with different settings`,
    );
  const fullName = `targetgroup/${name}/${service.id()}`;
  const arn = service.site.arn('elasticloadbalancing', fullName);
  const group = new TargetGroup(
    {
      arn,
      name,
      fullName,
      port: input.Port,
      protocol: input.Protocol,
      vpcId: input.VpcId,
      targetType,
      health: healthCheck(input),
      attributes: new Map([['deregistration_delay.timeout_seconds', '300']]),
    },
    service.site.world.clock,
    bound(service, service.isLedTo, arn),
  );
  service.addGroup(group);
  return group;
}

/** @throws ServiceError ValidationError */
export function setAttributes(group: TargetGroup, attributes: readonly Elb.TargetGroupAttribute[]): void {
  for (const { Key = '', Value = '' } of attributes) {
    if (Key === 'deregistration_delay.timeout_seconds' && !(/^\d+$/.test(Value) && Number(Value) <= 3600))
      throw invalid(`The attribute '${Key}' must be between 0 and 3600, but was '${Value}'`);
    if (Key === 'stickiness.enabled' && Value === 'true')
      throw new ServiceError('NotImplemented', 'not implemented on local AWS: sticky sessions', 501);
    group.settings.attributes.set(Key, Value);
  }
}

/** @throws ServiceError ResourceInUseException */
export function removeGroup(service: LoadBalancingAccount, arn: string): void {
  if (service.balancersOf(arn).length > 0)
    throw new ServiceError('ResourceInUseException', `Target group '${arn}' is currently in use by a listener or a rule`);
  service.groups.delete(arn);
  service.tags.delete(arn);
}

export function managementOperations(service: LoadBalancingAccount): Readonly<Record<string, Operation>> {
  const { site } = service;
  const on = (action: string, resource: string | undefined, context: Context = {}): Permission => ({
    action: `elasticloadbalancing:${action}`,
    resource: resource ?? '*',
    context: { ...service.resourceTags(resource), ...context },
  });
  const group = (arn: string | undefined) => service.describeGroups({ TargetGroupArns: [arn ?? ''] });
  const listeners = (arn: string) => service.describeListeners({ ListenerArns: [arn] });

  return {
    CreateLoadBalancer: {
      authorize: ({ Name, Scheme, Tags }: Elb.CreateLoadBalancerInput) => {
        const arn = site.arn('elasticloadbalancing', `loadbalancer/app/${Name}/*`);
        const scheme = { 'elasticloadbalancing:Scheme': Scheme ?? 'internet-facing' };
        return [on('CreateLoadBalancer', arn, { ...scheme, ...requestTags(Tags) }), ...tagOnCreate(arn, 'CreateLoadBalancer', Tags)];
      },
      handle: (input: Elb.CreateLoadBalancerInput) => {
        const { arn } = makeBalancer(service, input);
        service.tag(arn, input.Tags);
        return service.describeBalancers({ LoadBalancerArns: [arn] });
      },
    },
    DeleteLoadBalancer: {
      authorize: ({ LoadBalancerArn }: Elb.DeleteLoadBalancerInput) => [on('DeleteLoadBalancer', LoadBalancerArn)],
      handle: ({ LoadBalancerArn = '' }: Elb.DeleteLoadBalancerInput) => {
        // "If the load balancer does not exist or has already been deleted, the call succeeds."
        service.removeBalancer(LoadBalancerArn);
        return {};
      },
    },
    CreateListener: {
      authorize: ({ LoadBalancerArn, Protocol, Tags }: Elb.CreateListenerInput) => [
        on('CreateListener', LoadBalancerArn, { 'elasticloadbalancing:ListenerProtocol': Protocol ?? 'HTTP', ...requestTags(Tags) }),
        ...tagOnCreate('*', 'CreateListener', Tags),
      ],
      handle: (input: Elb.CreateListenerInput) => {
        const { arn } = makeListener(service, input);
        service.tag(arn, input.Tags);
        return listeners(arn);
      },
    },
    ModifyListener: {
      authorize: ({ ListenerArn }: Elb.ModifyListenerInput) => [on('ModifyListener', ListenerArn)],
      handle: (input: Elb.ModifyListenerInput) => listeners(changeListener(service, service.listener(input.ListenerArn), input).arn),
    },
    DeleteListener: {
      authorize: ({ ListenerArn }: Elb.DeleteListenerInput) => [on('DeleteListener', ListenerArn)],
      handle: ({ ListenerArn }: Elb.DeleteListenerInput) => {
        service.removeListener(service.listener(ListenerArn).arn);
        service.tags.delete(ListenerArn ?? '');
        return {};
      },
    },
    CreateTargetGroup: {
      authorize: ({ Name, Tags }: Elb.CreateTargetGroupInput) => {
        const arn = site.arn('elasticloadbalancing', `targetgroup/${Name}/*`);
        return [on('CreateTargetGroup', arn, requestTags(Tags)), ...tagOnCreate(arn, 'CreateTargetGroup', Tags)];
      },
      handle: (input: Elb.CreateTargetGroupInput) => {
        const { arn } = makeGroup(service, input).settings;
        service.tag(arn, input.Tags);
        return group(arn);
      },
    },
    ModifyTargetGroup: {
      authorize: ({ TargetGroupArn }: Elb.ModifyTargetGroupInput) => [on('ModifyTargetGroup', TargetGroupArn)],
      handle: (input: Elb.ModifyTargetGroupInput) => {
        const found = service.group(input.TargetGroupArn);
        found.settings.health = healthCheck(input, found.settings.health);
        found.reconsider();
        return group(input.TargetGroupArn);
      },
    },
    ModifyTargetGroupAttributes: {
      authorize: ({ TargetGroupArn }: Elb.ModifyTargetGroupAttributesInput) => [on('ModifyTargetGroupAttributes', TargetGroupArn)],
      handle: ({ TargetGroupArn, Attributes = [] }: Elb.ModifyTargetGroupAttributesInput) => {
        const found = service.group(TargetGroupArn);
        setAttributes(found, Attributes);
        return { Attributes: [...found.settings.attributes].map(([Key, Value]) => ({ Key, Value })) };
      },
    },
    DeleteTargetGroup: {
      authorize: ({ TargetGroupArn }: Elb.DeleteTargetGroupInput) => [on('DeleteTargetGroup', TargetGroupArn)],
      handle: ({ TargetGroupArn = '' }: Elb.DeleteTargetGroupInput) => {
        removeGroup(service, TargetGroupArn);
        return {};
      },
    },
    RegisterTargets: {
      authorize: ({ TargetGroupArn }: Elb.RegisterTargetsInput) => [on('RegisterTargets', TargetGroupArn)],
      handle: ({ TargetGroupArn, Targets = [] }: Elb.RegisterTargetsInput) => {
        const found = service.group(TargetGroupArn);
        for (const { Id = '', Port = found.settings.port } of Targets) {
          if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(Id))
            throw new ServiceError('InvalidTargetException', `The IP address '${Id}' is not a valid IPv4 address`);
          const there = found.targets.get(`${Id}:${Port}`);
          // "If a target is already registered, the call succeeds"; a draining one is taken back.
          if (there === undefined || there.state === 'draining') found.register(there ?? nobody(Id, Port));
        }
        return {};
      },
    },
    DeregisterTargets: {
      authorize: ({ TargetGroupArn }: Elb.DeregisterTargetsInput) => [on('DeregisterTargets', TargetGroupArn)],
      handle: ({ TargetGroupArn, Targets = [] }: Elb.DeregisterTargetsInput) => {
        const found = service.group(TargetGroupArn);
        for (const { Id = '', Port = found.settings.port } of Targets) {
          if (!found.targets.has(`${Id}:${Port}`))
            throw new ServiceError(
              'InvalidTargetException',
              `The following targets are not registered to the target group: '${Id}:${Port}'`,
            );
          found.deregister(Id, Port);
        }
        return {};
      },
    },
    AddTags: {
      authorize: ({ ResourceArns = [], Tags }: Elb.AddTagsInput) =>
        ResourceArns.map((arn) => ({ ...on('AddTags', arn, requestTags(Tags)), resource: taggable(arn) })),
      handle: ({ ResourceArns = [], Tags }: Elb.AddTagsInput) => {
        for (const arn of ResourceArns) assertExists(service, arn);
        for (const arn of ResourceArns) service.tag(arn, Tags);
        return {};
      },
    },
    RemoveTags: {
      authorize: ({ ResourceArns = [], TagKeys = [] }: Elb.RemoveTagsInput) =>
        ResourceArns.map((arn) => ({ ...on('RemoveTags', arn, { 'aws:TagKeys': TagKeys }), resource: taggable(arn) })),
      handle: ({ ResourceArns = [], TagKeys = [] }: Elb.RemoveTagsInput) => {
        for (const arn of ResourceArns) assertExists(service, arn);
        for (const arn of ResourceArns) for (const key of TagKeys) service.tags.get(arn)?.delete(key);
        return {};
      },
    },
    DescribeTags: {
      authorize: () => [{ action: 'elasticloadbalancing:DescribeTags', resource: '*' }],
      handle: ({ ResourceArns = [] }: Elb.DescribeTagsInput) => {
        for (const arn of ResourceArns) assertExists(service, arn);
        return {
          TagDescriptions: ResourceArns.map((arn) => ({
            ResourceArn: arn,
            Tags: [...(service.tags.get(arn) ?? [])].map(([Key, Value]) => ({ Key, Value })),
          })),
        };
      },
    },
  };
}

/** @throws ServiceError that the resource was not found */
function assertExists(service: LoadBalancingAccount, arn: string): void {
  if (arn.includes(':targetgroup/')) service.group(arn);
  else if (arn.includes(':listener-rule/')) service.rule(arn);
  else if (arn.includes(':listener/')) service.listener(arn);
  else service.describeBalancers({ LoadBalancerArns: [arn] });
}
