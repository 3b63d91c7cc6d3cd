/** IAM: roles, users and policies of an account, as CloudFormation makes them, and what services ask about them. */
import type { AccessKey } from '../core/client.ts';
import {
  assertAssumable,
  authorize,
  type Denial,
  denials,
  passRole,
  type UnusedGrant,
  unusedGrants,
  usedActions,
} from '../core/iam/authorize.ts';
import { type Identities, type Identity, identities, type Role, type SessionOptions } from '../core/iam/identities.ts';
import { validateInline, validatePolicy } from '../core/iam/validate.ts';
import {
  type CreatedResource,
  type Permission,
  type PolicyDocument,
  type Principal,
  type ResourceType,
  type Service,
  ServiceError,
} from '../core/service.ts';
import type { Site } from '../core/site.ts';

declare module '../core/site.ts' {
  interface Services {
    iam: Iam;
  }
}

interface InlinePolicy {
  readonly PolicyName: string;
  readonly PolicyDocument: PolicyDocument;
}

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

interface IdentityProperties {
  readonly Path?: string;
  readonly Policies?: readonly InlinePolicy[];
  readonly ManagedPolicyArns?: readonly string[];
  readonly PermissionsBoundary?: string;
  readonly Tags?: readonly Tag[];
}

interface RoleProperties extends IdentityProperties {
  readonly RoleName?: string;
  readonly Description?: string;
  readonly AssumeRolePolicyDocument: PolicyDocument;
  readonly MaxSessionDuration?: number;
}

interface UserProperties extends IdentityProperties {
  readonly UserName?: string;
}

/** Who a policy resource is attached to, by name. */
interface AttachedTo {
  readonly Roles?: readonly string[];
  readonly Users?: readonly string[];
}

interface PolicyProperties extends AttachedTo {
  readonly PolicyName: string;
  readonly PolicyDocument: PolicyDocument;
}

interface ManagedPolicyProperties extends AttachedTo {
  readonly ManagedPolicyName?: string;
  readonly Path?: string;
  readonly PolicyDocument: PolicyDocument;
}

const IDENTITY = ['Path', 'Policies', 'ManagedPolicyArns', 'PermissionsBoundary', 'Tags'];

/**
 * One object for each Region, all of them on the account's one store.
 * The API of IAM itself is not here: no SDK client of the pipeline speaks it.
 */
export class Iam implements Service {
  readonly operations = {};
  readonly resources: Readonly<Record<string, ResourceType>>;
  private readonly site: Site;
  private readonly store: Identities;

  constructor(site: Site) {
    this.site = site;
    this.store = identities(site.world, site.account);
    this.resources = {
      'AWS::IAM::Role': this.roleType(),
      'AWS::IAM::User': this.userType(),
      'AWS::IAM::Policy': this.policyType(),
      'AWS::IAM::ManagedPolicy': this.managedPolicyType(),
    };
  }

  /** @throws ServiceError NoSuchEntity */
  role(arn: string): Role {
    return identities(this.site.world, arn.split(':')[4] ?? '').role(arn);
  }

  /** A role without a template, for tests and for what AWS makes by itself. @throws ServiceError EntityAlreadyExists, MalformedPolicyDocument */
  createRole(name: string, trust: PolicyDocument, policies: Readonly<Record<string, PolicyDocument>> = {}): Role {
    validatePolicy(trust, 'trust');
    const role = this.store.createRole({ name, trust });
    for (const [policy, document] of Object.entries(policies)) putInline(role, policy, document);
    return role;
  }

  /** Credentials for a session of a role: what a Lambda or a task gets. Without `duration` they never expire. */
  session(roleArn: string, sessionName: string, options: SessionOptions = {}): Required<AccessKey> & { readonly expires?: number } {
    return identities(this.site.world, roleArn.split(':')[4] ?? '').session(roleArn, sessionName, options);
  }

  /** Who such a session is, for calls without the wire. */
  rolePrincipal(roleArn: string, sessionName: string): Principal {
    return identities(this.site.world, roleArn.split(':')[4] ?? '').rolePrincipal(roleArn, sessionName);
  }

  /** Creates or gets a user with an access key; given policies replace those of the same name. */
  user(name: string, policies: Readonly<Record<string, PolicyDocument>> = {}): AccessKey & { readonly arn: string } {
    for (const document of Object.values(policies)) validatePolicy(document, 'identity');
    return this.store.user(name, policies);
  }

  userPrincipal(name: string): Principal {
    return this.store.userPrincipal(name);
  }

  /** An access key of the account's root user, whom no identity policy binds. */
  root(): AccessKey {
    return this.store.root();
  }

  rootPrincipal(): Principal {
    return this.store.rootPrincipal();
  }

  /** Passes if the role's trust policy lets this service assume it. @throws ServiceError AccessDeniedException, NoSuchEntity */
  assertAssumable(roleArn: string, service: string, context: Readonly<Record<string, string>> = {}): void {
    assertAssumable(this.site.world, roleArn, service, this.site.region, context);
  }

  /** The permission that a caller needs to hand a role to a service: one of the list that `authorize` returns. */
  passRole(roleArn: string, service: string): Permission {
    return passRole(roleArn, service);
  }

  /** Passes if a principal may do something, for doors that are no operation (a function URL). @throws ServiceError AccessDeniedException */
  authorize(principal: Principal, permission: Permission): void {
    authorize(this.site.world, principal, permission, this.site.region);
  }

  /** Every refusal so far, in all accounts, each with the statement that is missing. */
  get denials(): readonly Denial[] {
    return denials(this.site.world);
  }

  /** The action patterns in role policies of this account that no allowed request needed. */
  unusedGrants(): readonly UnusedGrant[] {
    return unusedGrants(this.site.world, this.site.account);
  }

  /** What each role was allowed to do and did. */
  get usedActions(): readonly { readonly role: string; readonly action: string }[] {
    return usedActions(this.site.world);
  }

  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html */
  private roleType(): ResourceType<RoleProperties> {
    const apply = (role: Role, properties: RoleProperties): CreatedResource => {
      role.trust = properties.AssumeRolePolicyDocument;
      role.description = properties.Description;
      role.maxSessionDuration = properties.MaxSessionDuration ?? 3600;
      this.apply(role, properties);
      return { ref: role.name, attributes: { Arn: role.arn, RoleId: role.id } };
    };
    const type: ResourceType<RoleProperties> = {
      properties: ['RoleName', 'Description', 'AssumeRolePolicyDocument', 'MaxSessionDuration', ...IDENTITY],
      create: (properties, { generatedName }) => {
        validatePolicy(properties.AssumeRolePolicyDocument, 'trust');
        const name = properties.RoleName ?? generatedName.slice(0, 64);
        if (!/^[\w+=,.@-]{1,64}$/.test(name)) throw invalidName('roleName', name, 64);
        return apply(this.store.createRole({ name, path: properties.Path, trust: properties.AssumeRolePolicyDocument }), properties);
      },
      update: (properties, before, context) => {
        const role = this.role(before.attributes?.Arn ?? '');
        const path = role.arn.slice(role.arn.indexOf('/'), role.arn.length - role.name.length);
        // Name and path cannot be changed: CloudFormation replaces the role.
        if ((properties.RoleName ?? role.name) !== role.name || (properties.Path ?? '/') !== path) {
          if ((properties.RoleName ?? role.name) === role.name) void type.delete?.(before, context);
          const created = type.create(properties, context);
          if ((properties.RoleName ?? role.name) !== role.name) void type.delete?.(before, context);
          return created;
        }
        validatePolicy(properties.AssumeRolePolicyDocument, 'trust');
        return apply(role, properties);
      },
      delete: (before) => {
        const arn = before.attributes?.Arn ?? '';
        this.store.roles.delete(arn);
        this.store.revoke(arn);
      },
    };
    return type;
  }

  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-user.html */
  private userType(): ResourceType<UserProperties> {
    return {
      // A path would be part of the ARN by which people are known; nobody needs it here.
      properties: ['UserName', ...IDENTITY.filter((name) => name !== 'Path')],
      create: (properties, { generatedName }) => {
        const name = properties.UserName ?? generatedName.slice(0, 64);
        if (!/^[\w+=,.@-]{1,64}$/.test(name)) throw invalidName('userName', name, 64);
        const arn = `arn:aws:iam::${this.site.account}:user/${name}`;
        if (this.store.users.has(arn)) throw new ServiceError('EntityAlreadyExists', `User with name ${name} already exists.`, 409);
        this.store.user(name);
        this.apply(this.store.users.get(arn)!, properties);
        return { ref: name, attributes: { Arn: arn } };
      },
      delete: (before) => {
        const arn = before.attributes?.Arn ?? '';
        this.store.users.delete(arn);
        this.store.revoke(arn);
      },
    };
  }

  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html */
  private policyType(): ResourceType<PolicyProperties> {
    const put = (properties: PolicyProperties): CreatedResource => {
      const targets = this.attachedTo(properties);
      if (targets.length === 0) throw new ServiceError('ValidationError', 'At least one of [Groups,Roles,Users] must be non-empty.');
      for (const identity of targets) putInline(identity, properties.PolicyName, properties.PolicyDocument);
      // The attribute remembers where the policy was put, so that it can be taken away there.
      return { ref: properties.PolicyName, attributes: { Id: properties.PolicyName, [TARGETS]: targets.map(({ arn }) => arn).join(' ') } };
    };
    const remove = (before: CreatedResource, keep: string) => {
      const kept = new Set(keep.split(' '));
      for (const arn of (before.attributes?.[TARGETS] ?? '').split(' '))
        if (!kept.has(arn)) (this.store.roles.get(arn) ?? this.store.users.get(arn))?.inline.delete(before.ref);
    };
    return {
      properties: ['PolicyName', 'PolicyDocument', 'Roles', 'Users'],
      create: put,
      update: (properties, before) => {
        const after = put(properties);
        remove(before, after.ref === before.ref ? (after.attributes?.[TARGETS] ?? '') : '');
        return after;
      },
      delete: (before) => remove(before, ''),
    };
  }

  /** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html */
  private managedPolicyType(): ResourceType<ManagedPolicyProperties> {
    const attach = (arn: string, properties: AttachedTo) => {
      const wanted = new Set(this.attachedTo(properties).map((identity) => identity.arn));
      for (const identity of [...this.store.roles.values(), ...this.store.users.values()]) {
        if (wanted.has(identity.arn)) identity.attached.add(arn);
      }
      return [...wanted].join(' ');
    };
    const detach = (arn: string, targets: string) => {
      for (const target of targets.split(' ')) (this.store.roles.get(target) ?? this.store.users.get(target))?.attached.delete(arn);
    };
    return {
      properties: ['ManagedPolicyName', 'Path', 'PolicyDocument', 'Roles', 'Users'],
      inert: ['Description'],
      create: (properties, { generatedName }) => {
        validatePolicy(properties.PolicyDocument, 'managed');
        const name = properties.ManagedPolicyName ?? generatedName.slice(0, 128);
        const policy = this.store.createPolicy(name, properties.Path ?? '/', properties.PolicyDocument);
        const targets = attach(policy.arn, properties);
        return { ref: policy.arn, attributes: { PolicyArn: policy.arn, PolicyId: policy.id, [TARGETS]: targets } };
      },
      update: (properties, before) => {
        validatePolicy(properties.PolicyDocument, 'managed');
        const policy = this.store.policies.get(before.ref);
        if (policy === undefined) throw new ServiceError('NoSuchEntity', `Policy ${before.ref} was not found.`, 404);
        if ((properties.ManagedPolicyName ?? policy.name) !== policy.name)
          throw new ServiceError('NotImplemented', `local AWS does not rename managed policies (${policy.name})`, 501);
        policy.document = properties.PolicyDocument;
        detach(policy.arn, before.attributes?.[TARGETS] ?? '');
        return { ref: policy.arn, attributes: { ...before.attributes, [TARGETS]: attach(policy.arn, properties) } };
      },
      delete: (before) => {
        detach(before.ref, before.attributes?.[TARGETS] ?? '');
        this.store.policies.delete(before.ref);
      },
    };
  }

  /** Policies of the template replace those it gave before; those of AWS::IAM::Policy resources stay. */
  private apply(identity: Identity, properties: IdentityProperties): void {
    const given = identity.templated;
    for (const name of given?.inline ?? []) identity.inline.delete(name);
    for (const arn of given?.attached ?? []) identity.attached.delete(arn);
    for (const { PolicyName, PolicyDocument } of properties.Policies ?? []) putInline(identity, PolicyName, PolicyDocument);
    for (const arn of properties.ManagedPolicyArns ?? []) {
      this.store.managed(arn);
      identity.attached.add(arn);
    }
    if (properties.PermissionsBoundary !== undefined) this.store.managed(properties.PermissionsBoundary);
    identity.boundary = properties.PermissionsBoundary;
    identity.tags.clear();
    for (const { Key, Value } of properties.Tags ?? []) identity.tags.set(Key, Value);
    identity.templated = {
      inline: (properties.Policies ?? []).map(({ PolicyName }) => PolicyName),
      attached: properties.ManagedPolicyArns ?? [],
    };
  }

  private attachedTo({ Roles = [], Users = [] }: AttachedTo): readonly Identity[] {
    const find = (found: Identity | undefined, what: string): Identity => {
      if (found === undefined) throw new ServiceError('NoSuchEntity', `The ${what} cannot be found.`, 404);
      return found;
    };
    return [
      ...Roles.map((name) => find(this.store.roleNamed(name), `role with name ${name}`)),
      ...Users.map((name) => find(this.store.users.get(`arn:aws:iam::${this.site.account}:user/${name}`), `user with name ${name}`)),
    ];
  }
}

/** Not an attribute of AWS: lower case keeps it out of reach of `Fn::GetAtt` in templates that AWS takes. */
const TARGETS = 'attachedTo';

function putInline(identity: Identity, name: string, document: PolicyDocument): void {
  validatePolicy(document, 'identity');
  const after = new Map(identity.inline).set(name, document);
  validateInline(identity.kind, identity.name, after.values());
  identity.inline.set(name, document);
}

const invalidName = (member: string, value: string, most: number) =>
  new ServiceError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must have length less than or equal to ${most} and match [\\w+=,.@-]+`,
  );
