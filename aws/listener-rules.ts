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

export interface EnsuredRule {
  readonly arn: string;
  /** The target group that requests go to. */
  readonly serving: string;
}

/** Requests go to a target group that the stack has replaced since: its pair cannot take turns with that one. */
export class ServedElsewhere extends Error {
  constructor(path: string, targetGroupArn: string) {
    super(
      `requests to ${path} go to ${targetGroupArn}, which is none of the two target groups of the stack: promote once with the strategy "rolling", which brings them back`,
    );
    this.name = 'ServedElsewhere';
  }
}

/** Somebody else creates or moves rules at the same moment: so often it is tried again. */
const TRIES = 5;

/**
 * Leads a path to a target group: creates the rule, or brings the one that is there to its path.
 * All rules of the pipeline at the listener come to their priorities at once, as a service that was added moves those behind it.
 * Where a rule that exists forwards to, and with which weights, is left alone.
 * @returns the rule
 * @throws ServedElsewhere where the rule leads to a target group that is none of the pair
 * @throws PriorityInUseException where a rule of somebody else has the priority
 */
export async function ensureRule(
  balancing: Pick<LoadBalancing, 'client' | 'rules'>,
  { listenerArn, targetGroupArn, alternateArn, path, priority, priorities }: ServiceRule,
): Promise<EnsuredRule> {
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
        return { arn: made.Rules?.[0]?.RuleArn ?? '', serving: targetGroupArn };
      }
      const serving = servingOf(own) ?? targetGroupArn;
      if (pathsOf(own).join() !== path) await balancing.client.send(new ModifyRuleCommand({ RuleArn: own.RuleArn, Conditions }));
      // Made when its service was still rolled.
      if (alternateArn !== undefined && !targetGroupsOf(own).includes(alternateArn)) {
        // To lead it to the pair now would lead it to where no task is.
        if (serving !== targetGroupArn) throw new ServedElsewhere(path, serving);
        await balancing.client.send(new ModifyRuleCommand({ RuleArn: own.RuleArn, Actions: forward(targetGroupArn, alternateArn) }));
      }
      return { arn: own.RuleArn ?? '', serving };
    } catch (error) {
      if (!(error instanceof PriorityInUseException) || tries >= TRIES) throw error;
    }
  }
}

/** The one that all requests go to; undefined where they are shared. */
function servingOf({ Actions = [] }: Rule): string | undefined {
  const { TargetGroupArn, ForwardConfig } = Actions.find(({ Type }) => Type === 'forward') ?? {};
  const groups = (ForwardConfig?.TargetGroups ?? []).filter(({ Weight = 1 }) => Weight > 0);
  return groups.length > 1 ? undefined : (groups[0]?.TargetGroupArn ?? TargetGroupArn);
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
