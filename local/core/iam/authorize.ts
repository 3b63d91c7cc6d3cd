/** Decides whether a principal may do something, as IAM's policy evaluation logic does, and keeps account of what was asked. */
import { type Permission, type PolicyDocument, type PolicyStatement, type Principal, ServiceError } from '../service.ts';
import type { World } from '../site.ts';
import { resourceOf } from './actions.ts';
import { type Identity, identities } from './identities.ts';
import type { Context } from './pattern.ts';
import { covers, type Naming, names, statements } from './statements.ts';

/** A refused request, with what would have allowed it. */
export interface Denial {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly principal: string;
  readonly role?: string;
  readonly action: string;
  readonly resource: string;
  readonly message: string;
  /** The statement that no policy of the caller has, or the Deny that forbade it. */
  readonly statement: PolicyStatement;
  readonly explicit: boolean;
}

/** An action pattern of a role's Allow statement that no request needed. */
export interface UnusedGrant {
  readonly role: string;
  readonly policy: string;
  /** From 0. */
  readonly statement: number;
  readonly sid?: string;
  readonly action: string;
}

interface Ledger {
  readonly denials: Denial[];
  /** `<role ARN> <policy> <statement> <action pattern>` */
  readonly used: Set<string>;
  /** `<role ARN> <action>` */
  readonly actions: Set<string>;
}

const ledger = (world: World): Ledger => world.part('authorizations', () => ({ denials: [], used: new Set(), actions: new Set() }));

/** Every refusal so far, in all accounts. */
export const denials = (world: World): readonly Denial[] => ledger(world).denials;

/** What each role was allowed to do and did: pairs of role ARN and action. */
export function usedActions(world: World): readonly { readonly role: string; readonly action: string }[] {
  return [...ledger(world).actions].map((pair) => {
    const [role = '', action = ''] = pair.split(' ');
    return { role, action };
  });
}

/** The action patterns in the policies of an account's roles that no allowed request needed so far. */
export function unusedGrants(world: World, account: string): readonly UnusedGrant[] {
  const { used } = ledger(world);
  const store = identities(world, account);
  const unused: UnusedGrant[] = [];
  for (const role of store.roles.values())
    for (const { name, document } of store.policiesOf(role))
      statements(document).forEach(({ source, actions }, index) => {
        if (source.Effect !== 'Allow') return;
        for (const action of actions)
          if (!used.has(`${role.arn} ${name} ${index} ${action}`))
            unused.push({ role: role.arn, policy: name, statement: index, sid: source.Sid, action });
      });
  return unused;
}

/**
 * Passes if `principal` may do what `permission` says.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
 * @param region for `aws:RequestedRegion`
 * @throws ServiceError AccessDeniedException, with AWS's words; the refusal is kept in {@link denials}
 */
export function authorize(world: World, principal: Principal, permission: Permission, region: string): void {
  const resource = resourceOf(permission);
  const refusal = judge(world, principal, permission, resource, region);
  if (refusal === undefined) return;
  const { action } = permission;
  const who = principal.kind === 'anonymous' ? 'anonymous' : principal.arn;
  const message = `User: ${who} is not authorized to perform: ${action} on resource: ${permission.resource} ${refusal.because}`;
  ledger(world).denials.push({
    time: world.clock.now(),
    principal: who,
    role: principal.roleArn,
    action,
    resource,
    message,
    statement: refusal.statement ?? missing(principal, permission, resource),
    explicit: refusal.statement !== undefined,
  });
  throw new ServiceError('AccessDeniedException', message, 403);
}

function missing(principal: Principal, permission: Permission, resource: string): PolicyStatement {
  const statement: PolicyStatement = { Effect: 'Allow', Action: permission.action, Resource: resource };
  if (principal.kind === 'service') return { ...statement, Principal: { Service: principal.arn } };
  const keys = Object.entries(permission.context ?? {});
  const single = keys.filter(([, value]) => typeof value === 'string');
  const several = keys.filter(([, value]) => typeof value !== 'string');
  const condition = {
    ...(single.length > 0 ? { StringEquals: Object.fromEntries(single) } : {}),
    ...(several.length > 0 ? { 'ForAllValues:StringEquals': Object.fromEntries(several) } : {}),
  };
  return keys.length === 0 ? statement : { ...statement, Condition: condition };
}

interface Refusal {
  readonly because: string;
  /** The Deny that forbade it. */
  readonly statement?: PolicyStatement;
}

function judge(world: World, principal: Principal, permission: Permission, resource: string, region: string): Refusal | undefined {
  const { action, resourcePolicy } = permission;
  // Few statements look at it: it is put together when the first one does.
  let known: Context | undefined;
  const context: Context = {
    get: (key) => {
      known ??= contextOf(world, principal, permission, region);
      return known.get(key);
    },
  };
  const store = identities(world, principal.account);
  const identity = store.identityOf(principal);

  const byResource = resourcePolicy === undefined ? { allowed: undefined } : ask(resourcePolicy, principal, action, resource, context);
  if (byResource.denied) return { because: 'with an explicit deny in a resource-based policy', statement: byResource.denied };
  if (principal.kind === 'service' || principal.kind === 'anonymous')
    return byResource.allowed === 'directly' ? undefined : { because: `because no resource-based policy allows the ${action} action` };

  const own = identity === undefined ? undefined : askIdentity(store.policiesOf(identity), action, resource, context);
  if (own?.denied) return { because: 'with an explicit deny in an identity-based policy', statement: own.denied };
  const boundary =
    identity?.boundary === undefined
      ? undefined
      : askIdentity([{ name: 'boundary', document: store.managed(identity.boundary) }], action, resource, context);
  // An explicit Deny always counts, whoever else allows.
  if (boundary?.denied) return { because: 'with an explicit deny in a permissions boundary', statement: boundary.denied };

  // Within one account either side suffices, unless the resource only names the account; across accounts both must allow.
  // A role's trust policy must always allow: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
  const owner = resource.split(':')[4];
  const foreign = owner !== undefined && /^\d{12}$/.test(owner) && owner !== principal.account;
  const trust = action.startsWith('sts:') && resourcePolicy !== undefined;
  if ((foreign || trust) && byResource.allowed === undefined)
    return { because: `because no resource-based policy allows the ${action} action` };
  const sufficient = !foreign && byResource.allowed === 'directly';
  const isInBoundary = boundary === undefined || boundary.grants.length > 0;
  if (!isInBoundary && !sufficient) return { because: `because no permissions boundary allows the ${action} action` };
  const root = principal.arn === `arn:aws:iam::${principal.account}:root`;
  const allowedByIdentity = root || (own !== undefined && own.grants.length > 0);
  const named = sufficient || (!foreign && byResource.allowed === 'role');
  if (!allowedByIdentity && !named) return { because: `because no identity-based policy allows the ${action} action` };

  if (identity?.kind === 'role') {
    const { used, actions } = ledger(world);
    actions.add(`${identity.arn} ${action}`);
    for (const grant of own?.grants ?? []) used.add(`${identity.arn} ${grant}`);
  }
  return undefined;
}

const STRENGTH: Readonly<Record<Naming, number>> = { account: 0, role: 1, directly: 2 };

/** What a resource's policy says to a principal. */
function ask(document: PolicyDocument, principal: Principal, action: string, resource: string, context: Context) {
  let allowed: Naming | undefined;
  for (const statement of statements(document)) {
    const named = names(statement.source, principal);
    if (named === undefined || statement.covering(action).length === 0 || !covers(statement, resource, context)) continue;
    if (statement.source.Effect === 'Deny') return { allowed: undefined, denied: statement.source };
    if (allowed === undefined || STRENGTH[named] > STRENGTH[allowed]) allowed = named;
  }
  return { allowed };
}

/** What identity policies say: the grants as `<policy> <statement> <action pattern>`. */
function askIdentity(
  policies: ReturnType<ReturnType<typeof identities>['policiesOf']>,
  action: string,
  resource: string,
  context: Context,
): { readonly grants: readonly string[]; readonly denied?: PolicyStatement } {
  const grants: string[] = [];
  for (const { name, document } of policies) {
    const list = statements(document);
    for (let index = 0; index < list.length; index++) {
      const statement = list[index]!;
      const patterns = statement.covering(action);
      if (patterns.length === 0 || !covers(statement, resource, context)) continue;
      if (statement.source.Effect === 'Deny') return { grants: [], denied: statement.source };
      for (const pattern of patterns) grants.push(`${name} ${index} ${pattern}`);
    }
  }
  return { grants };
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
function contextOf(world: World, principal: Principal, permission: Permission, region: string): Context {
  const context = new Map<string, string | readonly string[]>();
  const now = world.clock.now();
  const add = (values: Readonly<Record<string, string | readonly string[]>> | undefined) => {
    for (const [key, value] of Object.entries(values ?? {})) context.set(key.toLowerCase(), value);
  };
  add({
    'aws:CurrentTime': new Date(now).toISOString(),
    'aws:EpochTime': String(Math.floor(now / 1000)),
    'aws:RequestedRegion': region,
    'aws:SecureTransport': 'true',
    'aws:PrincipalIsAWSService': String(principal.kind === 'service'),
  });
  const owner = permission.resource.split(':')[4];
  if (owner) add({ 'aws:ResourceAccount': owner });
  if (principal.kind === 'service') add({ 'aws:PrincipalServiceName': principal.arn });
  else if (principal.kind !== 'anonymous') {
    const root = principal.arn.endsWith(':root');
    add({
      'aws:PrincipalArn': principal.roleArn ?? principal.arn,
      'aws:PrincipalAccount': principal.account,
      'aws:PrincipalType': principal.kind === 'role' ? 'AssumedRole' : root ? 'Account' : 'User',
    });
    if (principal.kind === 'user' && !root) {
      const user: Identity | undefined = identities(world, principal.account).identityOf(principal);
      add({ 'aws:username': principal.arn.split('/').pop() ?? '' });
      if (user !== undefined) {
        add({ 'aws:userid': user.id });
        for (const [key, value] of user.tags) add({ [`aws:PrincipalTag/${key}`]: value });
      }
    }
  }
  add(principal.context);
  add(permission.context);
  return context;
}

/** The permission to hand `roleArn` to a service, such as a task role to `ecs-tasks.amazonaws.com`. */
export function passRole(roleArn: string, service: string): Permission {
  return { action: 'iam:PassRole', resource: roleArn, context: { 'iam:PassedToService': service } };
}

/**
 * Passes if a service may assume the role, as its trust policy says.
 * @param context condition keys that the service brings, such as `aws:SourceArn`
 * @throws ServiceError AccessDeniedException; NoSuchEntity where the role does not exist
 */
export function assertAssumable(
  world: World,
  roleArn: string,
  service: string,
  region: string,
  context: Readonly<Record<string, string>> = {},
): void {
  const account = roleArn.split(':')[4] ?? '';
  const role = identities(world, account).role(roleArn);
  const principal: Principal = { kind: 'service', arn: service, account, context };
  authorize(world, principal, { action: 'sts:AssumeRole', resource: roleArn, resourcePolicy: role.trust }, region);
}
