/** The listener rule of a service: made, moved, and brought to its path. Apart from `load-balancing.ts`, as few functions make rules. */
import {
  CreateRuleCommand,
  ModifyRuleCommand,
  PriorityInUseException,
  type Rule,
  SetRulePrioritiesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { type LoadBalancing, targetGroupsOf } from './load-balancing.ts';

export interface ServiceRule {
  readonly listenerArn: string;
  readonly targetGroupArn: string;
  /** Takes turns with it, where traffic shifts: ECS asks that the rule knows both. */
  readonly alternateArn?: string | undefined;
  /** Path pattern, such as `/orders*`. */
  readonly path: string;
  readonly priority: number;
  /** What every rule of the pipeline's at this listener shall have, by its path. */
  readonly priorities: Readonly<Record<string, number>>;
}

/** Somebody else creates or moves rules at the same moment: so often it is tried again. */
const TRIES = 5;

/**
 * Leads a path to a target group: creates the rule, or brings the one that is there to its path.
 * All rules of the pipeline at the listener come to their priorities at once, as a service that was added moves those behind it.
 * Where a rule that exists forwards to, and with which weights, is left alone.
 * @returns the rule's ARN
 * @throws PriorityInUseException where a rule of somebody else has the priority
 */
export async function ensureRule(
  balancing: Pick<LoadBalancing, 'client' | 'rules'>,
  { listenerArn, targetGroupArn, alternateArn, path, priority, priorities }: ServiceRule,
): Promise<string> {
  const Conditions = [{ Field: 'path-pattern', PathPatternConfig: { Values: [path] } }];
  for (let tries = 1; ; tries++) {
    const rules = await balancing.rules(listenerArn);
    const own = rules.find((rule) => targetGroupsOf(rule).some((arn) => arn === targetGroupArn || arn === alternateArn));
    try {
      const moved = rules.flatMap((rule) => {
        const wanted = rule === own ? priority : priorities[pathsOf(rule).join()];
        return wanted === undefined || wanted === Number(rule.Priority) ? [] : [{ RuleArn: rule.RuleArn, Priority: wanted }];
      });
      if (moved.length > 0) await balancing.client.send(new SetRulePrioritiesCommand({ RulePriorities: moved }));
      if (own === undefined) {
        const made = await balancing.client.send(
          new CreateRuleCommand({
            ListenerArn: listenerArn,
            Priority: priority,
            Conditions,
            Actions: forward(targetGroupArn, alternateArn),
          }),
        );
        return made.Rules?.[0]?.RuleArn ?? '';
      }
      if (pathsOf(own).join() !== path) await balancing.client.send(new ModifyRuleCommand({ RuleArn: own.RuleArn, Conditions }));
      // Made when its service was still rolled.
      if (alternateArn !== undefined && !targetGroupsOf(own).includes(alternateArn))
        await balancing.client.send(new ModifyRuleCommand({ RuleArn: own.RuleArn, Actions: forward(targetGroupArn, alternateArn) }));
      return own.RuleArn ?? '';
    } catch (error) {
      if (!(error instanceof PriorityInUseException) || tries >= TRIES) throw error;
    }
  }
}

const pathsOf = ({ Conditions = [] }: Rule) =>
  Conditions.flatMap(({ PathPatternConfig, Values }) => PathPatternConfig?.Values ?? Values ?? []);

/** All to the first; the other one is known to the rule, and gets nothing. */
const forward = (targetGroupArn: string, alternateArn: string | undefined) => [
  alternateArn === undefined
    ? { Type: 'forward' as const, TargetGroupArn: targetGroupArn }
    : {
        Type: 'forward' as const,
        ForwardConfig: {
          TargetGroups: [
            { TargetGroupArn: targetGroupArn, Weight: 100 },
            { TargetGroupArn: alternateArn, Weight: 0 },
          ],
        },
      },
];
