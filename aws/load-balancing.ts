/** Elastic Load Balancing: the listener rules that lead requests to services. The pipeline owns them; CDK owns the rest. */
import {
  DeleteRuleCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Connection, clientSettings } from './clients.ts';

export class LoadBalancing {
  readonly client: ElasticLoadBalancingV2Client;

  constructor(connection: Connection = {}) {
    this.client = new ElasticLoadBalancingV2Client(clientSettings(connection));
  }

  /** All rules but the default. */
  async rules(listenerArn: string): Promise<Rule[]> {
    const found: Rule[] = [];
    let Marker: string | undefined;
    do {
      const page = await this.client.send(new DescribeRulesCommand({ ListenerArn: listenerArn, ...(Marker ? { Marker } : {}) }));
      found.push(...(page.Rules ?? []));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    return found.filter(({ IsDefault }) => !IsDefault);
  }

  /** Deletes rules of a listener, never its default, by where they lead: requests get the fixed response then. */
  async deleteRules(listenerArn: string, isMeant: (led: readonly string[]) => boolean): Promise<void> {
    for (const rule of await this.rules(listenerArn))
      if (rule.RuleArn && isMeant(targetGroupsOf(rule))) await this.client.send(new DeleteRuleCommand({ RuleArn: rule.RuleArn }));
  }
}

/** Where a rule leads; AWS says a single target group twice. */
export const targetGroupsOf = ({ Actions = [] }: Rule): string[] =>
  Actions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
    ...(TargetGroupArn ? [TargetGroupArn] : []),
    ...(ForwardConfig?.TargetGroups ?? []).flatMap((group) => group.TargetGroupArn ?? []),
  ]);
