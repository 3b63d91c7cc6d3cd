/** Listener rules: which requests they mean, in the order of their priority. */
import type { Action, ForwardActionConfig, Rule, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { HttpRequest } from '../../core/http.ts';
import { ServiceError } from '../../core/service.ts';

export interface ListenerRule {
  readonly arn: string;
  /** undefined is the default rule, asked last. */
  priority: number | undefined;
  conditions: readonly RuleCondition[];
  actions: readonly Action[];
}

/** `*` any characters, `?` one. */
function wildcard(pattern: string, ignoreCase: boolean): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
}

const FIELDS = ['path-pattern', 'host-header', 'http-header', 'http-request-method', 'query-string'];

/** @throws ServiceError for conditions that AWS, or local AWS, does not take */
export function checkConditions(conditions: readonly RuleCondition[]): void {
  for (const condition of conditions) {
    if (!FIELDS.includes(condition.Field ?? ''))
      throw new ServiceError('NotImplemented', `not implemented on local AWS: a rule condition on ${condition.Field}`, 501);
    if (condition.Field !== 'query-string' && valuesOf(condition).length === 0)
      throw new ServiceError('ValidationError', `A condition value must be specified for field '${condition.Field}'`);
  }
}

/** @throws ServiceError for weights that AWS, or local AWS, does not take. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupTuple.html */
export function checkForward({ TargetGroups = [], TargetGroupStickinessConfig }: ForwardActionConfig): void {
  if (TargetGroups.length > 5) throw new ServiceError('TooManyTargetGroupsException', 'A forward action can have at most 5 target groups');
  for (const { Weight = 1 } of TargetGroups)
    if (!Number.isInteger(Weight) || Weight < 0 || Weight > 999)
      throw new ServiceError('ValidationError', `The weight of a target group must be from 0 to 999, but was ${Weight}`);
  if (TargetGroupStickinessConfig?.Enabled)
    throw new ServiceError('NotImplemented', 'not implemented on local AWS: stickiness of target groups', 501);
}

function valuesOf(condition: RuleCondition): readonly string[] {
  switch (condition.Field) {
    case 'path-pattern':
      return condition.PathPatternConfig?.Values ?? condition.Values ?? [];
    case 'host-header':
      return condition.HostHeaderConfig?.Values ?? condition.Values ?? [];
    case 'http-header':
      return condition.HttpHeaderConfig?.Values ?? [];
    case 'http-request-method':
      return condition.HttpRequestMethodConfig?.Values ?? [];
    default:
      return [];
  }
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html */
function holds(condition: RuleCondition, request: HttpRequest): boolean {
  const any = (text: string, ignoreCase: boolean) => valuesOf(condition).some((pattern) => wildcard(pattern, ignoreCase).test(text));
  switch (condition.Field) {
    case 'path-pattern':
      return any(request.path, false);
    case 'host-header':
      return any(request.host.split(':')[0] ?? '', true);
    case 'http-header':
      return any(request.headers[condition.HttpHeaderConfig?.HttpHeaderName?.toLowerCase() ?? ''] ?? '', true);
    case 'http-request-method':
      return valuesOf(condition).includes(request.method);
    default: {
      const query = [...new URLSearchParams(request.query)];
      return (condition.QueryStringConfig?.Values ?? []).some(({ Key, Value = '' }) =>
        query.some(([name, value]) => (Key === undefined || wildcard(Key, true).test(name)) && wildcard(Value, true).test(value)),
      );
    }
  }
}

/** By priority, the default last. */
export const inOrder = (rules: readonly ListenerRule[]): ListenerRule[] =>
  rules.toSorted((a, b) => (a.priority ?? Number.MAX_SAFE_INTEGER) - (b.priority ?? Number.MAX_SAFE_INTEGER));

/** The rule that a request falls to. */
export const ruleFor = (rules: readonly ListenerRule[], request: HttpRequest): ListenerRule | undefined =>
  inOrder(rules).find(({ priority, conditions }) => priority === undefined || conditions.every((condition) => holds(condition, request)));

export const described = ({ arn, priority, conditions, actions }: ListenerRule): Rule => ({
  RuleArn: arn,
  Priority: priority === undefined ? 'default' : String(priority),
  Conditions: [...conditions],
  Actions: [...actions],
  IsDefault: priority === undefined,
});

/** The target groups that actions forward to. */
export const forwardedTo = (actions: readonly Action[]): string[] =>
  actions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
    ...(TargetGroupArn ? [TargetGroupArn] : []),
    ...(ForwardConfig?.TargetGroups ?? []).flatMap(({ TargetGroupArn: arn }) => arn ?? []),
  ]);
