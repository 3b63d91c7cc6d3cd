/** The traffic of a service behind application load balancers: the weights of listener rules, read and changed in its infrastructure role. */
import type { LoadBalancer } from '@aws-sdk/client-ecs';
import type { Action, DescribeRulesOutput, Rule, TargetGroupTuple } from '@aws-sdk/client-elastic-load-balancing-v2';
import { assertAssumable, authorize } from '../../core/iam/authorize.ts';
import { identities } from '../../core/iam/identities.ts';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import type { Course } from './course.ts';
import { ECS } from './strategy.ts';
import { loadBalancing } from './targets.ts';

/** Why a deployment cannot go on, in AWS's words. */
export class StageFailure extends Error {}

/** One load balancer of a deployment: its rules, and the two target groups that take turns. */
export interface Route {
  readonly roleArn: string;
  readonly production: string;
  readonly test: string | undefined;
  readonly blue: string;
  readonly green: string;
}

/** Before another try after a throttle or a fault. AWS names no number. */
const RETRY = 5000;
const MAX_TRIES = 10;

/** Another try may help. */
export const isPassing = ({ status, code }: ServiceError) => status >= 500 || /throttl|toomanyrequests/i.test(code);

/** The target groups of a rule with their weights, in order; those of a plain forward have weight 1. */
function groupsOf(actions: readonly Action[]): readonly { readonly arn: string; readonly weight: number }[] {
  const { ForwardConfig, TargetGroupArn } = actions.find(({ Type }) => Type === 'forward') ?? {};
  const tuples: readonly TargetGroupTuple[] = ForwardConfig?.TargetGroups ?? (TargetGroupArn ? [{ TargetGroupArn }] : []);
  return tuples.map(({ TargetGroupArn: arn = '', Weight = 1 }) => ({ arn, weight: Weight }));
}

/** "Each target group weight is a value from 0 to 999". Seen in accounts: all or nothing is 100 to 0, a canary of 5 % is 50 to 950. */
export function weightsOf(percent: number): { readonly green: number; readonly blue: number } {
  if (percent === 0 || percent === 100) return { green: percent, blue: 100 - percent };
  const tenths = Math.round(percent * 10);
  return { green: Math.min(999, tenths), blue: Math.min(999, 1000 - tenths) };
}

const invalidNetworking = (detail: string) =>
  new StageFailure(`Service deployment rolled back because of invalid networking configuration${detail}`);

/** A session of a role that trusts ECS. @throws ServiceError */
export function assumeForEcs(site: Site, roleArn: string, session: string): Principal {
  // Without condition keys: AWS documents none for infrastructure roles and roles of hooks.
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html
  assertAssumable(site.world, roleArn, ECS, site.region);
  return identities(site.world, roleArn.split(':')[4] ?? '').rolePrincipal(roleArn, session);
}

export class Traffic {
  private readonly site: Site;

  constructor(site: Site) {
    this.site = site;
  }

  /**
   * Passes if ECS may use a target group for tasks of a service, in the infrastructure role.
   * @throws ServiceError AccessDeniedException
   */
  assertMay(action: 'RegisterTargets' | 'DeregisterTargets' | 'DescribeTargetHealth', roleArn: string, target: string): void {
    const principal = assumeForEcs(this.site, roleArn, 'ecs-service-scheduler');
    const permission =
      action === 'DescribeTargetHealth' ? { resource: '*' } : { resource: target, context: loadBalancing(this.site).resourceTags(target) };
    authorize(this.site.world, principal, { action: `elasticloadbalancing:${action}`, ...permission }, this.site.region);
  }

  /**
   * Which target group serves production and which one is free, for each load balancer: the rules say it.
   * @throws StageFailure where they do not fit the service
   */
  async routes(course: Course, loadBalancers: readonly LoadBalancer[]): Promise<readonly Route[]> {
    const routes: Route[] = [];
    for (const one of loadBalancers) routes.push(await this.route(course, one));
    return routes;
  }

  private async route(course: Course, { targetGroupArn = '', advancedConfiguration }: LoadBalancer): Promise<Route> {
    const {
      alternateTargetGroupArn: alternate = '',
      productionListenerRule: production = '',
      testListenerRule: test,
    } = advancedConfiguration!;
    const roleArn = advancedConfiguration!.roleArn!;
    const actions = await this.rule(course, roleArn, production);
    const testActions = test === undefined ? [] : await this.rule(course, roleArn, test);
    const led = groupsOf(actions);
    const serving = led.filter(({ weight }) => weight > 0);
    const stranger = serving.find(({ arn }) => arn !== targetGroupArn && arn !== alternate);
    if (stranger !== undefined)
      throw invalidNetworking(
        `. Production listener rule is forwarding traffic to unexpected target group ${stranger.arn}. Expected traffic to be forwarded to either targetGroupArn: ${targetGroupArn} or alternateTargetGroupArn: ${alternate}`,
      );
    if (serving.length !== 1)
      throw invalidNetworking(
        `. productionListenerRule ${production} should have exactly one target group serving traffic but found ${serving.length} target groups which are serving traffic`,
      );
    const associated = [...led, ...groupsOf(testActions)].map(({ arn }) => arn);
    const missing = [targetGroupArn, alternate].find((arn) => !associated.includes(arn));
    if (missing !== undefined)
      throw invalidNetworking(`: Target group ${missing} is not associated with either productionListenerRule or testListenerRule.`);
    const blue = serving[0]!.arn;
    return { roleArn, production, test, blue, green: blue === alternate ? targetGroupArn : alternate };
  }

  private async rule(course: Course, roleArn: string, ruleArn: string): Promise<readonly Action[]> {
    try {
      return (await this.read(course, roleArn, ruleArn)).Actions ?? [];
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.status === 403 || error.code === 'NoSuchEntity')
        throw invalidNetworking(
          `. ECS was unable to manage the ELB resources due to missing permissions on ECS Infrastructure Role '${roleArn}'.`,
        );
      throw invalidNetworking(`. ${error.message}`);
    }
  }

  private async read(course: Course, roleArn: string, ruleArn: string): Promise<Rule> {
    const { Rules = [] } = await this.call<DescribeRulesOutput>(course, roleArn, 'DescribeRules', { RuleArns: [ruleArn] });
    return Rules[0] ?? {};
  }

  /** In the infrastructure role; throttles and faults of the service are tried again. @throws ServiceError */
  private async call<Output>(course: Course, roleArn: string, operation: string, input: object): Promise<Output> {
    for (let tries = 1; ; tries++)
      try {
        const principal = assumeForEcs(this.site, roleArn, 'ECSNetworkingWithELB');
        return await course.hear(this.site.call<Output>(principal, 'elasticloadbalancing', operation, input));
      } catch (error) {
        if (!(error instanceof ServiceError) || !isPassing(error) || tries === MAX_TRIES) throw error;
        await course.wait(RETRY, `${operation} is tried again`);
      }
  }

  /**
   * Gives green so many percent of production or of test traffic, and blue the rest.
   * @throws ServiceError what the load balancer answers
   */
  async shift(course: Course, routes: readonly Route[], kind: 'production' | 'test', percent: number): Promise<void> {
    for (const route of routes) {
      const ruleArn = route[kind];
      if (ruleArn === undefined) continue;
      const rule = await this.read(course, route.roleArn, ruleArn);
      const weights = weightsOf(percent);
      const TargetGroups = [
        { TargetGroupArn: route.blue, Weight: weights.blue },
        { TargetGroupArn: route.green, Weight: weights.green },
      ];
      const Actions = (rule.Actions ?? []).map((action): Action => {
        if (action.Type !== 'forward') return action;
        const { TargetGroupArn: _, ...rest } = action;
        return { ...rest, ForwardConfig: { ...action.ForwardConfig, TargetGroups } };
      });
      // A default rule changes with its listener: `…:listener-rule/app/<name>/<id>/<listener>/<rule>`.
      const ListenerArn = ruleArn.slice(0, ruleArn.lastIndexOf('/')).replace(':listener-rule/', ':listener/');
      if (rule.IsDefault) await this.call(course, route.roleArn, 'ModifyListener', { ListenerArn, DefaultActions: Actions });
      else await this.call(course, route.roleArn, 'ModifyRule', { RuleArn: ruleArn, Actions });
    }
  }
}
