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

/** Only policies of this version know variables: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html */
const VARIABLES_SINCE = '2012-10-17';

const compiled = new WeakMap<PolicyDocument, readonly Statement[]>();

/** @throws Error on a document that IAM would call malformed */
export function statements(document: PolicyDocument): readonly Statement[] {
  let found = compiled.get(document);
  if (found === undefined) {
    const variables = document.Version === VARIABLES_SINCE;
    found = list(document.Statement).map((source) => compile(source, variables));
    compiled.set(document, found);
  }
  return found;
}

/** @param variables whether `${…}` stands for one */
function compile(source: PolicyStatement, variables: boolean): Statement {
  if (source.Effect !== 'Allow' && source.Effect !== 'Deny')
    throw new Error(`MalformedPolicyDocument: Effect must be Allow or Deny, not ${source.Effect}`);
  if ((source.Action === undefined) === (source.NotAction === undefined))
    throw new Error('MalformedPolicyDocument: a statement has either Action or NotAction');
  if (source.Principal !== undefined && source.NotPrincipal !== undefined)
    throw new Error('MalformedPolicyDocument: a statement has either Principal or NotPrincipal');
  const actions = list(source.Action);
  const notActions = list(source.NotAction);
  for (const action of [...actions, ...notActions])
    if (action !== '*' && !/^[a-zA-Z0-9*?-]+:./.test(action))
      throw new Error('MalformedPolicyDocument: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
  return {
    source,
    actions,
    conditions: conditions(source.Condition, variables),
    covering: remembered((action) => {
      if (notActions.length > 0) return notActions.some((one) => sameAction(one, action)) ? [] : ['NotAction'];
      return actions.filter((one) => sameAction(one, action));
    }),
    names: resourceNaming(source, variables),
  };
}

function list<Value>(value: Value | readonly Value[] | undefined): readonly Value[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as Value];
}

const sameAction = (pattern: string, action: string) => like(pattern.toLowerCase(), action.toLowerCase());

/** Trust policies name no resource and speak of their role. */
function resourceNaming({ Resource, NotResource }: PolicyStatement, variables: boolean): Statement['names'] {
  const [resources, notResources] = [list(Resource), list(NotResource)];
  const names = (resource: string, context: Context) => {
    const isResource = (pattern: string) => {
      const filled = variables ? withVariables(pattern, context) : pattern;
      return filled !== undefined && arnLike(filled, resource);
    };
    return (Resource === undefined || resources.some(isResource)) && !notResources.some(isResource);
  };
  if (variables && [...resources, ...notResources].some(isVariable)) return names;
  const always = remembered((resource) => names(resource, new Map()));
  return (resource) => always(resource);
}

/** Whether a statement speaks of this resource under these conditions. */
export const covers = ({ names, conditions }: Statement, resource: string, context: Context): boolean =>
  names(resource, context) && conditions.every((holds) => holds(context));

/** How a resource's policy names somebody, which decides what else must allow. */
export type Naming =
  /** The user or session itself, or everybody: nothing else need allow. */
  | 'directly'
  /** The role behind the session: limited by the role's permissions boundary. */
  | 'role'
  /** As one of an account, which only hands the decision to that account's own policies. */
  | 'account';

/**
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-eval-logic
 * @returns undefined where the statement does not speak of the principal
 */
export function names({ Principal: element, NotPrincipal: except }: PolicyStatement, principal: Principal): Naming | undefined {
  if (except !== undefined) return isExcepted(except, principal) ? undefined : 'directly';
  return element === undefined ? undefined : naming(element, principal);
}

type Element = NonNullable<PolicyStatement['Principal']>;

function naming(element: Element, principal: Principal): Naming | undefined {
  if (element === '*') return 'directly';
  if (principal.kind === 'service') return list(element.Service).some((one) => one === principal.arn) ? 'directly' : undefined;
  const aws = list(element.AWS);
  if (aws.includes('*')) return 'directly';
  if (principal.kind === 'anonymous') return undefined;
  if (aws.includes(principal.arn)) return 'directly';
  if (principal.roleArn !== undefined && aws.includes(principal.roleArn)) return 'role';
  return isAccount(aws, principal) ? 'account' : undefined;
}

const isAccount = (aws: readonly string[], { account }: Principal) => aws.includes(account) || aws.includes(`arn:aws:iam::${account}:root`);

/**
 * Whether NotPrincipal leaves somebody out. Every name that AWS knows them by must be listed, the account's included:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
 */
function isExcepted(element: Element, principal: Principal): boolean {
  if (element === '*') return true;
  if (principal.kind === 'service') return list(element.Service).some((one) => one === principal.arn);
  const aws = list(element.AWS);
  if (aws.includes('*')) return true;
  if (principal.kind === 'anonymous' || !isAccount(aws, principal)) return false;
  const isRoot = principal.arn === `arn:aws:iam::${principal.account}:root`;
  return isRoot || (aws.includes(principal.arn) && (principal.roleArn === undefined || aws.includes(principal.roleArn)));
}
