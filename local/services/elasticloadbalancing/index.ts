/** Elastic Load Balancing, version 2: application load balancers that route requests by rules to healthy targets. */
import type * as Elb from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operation, Permission, ResourceType, Service } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { LoadBalancingAccount } from './account.ts';
import { managementOperations, requestTags, tagOnCreate } from './management.ts';
import { loadBalancingResources } from './resources.ts';
import { described } from './rules.ts';

declare module '../../core/site.ts' {
  interface Services {
    elasticloadbalancing: LoadBalancing;
  }
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/ */
export class LoadBalancing extends LoadBalancingAccount implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;

  constructor(site: Site) {
    super(site);
    this.resources = loadBalancingResources(this);
    // "These actions do not know a resource": https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
    const anywhere = (action: string) => (): Permission[] => [{ action: `elasticloadbalancing:${action}`, resource: '*' }];
    const on = (action: string, resource: string | undefined, context?: Permission['context']): Permission[] => [
      { action: `elasticloadbalancing:${action}`, resource: resource ?? '*', context: { ...this.resourceTags(resource), ...context } },
    ];
    this.operations = {
      CreateRule: {
        authorize: ({ ListenerArn, Tags }: Elb.CreateRuleInput) => [
          ...on('CreateRule', ListenerArn, requestTags(Tags)),
          ...tagOnCreate((ListenerArn ?? '').replace(':listener/', ':listener-rule/').concat('/*'), 'CreateRule', Tags),
        ],
        handle: (input: Elb.CreateRuleInput) => this.createRule(input),
      },
      ModifyRule: {
        authorize: ({ RuleArn }: Elb.ModifyRuleInput) => on('ModifyRule', RuleArn),
        handle: (input: Elb.ModifyRuleInput) => this.modifyRule(input),
      },
      DeleteRule: {
        authorize: ({ RuleArn }: Elb.DeleteRuleInput) => on('DeleteRule', RuleArn),
        handle: (input: Elb.DeleteRuleInput) => this.deleteRule(input),
      },
      SetRulePriorities: {
        authorize: ({ RulePriorities = [] }: Elb.SetRulePrioritiesInput) =>
          RulePriorities.flatMap(({ RuleArn }) => on('SetRulePriorities', RuleArn)),
        handle: (input: Elb.SetRulePrioritiesInput) => this.setPriorities(input),
      },
      DescribeRules: {
        authorize: anywhere('DescribeRules'),
        handle: (input: Elb.DescribeRulesInput) => ({ Rules: this.rulesOf(input).map(described) }),
      },
      DescribeLoadBalancers: {
        authorize: anywhere('DescribeLoadBalancers'),
        handle: (input: Elb.DescribeLoadBalancersInput) => this.describeBalancers(input),
      },
      DescribeListeners: {
        authorize: anywhere('DescribeListeners'),
        handle: (input: Elb.DescribeListenersInput) => this.describeListeners(input),
      },
      DescribeTargetGroups: {
        authorize: anywhere('DescribeTargetGroups'),
        handle: (input: Elb.DescribeTargetGroupsInput) => this.describeGroups(input),
      },
      DescribeTargetGroupAttributes: {
        authorize: anywhere('DescribeTargetGroupAttributes'),
        handle: ({ TargetGroupArn }: Elb.DescribeTargetGroupAttributesInput) => ({
          Attributes: [...this.group(TargetGroupArn).settings.attributes].map(([Key, Value]) => ({ Key, Value })),
        }),
      },
      DescribeTargetHealth: {
        authorize: anywhere('DescribeTargetHealth'),
        handle: (input: Elb.DescribeTargetHealthInput) => this.describeHealth(input),
      },
      ...managementOperations(this),
    } satisfies Readonly<Record<string, Operation>>;
  }
}
