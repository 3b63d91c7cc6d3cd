/** The load balancers, listeners, rules and target groups of one account and Region, and the way of a request through them. */
import type * as Elb from '@aws-sdk/client-elastic-load-balancing-v2';
import { bound } from '../../core/bound.ts';
import { ConnectionError, type HttpRequest, type HttpResponse, textResponse } from '../../core/http.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { Metrics } from './metrics.ts';
import { checkConditions, checkForward, described, forwardedTo, inOrder, type ListenerRule, ruleFor } from './rules.ts';
import { type HealthCheck, type HealthListener, healthOf, type TargetGroup, type TargetRegistration, type TargetState } from './targets.ts';

export interface LoadBalancer {
  readonly arn: string;
  readonly name: string;
  readonly fullName: string;
  readonly dnsName: string;
  readonly scheme: string;
}

export interface Listener {
  readonly arn: string;
  readonly loadBalancer: LoadBalancer;
  port: number;
  protocol: string;
  readonly rules: ListenerRule[];
}

const hostOf = ({ loadBalancer, port }: Listener) => `${loadBalancer.dnsName}:${port}`;

const html = (status: number, title: string): HttpResponse =>
  textResponse(
    status,
    `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
    {
      'content-type': 'text/html',
      server: 'awselb/2.0',
    },
  );

function assertPriority(priority: number | undefined): asserts priority is number {
  if (priority === undefined || !Number.isInteger(priority) || priority < 1 || priority > 50_000)
    throw new ServiceError('ValidationError', `Priority must be between 1 and 50000, but was ${priority}`);
}

export class LoadBalancingAccount {
  readonly site: Site;
  readonly balancers = new Map<string, LoadBalancer>();
  readonly listeners = new Map<string, Listener>();
  readonly groups = new Map<string, TargetGroup>();
  /** Of load balancers, listeners, rules and target groups, by ARN. */
  readonly tags = new Map<string, Map<string, string>>();
  readonly metrics: Metrics;
  private readonly random;
  /** For requests from outside, which are not made again when a data folder is played again: they must not change what chance brings others. */
  private readonly visitors;

  constructor(site: Site) {
    this.site = site;
    this.random = site.world.random.fork(`elasticloadbalancing/${site.account}/${site.region}`);
    this.visitors = site.world.random.fork(`elasticloadbalancing/${site.account}/${site.region}/visitors`);
    this.metrics = new Metrics(site);
  }

  // ---- what services do among themselves

  /** @throws ServiceError TargetGroupNotFoundException */
  targetGroup(arn: string): { readonly arn: string; readonly port: number; readonly loadBalancerArns: readonly string[] } {
    return { arn, port: this.group(arn).settings.port, loadBalancerArns: this.balancersOf(arn) };
  }

  /** @throws ServiceError RuleNotFoundException */
  groupsOfRule(ruleArn: string): readonly string[] {
    return forwardedTo(this.rule(ruleArn).rule.actions);
  }

  registerTarget(targetGroupArn: string, target: TargetRegistration): void {
    this.group(targetGroupArn).register(target);
  }

  /** It drains for the group's delay; no new request goes there. */
  deregisterTarget(targetGroupArn: string, id: string, port: number): void {
    this.groups.get(targetGroupArn)?.deregister(id, port);
  }

  targetHealth(targetGroupArn: string, id: string): TargetState {
    const target = [...this.group(targetGroupArn).targets.values()].find((one) => one.id === id);
    return target?.state ?? 'unused';
  }

  /** What probes from outside of a target have found out, as {@link TargetGroup.probed}; of no interest once the group is gone. */
  probed(targetGroupArn: string, id: string, port: number, state: 'healthy' | 'unhealthy', failure?: number | 'nothing'): void {
    this.groups.get(targetGroupArn)?.probed(id, port, state, failure);
  }

  /** What whoever probes a target from outside needs to know; undefined once it is not registered any more. */
  probing(targetGroupArn: string, id: string, port: number): { readonly state: TargetState; readonly health: HealthCheck } | undefined {
    const group = this.groups.get(targetGroupArn);
    const target = group?.targets.get(`${id}:${port}`);
    return group && target && { state: target.state, health: group.settings.health };
  }

  /** @returns ends it */
  onTargetHealth(targetGroupArn: string, listener: HealthListener): () => void {
    return this.group(targetGroupArn).listen(listener);
  }

  /** Seconds. */
  deregistrationDelay(targetGroupArn: string): number {
    return this.group(targetGroupArn).deregistrationDelay;
  }

  /** Adds tags to a resource. */
  tag(arn: string, tags: readonly Elb.Tag[] | undefined): void {
    const all = this.tags.get(arn) ?? new Map<string, string>();
    for (const { Key = '', Value = '' } of tags ?? []) all.set(Key, Value);
    this.tags.set(arn, all);
  }

  /** Condition keys for the tags that a resource carries. */
  resourceTags(arn: string | undefined): Record<string, string> {
    return Object.fromEntries([...(this.tags.get(arn ?? '') ?? [])].map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
  }

  // ---- what the template loader and the API make

  id(): string {
    return this.random.hex(16);
  }

  addBalancer(balancer: LoadBalancer): void {
    this.balancers.set(balancer.arn, balancer);
    // Without a port the scheme decides; a request does not tell it, so HTTP goes before HTTPS.
    this.site.world.listen(balancer.dnsName, bound(this, this.answerAnyPort, balancer));
  }

  private answerAnyPort(balancer: LoadBalancer, request: HttpRequest): Promise<HttpResponse> {
    const own = [...this.listeners.values()].filter(({ loadBalancer }) => loadBalancer === balancer);
    const listener = own.find(({ port }) => port === 80) ?? own.find(({ port }) => port === 443);
    if (listener === undefined) throw new ConnectionError('ECONNREFUSED', balancer.dnsName);
    return this.answer(listener, request);
  }

  removeBalancer(arn: string): void {
    const balancer = this.balancers.get(arn);
    this.balancers.delete(arn);
    this.tags.delete(arn);
    if (balancer) this.site.world.close(balancer.dnsName);
    for (const listener of this.listeners.values()) if (listener.loadBalancer === balancer) this.removeListener(listener.arn);
  }

  addListener(listener: Listener): void {
    this.listeners.set(listener.arn, listener);
    this.open(listener);
    for (const { actions } of listener.rules) this.reconsiderUse(actions);
  }

  /** Without a moment at which nobody listens. */
  moveListener(listener: Listener, port: number, protocol: string): void {
    this.site.world.close(hostOf(listener));
    Object.assign(listener, { port, protocol });
    this.open(listener);
  }

  private open(listener: Listener): void {
    this.site.world.listen(hostOf(listener), bound(this, this.answer, listener));
  }

  removeListener(arn: string): void {
    const listener = this.listeners.get(arn);
    this.listeners.delete(arn);
    if (listener === undefined) return;
    this.site.world.close(hostOf(listener));
    for (const { actions } of listener.rules) this.reconsiderUse(actions);
  }

  addGroup(group: TargetGroup): void {
    const { arn } = group.settings;
    this.groups.set(arn, group);
    group.listen(bound(this, this.countHosts, group));
  }

  private countHosts(group: TargetGroup): void {
    const leading = this.balancersOf(group.settings.arn).flatMap((balancer) => this.balancers.get(balancer)?.fullName ?? []);
    this.metrics.hosts(group, leading);
  }

  /** Whether a load balancer leads to a target group. */
  isLedTo(targetGroupArn: string): boolean {
    return this.balancersOf(targetGroupArn).length > 0;
  }

  /** The load balancers whose rules lead to a target group. */
  balancersOf(targetGroupArn: string): string[] {
    const leading = [...this.listeners.values()].filter(({ rules }) =>
      rules.some(({ actions }) => forwardedTo(actions).includes(targetGroupArn)),
    );
    return [...new Set(leading.map(({ loadBalancer }) => loadBalancer.arn))];
  }

  // ---- routing

  private async answer(listener: Listener, request: HttpRequest): Promise<HttpResponse> {
    this.site.world.meter.record('elasticloadbalancing.request', 1, { loadBalancer: listener.loadBalancer.name });
    const rule = ruleFor(listener.rules, request);
    const action = rule?.actions.at(-1);
    switch (action?.Type) {
      case 'fixed-response': {
        const { StatusCode = '503', ContentType = 'text/plain', MessageBody = '' } = action.FixedResponseConfig ?? {};
        return textResponse(Number(StatusCode), MessageBody, { 'content-type': ContentType, server: 'awselb/2.0' });
      }
      case 'redirect': {
        const {
          Protocol = '#{protocol}',
          Host = '#{host}',
          Port = '#{port}',
          Path = '/#{path}',
          Query = '#{query}',
          StatusCode,
        } = action.RedirectConfig ?? {};
        const [host = '', port = '80'] = request.host.split(':');
        const fill = (text: string) =>
          text
            .replaceAll('#{protocol}', listener.protocol)
            .replaceAll('#{host}', host)
            .replaceAll('#{port}', port)
            .replaceAll('#{path}', request.path.slice(1))
            .replaceAll('#{query}', request.query);
        const query = fill(Query);
        const location = `${fill(Protocol).toLowerCase()}://${fill(Host)}:${fill(Port)}${fill(Path)}${query && `?${query}`}`;
        const answer = StatusCode === 'HTTP_301' ? html(301, 'Moved Permanently') : html(302, 'Found');
        return { ...answer, headers: { ...answer.headers, location } };
      }
      default: {
        const isVisitor = request.received !== undefined;
        const group = action && this.forward(action, isVisitor);
        const target = group?.choose(isVisitor);
        const { fullName } = listener.loadBalancer;
        if (group === undefined || target === undefined) {
          this.metrics.refused(fullName, 503, isVisitor);
          return html(503, 'Service Temporarily Unavailable');
        }
        const { clock } = this.site.world;
        const sent = clock.now();
        try {
          const response = await group.ask(target, {
            ...request,
            headers: { ...request.headers, 'x-forwarded-for': '198.51.100.1', 'x-forwarded-proto': listener.protocol.toLowerCase() },
          });
          this.metrics.answered(fullName, group.settings.fullName, response.status, (clock.now() - sent) / 1000, isVisitor);
          return response;
        } catch {
          if (request.stream?.destroyed && !request.stream.readableEnded) {
            // "The client closed the connection with the load balancer": no target's fault.
            this.metrics.refused(fullName, 460, isVisitor);
            return html(460, 'Client Closed Request');
          }
          this.metrics.lost(fullName, group.settings.fullName, isVisitor);
          return html(502, 'Bad Gateway');
        }
      }
    }
  }

  /** One of the groups of an action, by their weights. */
  private forward({ TargetGroupArn, ForwardConfig }: Elb.Action, isVisitor: boolean): TargetGroup | undefined {
    const weighted = ForwardConfig?.TargetGroups ?? [{ TargetGroupArn, Weight: 1 }];
    const total = weighted.reduce((sum, { Weight = 1 }) => sum + Weight, 0);
    if (total === 0) return undefined;
    let at = weighted.length === 1 ? 0 : (isVisitor ? this.visitors : this.random).next() * total;
    const chosen = weighted.find(({ Weight = 1 }) => {
      at -= Weight;
      return at < 0;
    });
    return this.groups.get((chosen ?? weighted[0])?.TargetGroupArn ?? '');
  }

  /** Rules changed: target groups that one leads to are probed from now on, those that none leads to any more are not. */
  reconsiderUse(actions: readonly Elb.Action[]): void {
    for (const arn of forwardedTo(actions)) this.groups.get(arn)?.reconsiderUse();
  }

  // ---- operations

  createRule({ ListenerArn, Priority, Conditions = [], Actions = [], Tags }: Elb.CreateRuleInput): Elb.CreateRuleOutput {
    const listener = this.listener(ListenerArn);
    if (Conditions.length === 0) throw new ServiceError('ValidationError', 'A rule must have at least one condition');
    if (Actions.length === 0) throw new ServiceError('ValidationError', 'A rule must have at least one action');
    checkConditions(Conditions);
    this.checkActions(Actions);
    assertPriority(Priority);
    if (listener.rules.some(({ priority }) => priority === Priority))
      throw new ServiceError('PriorityInUseException', `Priority '${Priority}' is currently in use`);
    const arn = `${listener.arn.replace(':listener/', ':listener-rule/')}/${this.id()}`;
    const rule: ListenerRule = { arn, priority: Priority, conditions: Conditions, actions: Actions };
    listener.rules.push(rule);
    this.tag(arn, Tags);
    this.reconsiderUse(Actions);
    return { Rules: [described(rule)] };
  }

  modifyRule({ RuleArn, Conditions, Actions }: Elb.ModifyRuleInput): Elb.ModifyRuleOutput {
    const { rule } = this.rule(RuleArn);
    // It is changed by ModifyListener.
    if (rule.priority === undefined) throw new ServiceError('OperationNotPermittedException', 'Default rule cannot be modified');
    if (Conditions) checkConditions(Conditions);
    if (Actions) this.checkActions(Actions);
    const before = rule.actions;
    rule.conditions = Conditions ?? rule.conditions;
    rule.actions = Actions ?? rule.actions;
    this.reconsiderUse([...before, ...rule.actions]);
    return { Rules: [described(rule)] };
  }

  deleteRule({ RuleArn }: Elb.DeleteRuleInput): Elb.DeleteRuleOutput {
    const { listener, rule } = this.rule(RuleArn);
    if (rule.priority === undefined) throw new ServiceError('OperationNotPermittedException', 'Default rule cannot be deleted');
    listener.rules.splice(listener.rules.indexOf(rule), 1);
    this.tags.delete(rule.arn);
    this.reconsiderUse(rule.actions);
    return {};
  }

  setPriorities({ RulePriorities = [] }: Elb.SetRulePrioritiesInput): Elb.SetRulePrioritiesOutput {
    const changed = RulePriorities.map(({ RuleArn, Priority }) => ({ ...this.rule(RuleArn), to: Priority }));
    for (const { listener, rule, to } of changed) {
      if (rule.priority === undefined) throw new ServiceError('OperationNotPermittedException', 'The priority of a default rule is fixed');
      assertPriority(to);
      // What each rule shall have once all are changed.
      const other = listener.rules.find(
        ({ priority, arn }) => arn !== rule.arn && (changed.find((one) => one.rule.arn === arn)?.to ?? priority) === to,
      );
      if (other) throw new ServiceError('PriorityInUseException', `Priority '${to}' is currently in use`);
    }
    for (const { rule, to } of changed) rule.priority = to;
    return { Rules: changed.map(({ rule }) => described(rule)) };
  }

  rulesOf({ ListenerArn, RuleArns }: Elb.DescribeRulesInput): ListenerRule[] {
    if (ListenerArn) return inOrder(this.listener(ListenerArn).rules);
    if (!RuleArns?.length) throw new ServiceError('ValidationError', 'A listener or rules must be specified');
    return RuleArns.map((arn) => this.rule(arn).rule);
  }

  describeBalancers({ LoadBalancerArns, Names }: Elb.DescribeLoadBalancersInput): Elb.DescribeLoadBalancersOutput {
    const found = [...this.balancers.values()].filter(
      ({ arn, name }) => (LoadBalancerArns?.includes(arn) ?? true) && (Names?.includes(name) ?? true),
    );
    if ((LoadBalancerArns || Names) && found.length < (LoadBalancerArns ?? Names ?? []).length)
      throw new ServiceError('LoadBalancerNotFoundException', 'One or more load balancers not found');
    return {
      LoadBalancers: found.map(({ arn, name, dnsName, scheme }) => ({
        LoadBalancerArn: arn,
        LoadBalancerName: name,
        DNSName: dnsName,
        Scheme: scheme as 'internet-facing',
        Type: 'application',
        State: { Code: 'active' },
      })),
    };
  }

  describeListeners({ LoadBalancerArn, ListenerArns }: Elb.DescribeListenersInput): Elb.DescribeListenersOutput {
    const found = ListenerArns
      ? ListenerArns.map((arn) => this.listener(arn))
      : [...this.listeners.values()].filter(({ loadBalancer }) => loadBalancer.arn === LoadBalancerArn);
    return {
      Listeners: found.map(({ arn, loadBalancer, port, protocol, rules }) => ({
        ListenerArn: arn,
        LoadBalancerArn: loadBalancer.arn,
        Port: port,
        Protocol: protocol as 'HTTP',
        DefaultActions: [...(rules.find(({ priority }) => priority === undefined)?.actions ?? [])],
      })),
    };
  }

  describeGroups({ TargetGroupArns, Names, LoadBalancerArn }: Elb.DescribeTargetGroupsInput): Elb.DescribeTargetGroupsOutput {
    const wanted = TargetGroupArns ? TargetGroupArns.map((arn) => this.group(arn)) : [...this.groups.values()];
    const found = wanted.filter(
      ({ settings }) =>
        (Names?.includes(settings.name) ?? true) &&
        (LoadBalancerArn === undefined || this.balancersOf(settings.arn).includes(LoadBalancerArn)),
    );
    return {
      TargetGroups: found.map(({ settings: { arn, name, port, protocol, vpcId, targetType, health } }) => ({
        TargetGroupArn: arn,
        TargetGroupName: name,
        Port: port,
        Protocol: protocol as 'HTTP',
        ...(vpcId ? { VpcId: vpcId } : {}),
        TargetType: targetType as 'ip',
        LoadBalancerArns: this.balancersOf(arn),
        HealthCheckPath: health.path,
        HealthCheckProtocol: health.protocol as 'HTTP',
        HealthCheckIntervalSeconds: health.interval,
        HealthCheckTimeoutSeconds: health.timeout,
        HealthyThresholdCount: health.healthyThreshold,
        UnhealthyThresholdCount: health.unhealthyThreshold,
        Matcher: { HttpCode: health.matcher },
      })),
    };
  }

  describeHealth({ TargetGroupArn, Targets }: Elb.DescribeTargetHealthInput): Elb.DescribeTargetHealthOutput {
    const all = [...this.group(TargetGroupArn).targets.values()].filter(({ id }) => Targets?.some(({ Id }) => Id === id) ?? true);
    const unknown = (Targets ?? []).filter(({ Id }) => !all.some(({ id }) => id === Id));
    return {
      TargetHealthDescriptions: [
        ...all.map((target) => ({
          Target: { Id: target.id, Port: target.port },
          HealthCheckPort: String(target.port),
          TargetHealth: healthOf(target),
        })),
        ...unknown.map((Target) => ({
          Target,
          TargetHealth: {
            State: 'unused' as const,
            Reason: 'Target.NotRegistered' as const,
            Description: 'Target is not registered to the target group',
          },
        })),
      ],
    };
  }

  checkActions(actions: readonly Elb.Action[]): void {
    for (const { Type, ForwardConfig } of actions) {
      if (!['forward', 'fixed-response', 'redirect'].includes(Type ?? ''))
        throw new ServiceError('NotImplemented', `not implemented on local AWS: a rule action ${Type}`, 501);
      if (ForwardConfig) checkForward(ForwardConfig);
    }
    for (const arn of forwardedTo(actions)) this.group(arn);
  }

  group(arn: string | undefined): TargetGroup {
    const group = this.groups.get(arn ?? '');
    if (group === undefined) throw new ServiceError('TargetGroupNotFoundException', 'One or more target groups not found');
    return group;
  }

  listener(arn: string | undefined): Listener {
    const listener = this.listeners.get(arn ?? '');
    if (listener === undefined) throw new ServiceError('ListenerNotFoundException', 'One or more listeners not found');
    return listener;
  }

  rule(arn: string | undefined): { listener: Listener; rule: ListenerRule } {
    for (const listener of this.listeners.values()) {
      const rule = listener.rules.find((one) => one.arn === arn);
      if (rule) return { listener, rule };
    }
    throw new ServiceError('RuleNotFoundException', 'One or more rules not found');
  }
}
