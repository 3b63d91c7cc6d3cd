/** Policy documents compiled once, so that a call is judged in microseconds. */
import type { PolicyDocument, PolicyStatement, Principal } from '../service.ts';
import { type Condition, conditions } from './conditions.ts';
import { arnLike, type Context, like, withVariables } from './pattern.ts';

export interface Statement {
  readonly source: PolicyStatement;
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly resources: readonly string[] | undefined;
  readonly notResources: readonly string[] | undefined;
  readonly conditions: readonly Condition[];
}

const compiled = new WeakMap<PolicyDocument, readonly Statement[]>();

/** @throws Error on a document that IAM would call malformed */
export function statements(document: PolicyDocument): readonly Statement[] {
  let found = compiled.get(document);
  if (found === undefined) {
    found = list(document.Statement).map(compile);
    compiled.set(document, found);
  }
  return found;
}

function compile(source: PolicyStatement): Statement {
  if (source.Effect !== 'Allow' && source.Effect !== 'Deny')
    throw new Error(`MalformedPolicyDocument: Effect must be Allow or Deny, not ${source.Effect}`);
  if ((source.Action === undefined) === (source.NotAction === undefined))
    throw new Error('MalformedPolicyDocument: a statement has either Action or NotAction');
  return {
    source,
    actions: list(source.Action),
    notActions: list(source.NotAction),
    resources: source.Resource === undefined ? undefined : list(source.Resource),
    notResources: source.NotResource === undefined ? undefined : list(source.NotResource),
    conditions: conditions(source.Condition),
  };
}

function list<Value>(value: Value | readonly Value[] | undefined): readonly Value[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as Value];
}

const sameAction = (pattern: string, action: string) => like(pattern.toLowerCase(), action.toLowerCase());

/** The action patterns by which a statement covers `action`: empty if it does not. */
export function coveringActions(statement: Statement, action: string): readonly string[] {
  if (statement.notActions.length > 0) return statement.notActions.some((one) => sameAction(one, action)) ? [] : ['NotAction'];
  return statement.actions.filter((one) => sameAction(one, action));
}

/** Whether a statement speaks of this resource under these conditions. Trust policies have no resource and speak of their role. */
export function covers(statement: Statement, resource: string, context: Context): boolean {
  const isResource = (pattern: string) => {
    const filled = withVariables(pattern, context);
    return filled !== undefined && arnLike(filled, resource);
  };
  if (statement.resources !== undefined && !statement.resources.some(isResource)) return false;
  if (statement.notResources?.some(isResource)) return false;
  return statement.conditions.every((holds) => holds(context));
}

/**
 * How the Principal element of a resource's policy names somebody: `directly`, as one of an `account` (which only hands
 * the decision to that account's own policies), or not at all.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
export function names(element: PolicyStatement['Principal'], principal: Principal): 'directly' | 'account' | undefined {
  if (element === undefined) return undefined;
  if (element === '*') return 'directly';
  if (principal.kind === 'service') return list(element.Service).some((one) => one === principal.arn) ? 'directly' : undefined;
  const aws = list(element.AWS);
  if (aws.includes('*')) return 'directly';
  if (principal.kind === 'anonymous') return undefined;
  if (aws.includes(principal.arn) || (principal.roleArn !== undefined && aws.includes(principal.roleArn))) return 'directly';
  return aws.includes(principal.account) || aws.includes(`arn:aws:iam::${principal.account}:root`) ? 'account' : undefined;
}
