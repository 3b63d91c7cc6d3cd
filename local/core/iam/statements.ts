/** Policy documents compiled once, so that a call is judged in microseconds. */
import { remembered } from '../remembered.ts';
import type { PolicyDocument, PolicyStatement, Principal } from '../service.ts';
import { type Condition, conditions } from './conditions.ts';
import { arnLike, type Context, isVariable, like, withVariables } from './pattern.ts';

export interface Statement {
  readonly source: PolicyStatement;
  readonly actions: readonly string[];
  readonly conditions: readonly Condition[];
  /** The action patterns by which it covers an action: empty if it does not. */
  readonly covering: (action: string) => readonly string[];
  /** Whether it names a resource. */
  readonly names: (resource: string, context: Context) => boolean;
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
  const actions = list(source.Action);
  const notActions = list(source.NotAction);
  return {
    source,
    actions,
    conditions: conditions(source.Condition),
    covering: remembered((action) => {
      if (notActions.length > 0) return notActions.some((one) => sameAction(one, action)) ? [] : ['NotAction'];
      return actions.filter((one) => sameAction(one, action));
    }),
    names: resourceNaming(source),
  };
}

function list<Value>(value: Value | readonly Value[] | undefined): readonly Value[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as Value];
}

const sameAction = (pattern: string, action: string) => like(pattern.toLowerCase(), action.toLowerCase());

/** Trust policies name no resource and speak of their role. */
function resourceNaming({ Resource, NotResource }: PolicyStatement): Statement['names'] {
  const [resources, notResources] = [list(Resource), list(NotResource)];
  const names = (resource: string, context: Context) => {
    const isResource = (pattern: string) => {
      const filled = withVariables(pattern, context);
      return filled !== undefined && arnLike(filled, resource);
    };
    return (Resource === undefined || resources.some(isResource)) && !notResources.some(isResource);
  };
  if ([...resources, ...notResources].some(isVariable)) return names;
  const always = remembered((resource) => names(resource, new Map()));
  return (resource) => always(resource);
}

/** Whether a statement speaks of this resource under these conditions. */
export const covers = ({ names, conditions }: Statement, resource: string, context: Context): boolean =>
  names(resource, context) && conditions.every((holds) => holds(context));

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
