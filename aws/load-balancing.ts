/** Elastic Load Balancing: the listener rules that lead requests to services. The pipeline owns them; CDK owns the rest. */
import {
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  PriorityInUseException,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Connection, clientSettings } from './clients.ts';

export interface ServiceRule {
  readonly listenerArn: string;
  readonly targetGroupArn: string;
  /** Path pattern, such as `/orders*`. */
  readonly path: string;
  readonly priority: number;
}

export class LoadBalancing {
  private readonly client: ElasticLoadBalancingV2Client;

  constructor(connection: Connection = {}) {
    this.client = new ElasticLoadBalancingV2Client(clientSettings(connection));
  }

  /** Creates the rule if its priority is free; an existing rule of that priority is ours and stays. */
  async ensureRule({ listenerArn, targetGroupArn, path, priority }: ServiceRule): Promise<void> {
    try {
      await this.client.send(
        new CreateRuleCommand({
          ListenerArn: listenerArn,
          Priority: priority,
          Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: [path] } }],
          Actions: [{ Type: 'forward', TargetGroupArn: targetGroupArn }],
        }),
      );
    } catch (error) {
      if (!(error instanceof PriorityInUseException)) throw error;
    }
  }

  /** Deletes every rule of a listener but its default, so that requests get the fixed response. */
  async deleteRules(listenerArn: string, targetGroups?: readonly string[]): Promise<void> {
    const { Rules = [] } = await this.client.send(new DescribeRulesCommand({ ListenerArn: listenerArn }));
    for (const { RuleArn, IsDefault, Actions } of Rules) {
      const ours = targetGroups === undefined || Actions?.some(({ TargetGroupArn }) => targetGroups.includes(TargetGroupArn ?? ''));
      if (RuleArn && !IsDefault && ours) await this.client.send(new DeleteRuleCommand({ RuleArn }));
    }
  }
}
