/** Who exists in an account: roles, users, policies and access keys. One store for each account, shared by all its Regions. */
import type { AccessKey } from '../client.ts';
import { type PolicyDocument, type Principal, ServiceError } from '../service.ts';
import type { World } from '../site.ts';
import { managedByAws } from './managed.ts';

/** What roles and users have in common. */
export interface Identity {
  readonly kind: 'role' | 'user';
  readonly arn: string;
  /** Without path. */
  readonly name: string;
  /** `AROA…` or `AIDA…`. */
  readonly id: string;
  readonly inline: Map<string, PolicyDocument>;
  /** ARNs of managed policies. */
  readonly attached: Set<string>;
  boundary?: string;
  readonly tags: Map<string, string>;
  /** What its own resource of a template gave it: names of policies, and ARNs. */
  templated?: { readonly inline: readonly string[]; readonly attached: readonly string[] };
}

export interface Role extends Identity {
  readonly kind: 'role';
  trust: PolicyDocument;
  description?: string;
  /** Seconds. */
  maxSessionDuration: number;
}

export interface User extends Identity {
  readonly kind: 'user';
  readonly keys: AccessKey[];
}

export interface ManagedPolicy {
  readonly arn: string;
  readonly name: string;
  readonly id: string;
  document: PolicyDocument;
}

/** What an access key stands for. */
export interface Credential {
  readonly key: AccessKey;
  readonly principal: Principal;
  /** Milliseconds since the epoch; absent for keys that stay valid. */
  readonly expires?: number;
  /** Whose clock that is by: outsiders refresh by their own. @default the world's */
  readonly by?: 'machine';
}

/** Session settings of {@link Identities.session}. */
export interface SessionOptions {
  /** Seconds until the credentials expire. @default they never do */
  readonly duration?: number;
  /** When an outsider asked for it, by the machine's clock: by that it expires. @default by the world's */
  readonly received?: number;
  /** `aws:PrincipalTag/…` beside the role's own. */
  readonly tags?: Readonly<Record<string, string>>;
}

interface AllIdentities {
  readonly accounts: Map<string, Identities>;
  readonly credentials: Map<string, Credential>;
}

const all = (world: World): AllIdentities => world.part('identities', () => ({ accounts: new Map(), credentials: new Map() }));

/** The identities of an account. */
export function identities(world: World, account: string): Identities {
  const { accounts, credentials } = all(world);
  let found = accounts.get(account);
  if (found === undefined) {
    found = new Identities(world, account, credentials);
    accounts.set(account, found);
  }
  return found;
}

/** Whom an access key belongs to, in whichever account. */
export function credential(world: World, accessKeyId: string): Credential | undefined {
  return all(world).credentials.get(accessKeyId);
}

export class Identities {
  readonly account: string;
  readonly roles = new Map<string, Role>();
  readonly users = new Map<string, User>();
  readonly policies = new Map<string, ManagedPolicy>();
  private readonly world: World;
  private readonly random: World['random'];
  private readonly credentials: Map<string, Credential>;
  private rootKey: AccessKey | undefined;

  constructor(world: World, account: string, credentials: Map<string, Credential>) {
    this.world = world;
    this.account = account;
    this.random = world.random.fork(`iam/${account}`);
    this.credentials = credentials;
  }

  /** @throws ServiceError EntityAlreadyExists */
  createRole(settings: {
    readonly name: string;
    readonly path?: string;
    readonly trust: PolicyDocument;
    readonly maxSessionDuration?: number;
    readonly description?: string;
  }): Role {
    const arn = `arn:aws:iam::${this.account}:role${settings.path ?? '/'}${settings.name}`;
    // Names are unique in an account whatever their path: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    if ([...this.roles.values()].some((role) => role.name === settings.name))
      throw new ServiceError('EntityAlreadyExists', `Role with name ${settings.name} already exists.`, 409);
    const role: Role = {
      kind: 'role',
      arn,
      name: settings.name,
      id: this.id('AROA'),
      trust: settings.trust,
      description: settings.description,
      maxSessionDuration: settings.maxSessionDuration ?? 3600,
      inline: new Map(),
      attached: new Set(),
      tags: new Map(),
    };
    this.roles.set(arn, role);
    return role;
  }

  /** @throws ServiceError NoSuchEntity */
  role(arn: string): Role {
    const role = this.roles.get(arn);
    if (role === undefined) throw noSuch(`The role with name ${arn.split('/').pop()} cannot be found.`);
    return role;
  }

  /** By name, or undefined. */
  roleNamed(name: string): Role | undefined {
    return [...this.roles.values()].find((role) => role.name === name);
  }

  /** Creates the user with one access key, or gets it; given policies replace those of the same name. */
  user(name: string, policies: Readonly<Record<string, PolicyDocument>> = {}): AccessKey & { readonly arn: string } {
    const arn = `arn:aws:iam::${this.account}:user/${name}`;
    let user = this.users.get(arn);
    if (user === undefined) {
      user = { kind: 'user', arn, name, id: this.id('AIDA'), inline: new Map(), attached: new Set(), tags: new Map(), keys: [] };
      this.users.set(arn, user);
      user.keys.push(this.issue('AKIA', { kind: 'user', arn, account: this.account }));
    }
    for (const [policy, document] of Object.entries(policies)) user.inline.set(policy, document);
    return { ...user.keys[0]!, arn };
  }

  userPrincipal(name: string): Principal {
    return { kind: 'user', arn: `arn:aws:iam::${this.account}:user/${name}`, account: this.account };
  }

  /** The account's root user, which IAM policies do not bind. */
  rootPrincipal(): Principal {
    return { kind: 'user', arn: `arn:aws:iam::${this.account}:root`, account: this.account };
  }

  /** Credentials of the account's root user, made once. */
  root(): AccessKey {
    this.rootKey ??= this.issue('AKIA', this.rootPrincipal());
    return this.rootKey;
  }

  rolePrincipal(roleArn: string, sessionName: string, tags: Readonly<Record<string, string>> = {}): Principal {
    const role = this.role(roleArn);
    const context: Record<string, string> = { 'aws:userid': `${role.id}:${sessionName}` };
    for (const [key, value] of [...role.tags, ...Object.entries(tags)]) context[`aws:PrincipalTag/${key}`] = value;
    return {
      kind: 'role',
      arn: `arn:aws:sts::${this.account}:assumed-role/${role.name}/${sessionName}`,
      account: this.account,
      roleArn,
      context,
    };
  }

  /** Credentials for a session of a role. Trust is the caller's matter. @throws ServiceError NoSuchEntity */
  session(roleArn: string, sessionName: string, options: SessionOptions = {}): Required<AccessKey> & { readonly expires?: number } {
    const began = options.received ?? this.world.clock.now();
    const expires = options.duration === undefined ? undefined : began + options.duration * 1000;
    const key = this.issue(
      'ASIA',
      this.rolePrincipal(roleArn, sessionName, options.tags),
      expires,
      options.received === undefined ? undefined : 'machine',
    );
    return { ...key, sessionToken: key.sessionToken!, expires };
  }

  /** Ends a user's or role's access: its keys and sessions are unknown from now on. */
  revoke(arn: string): void {
    for (const [id, one] of this.credentials) if (one.principal.arn === arn || one.principal.roleArn === arn) this.credentials.delete(id);
  }

  createPolicy(name: string, path: string, document: PolicyDocument): ManagedPolicy {
    const arn = `arn:aws:iam::${this.account}:policy${path}${name}`;
    if (this.policies.has(arn)) throw new ServiceError('EntityAlreadyExists', `A policy called ${name} already exists.`, 409);
    const policy = { arn, name, id: this.id('ANPA'), document };
    this.policies.set(arn, policy);
    return policy;
  }

  /** The document of a managed policy, the account's own or AWS's. @throws ServiceError NoSuchEntity */
  managed(arn: string): PolicyDocument {
    if (arn.startsWith('arn:aws:iam::aws:policy/')) {
      const known = managedByAws(arn);
      if (known === undefined) throw new ServiceError('NotImplemented', `local AWS does not know the AWS managed policy ${arn}`, 501);
      return known;
    }
    const document = this.policies.get(arn)?.document;
    if (document === undefined) throw noSuch(`Policy ${arn} does not exist or is not attachable.`);
    return document;
  }

  /** The identity behind a principal, or undefined for services, anonymous callers, the root user and deleted identities. */
  identityOf(principal: Principal): Identity | undefined {
    if (principal.kind === 'role') return this.roles.get(principal.roleArn ?? '');
    return principal.kind === 'user' ? this.users.get(principal.arn) : undefined;
  }

  /** Every identity policy by name. */
  policiesOf(identity: Identity): readonly { readonly name: string; readonly document: PolicyDocument }[] {
    const list = [...identity.inline].map(([name, document]) => ({ name, document }));
    for (const arn of identity.attached) list.push({ name: arn, document: this.managed(arn) });
    return list;
  }

  private issue(prefix: 'AKIA' | 'ASIA', principal: Principal, expires?: number, by?: 'machine'): AccessKey {
    const key: AccessKey = {
      accessKeyId: this.id(prefix),
      secretAccessKey: this.random.hex(40),
      ...(prefix === 'ASIA' ? { sessionToken: `local${this.random.hex(64)}` } : {}),
    };
    this.credentials.set(key.accessKeyId, { key, principal, expires, by });
    return key;
  }

  private id(prefix: string): string {
    return prefix + this.random.hex(16).toUpperCase();
  }
}

const noSuch = (message: string) => new ServiceError('NoSuchEntity', message, 404);
