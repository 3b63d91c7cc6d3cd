/** Elastic Load Balancing: the listener rules that lead requests to services. The pipeline owns them; CDK owns the rest. */
import {
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  ModifyRuleCommand,
  PriorityInUseException,
  type Rule,
  SetRulePrioritiesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Connection, clientSettings } from './clients.ts';

export interface ServiceRule {
  readonly listenerArn: string;
  readonly targetGroupArn: string;
  /** Path pattern, such as `/orders*`. */
  readonly path: string;
  readonly priority: number;
  /** What every rule of the pipeline's at this listener shall have, by the name of its target group. */
  readonly priorities: Readonly<Record<string, number>>;
}

/** Somebody else creates or moves rules at the same moment: so often it is tried again. */
const TRIES = 5;

export class LoadBalancing {
  private readonly client: ElasticLoadBalancingV2Client;

  constructor(connection: Connection = {}) {
    this.client = new ElasticLoadBalancingV2Client(clientSettings(connection));
  }

  /**
   * Leads a path to a target group: creates the rule, or brings the one that is there to its path.
   * All rules of the pipeline at the listener come to their priorities at once, as a service that was added moves those behind it.
   * Where a rule that exists forwards to, and with which weights, is left alone.
   * @throws PriorityInUseException where a rule of somebody else has the priority
   */
  async ensureRule({ listenerArn, targetGroupArn, path, priority, priorities }: ServiceRule): Promise<void> {
    const Conditions = [{ Field: 'path-pattern', PathPatternConfig: { Values: [path] } }];
    for (let tries = 1; ; tries++) {
      const rules = await this.rules(listenerArn);
      const own = rules.find((rule) => targetGroupsOf(rule).includes(targetGroupArn));
      try {
        const moved = rules.flatMap((rule) => {
          const wanted = targetGroupsOf(rule).map((arn) => priorities[targetGroupNameOf(arn)])[0];
          return wanted === undefined || wanted === Number(rule.Priority) ? [] : [{ RuleArn: rule.RuleArn, Priority: wanted }];
        });
        if (moved.length > 0) await this.client.send(new SetRulePrioritiesCommand({ RulePriorities: moved }));
        if (own === undefined) {
          const Actions = [{ Type: 'forward' as const, TargetGroupArn: targetGroupArn }];
          await this.client.send(new CreateRuleCommand({ ListenerArn: listenerArn, Priority: priority, Conditions, Actions }));
        } else if (pathsOf(own).join() !== path) await this.client.send(new ModifyRuleCommand({ RuleArn: own.RuleArn, Conditions }));
        return;
      } catch (error) {
        if (!(error instanceof PriorityInUseException) || tries >= TRIES) throw error;
      }
    }
  }

  private async rules(listenerArn: string): Promise<Rule[]> {
    const found: Rule[] = [];
    let Marker: string | undefined;
    do {
      const page = await this.client.send(new DescribeRulesCommand({ ListenerArn: listenerArn, ...(Marker ? { Marker } : {}) }));
      found.push(...(page.Rules ?? []));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    return found.filter(({ IsDefault }) => !IsDefault);
  }

  /** Deletes every rule of a listener but its default, so that requests get the fixed response. */
  async deleteRules(listenerArn: string, targetGroups?: readonly string[]): Promise<void> {
    for (const rule of await this.rules(listenerArn)) {
      const ours = targetGroups === undefined || targetGroupsOf(rule).some((arn) => targetGroups.includes(arn));
      if (rule.RuleArn && ours) await this.client.send(new DeleteRuleCommand({ RuleArn: rule.RuleArn }));
    }
  }
}

const targetGroupsOf = ({ Actions = [] }: Rule): string[] =>
  Actions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
    ...(TargetGroupArn ? [TargetGroupArn] : []),
    ...(ForwardConfig?.TargetGroups ?? []).flatMap((group) => group.TargetGroupArn ?? []),
  ]);

const pathsOf = ({ Conditions = [] }: Rule) =>
  Conditions.flatMap(({ PathPatternConfig, Values }) => PathPatternConfig?.Values ?? Values ?? []);

/** `arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<id>` */
const targetGroupNameOf = (arn: string) => arn.split('/')[1] ?? '';
