/** A pipeline as everything inside Shiplock sees it: parsed, complete, without "maybe". `config.ts` makes it. */
import type { Strategy } from '../rollout/strategy.ts';

/** What one `shiplock.config.ts` describes, together with its task definition templates and buildspecs: one document. */
export interface Pipeline {
  /** Lower-case letters, digits and hyphens, at most 12 characters: it prefixes every name in AWS. */
  readonly name: string;
  /** `sha256:…` of the canonical document without this field. Every promotion records it. */
  readonly digest: string;
  /** In which its people read times: an IANA name. @default that of the first on-demand environment, else UTC */
  readonly timeZone: string;
  readonly sites: Readonly<Record<string, SiteAddress>>;
  /** By e-mail address. */
  readonly people: Readonly<Record<string, Person>>;
  readonly repositories: Readonly<Record<string, Repository>>;
  readonly services: Readonly<Record<string, ServiceDefinition>>;
  readonly groups: Readonly<Record<string, Group>>;
  readonly environments: Readonly<Record<string, Environment>>;
  /** The ordered stages that a release moves through. */
  readonly path: readonly Stage[];
  readonly builds: Readonly<Record<string, Build>>;
  /** Databases that releases bring migrations for. */
  readonly databases: Readonly<Record<string, Database>>;
  readonly notifications: Notifications;
  /** Minutes between two sweeps. @default 5 */
  readonly sweepMinutes: number;
}

/** Where environments live: one account and Region. */
export interface SiteAddress {
  readonly account: string;
  readonly region: string;
}

export interface Person {
  readonly email: string;
  /** The session name of their single sign-on role; it is what a signature proves. @default the e-mail address */
  readonly session: string;
  /** The names under which they may appear as author of a change: e-mail addresses in image labels. @default their own */
  readonly authorAs: readonly string[];
  readonly groups: readonly string[];
}

export interface Repository {
  readonly name: string;
  /** Which tags are releases: a pattern with `*`, such as `git_*`. */
  readonly tags: string;
  /** How releases compare. @default push-time */
  readonly order: OrderKey;
  /** The platform that tasks run on. @default linux/amd64 */
  readonly platform: string;
}

export type OrderKey = 'build-number' | 'semver' | 'commit-time' | 'push-time';

export interface ServiceDefinition {
  readonly name: string;
  readonly group: string;
  /** By container name. */
  readonly containers: Readonly<Record<string, ContainerSource>>;
  /** The ECS task definition, as JSON, with placeholders where a release goes. */
  readonly template: TaskDefinitionTemplate;
  /** Where requests enter; absent for workers. */
  readonly web?: WebEntry;
  /** Tasks by environment name. @default 1 each */
  readonly count: Readonly<Record<string, number>>;
  /** By environment name, where it differs from the environment's. */
  readonly strategy: Readonly<Record<string, Strategy>>;
}

export type ContainerSource = { readonly repository: string } | { readonly image: string };

export interface WebEntry {
  readonly container: string;
  readonly port: number;
  /** A path pattern of the load balancer: `/orders*`. */
  readonly path: string;
  /** The path of the target group's health check. */
  readonly health: string;
  /** Seconds a new task may fail its health check. @default 60 */
  readonly graceSeconds: number;
  /** Rule priority at the listener, 1 upwards in order of the configuration. */
  readonly priority: number;
}

/** RegisterTaskDefinition's input as it stands in a file; what ECS would refuse, ECS refuses. */
export interface TaskDefinitionTemplate {
  readonly containerDefinitions: readonly ContainerTemplate[];
  readonly [member: string]: unknown;
}

export interface ContainerTemplate {
  readonly name: string;
  readonly image?: string;
  readonly [member: string]: unknown;
}

/** Services that share repositories, directly or through others. They move together. */
export interface Group {
  /** The first of its repositories by name. */
  readonly name: string;
  readonly repositories: readonly string[];
  readonly services: readonly string[];
}

export interface Environment {
  readonly name: string;
  readonly site: string;
  readonly stage: string;
  /** The environment's part in the configuration's order: 0 upwards. */
  readonly index: number;
  /** Torn down when its hours end and woken by need; absent for an environment that always exists. */
  readonly onDemand?: OnDemand;
  /** How a deployment moves traffic. @default rolling */
  readonly strategy: Strategy;
  /** Tasks that may fail, one after the other, before a deployment is given up, or a share of those that are wanted. @default 3 */
  readonly failureThreshold: number | `${number}%`;
  readonly verification: Verification;
  /** Asked of people before a release enters; absent where it enters by itself. */
  readonly approval?: ApprovalRule;
  /** Variables that every container gets, such as the environment's name. */
  readonly variables: Readonly<Record<string, string>>;
  readonly timeouts: Timeouts;
  /** By database: the environment whose it is, its own name as a rule. Absent where it has none. */
  readonly databases: Readonly<Record<string, string>>;
  /** Parts of a task definition that are refused unless named here. */
  readonly allow: readonly DangerousField[];
}

export type DangerousField = 'privileged' | 'host-network' | 'host-volumes' | 'foreign-roles' | 'foreign-secrets' | 'plaintext-secrets';

export interface OnDemand {
  readonly hours: Hours;
  /** `tasks`: services stay, at zero. `cluster`: services and cluster are deleted. @default cluster */
  readonly depth: 'tasks' | 'cluster';
  /** What a push outside the hours does. @default wait */
  readonly outside: 'wait' | 'wake';
}

export interface Hours {
  /** ISO weekdays, 1 is Monday. */
  readonly days: readonly number[];
  /** `HH:MM` */
  readonly from: string;
  /** `HH:MM`, after `from`: the time of the teardown. */
  readonly to: string;
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string;
}

export interface Verification {
  readonly http: readonly HttpCheck[];
  /** The name of a build that runs against the environment. */
  readonly build?: string;
}

export interface HttpCheck {
  /** Only when this service's group was deployed; absent: always. */
  readonly service?: string;
  readonly path: string;
  /** @default 200 */
  readonly status: number;
  /** Text that the body must contain. */
  readonly contains?: string;
  /** Attempts, two seconds apart. @default 3 */
  readonly attempts: number;
}

export interface ApprovalRule {
  /** E-mail addresses; groups are already resolved. */
  readonly approvers: readonly string[];
  /** How many of them must approve. @default 1 */
  readonly quorum: number;
  /** The author of the change may not approve it; an unknown author never counts as somebody else. @default false */
  readonly notAuthor: boolean;
  /** Hours until an unanswered request expires. @default 168 */
  readonly expiresHours: number;
}

export interface Timeouts {
  /** Minutes a deployment may take before it is rolled back. @default 30 */
  readonly deployMinutes: number;
  /** Minutes the checks of a promotion may take together. @default 30 */
  readonly verifyMinutes: number;
  /** Hours to wait for a turn or for the morning. @default 96 */
  readonly turnHours: number;
}

/** One environment, or several that move together. */
export interface Stage {
  /** The names of its environments, joined by `+`. */
  readonly name: string;
  readonly environments: readonly string[];
  /** The strictest of its environments' rules; absent where none asks. */
  readonly approval?: ApprovalRule;
}

/** A CodeBuild project that checks an environment. */
export interface Build {
  readonly name: string;
  /** The text of the buildspec file. */
  readonly buildspec: string;
  /** @default BUILD_GENERAL1_SMALL */
  readonly computeType: string;
  /** @default aws/codebuild/amazonlinux-aarch64-standard:3.0 */
  readonly image: string;
  /** @default 15 */
  readonly timeoutMinutes: number;
}

/** A named database, and the one-off task that migrates it: once for each of its homes and each digest. */
export interface Database {
  readonly name: string;
  /** Whose releases bring its migrations. */
  readonly repository: string;
  /** By container name; one of them runs what the repository releases, and its exit code counts. */
  readonly containers: Readonly<Record<string, ContainerSource>>;
  readonly template: TaskDefinitionTemplate;
  /** Minutes a migration may take before its task is stopped. @default 15 */
  readonly timeoutMinutes: number;
}

/** Who is told of things, beside whoever subscribes to the topic. */
export interface Notifications {
  /** Addresses that SNS asks to confirm, once. */
  readonly email: readonly string[];
  /** The name of a SecureString parameter that holds the address of an incoming webhook: it is a secret. */
  readonly slack?: string;
  readonly teams?: string;
}

/** What the foundations of an environment are called, written by its stack to the parameter {@link names.foundationParameter}. */
export interface Foundation {
  readonly cluster: string;
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly listenerArn: string;
  /** Host name of the load balancer. */
  readonly host: string;
  /** Where a deployment is tested before traffic shifts to it; absent where all services are rolled. */
  readonly test?: TestEntry;
  readonly executionRoleArn: string;
  readonly taskRoleArn: string;
}

/** Where rules of the pipeline's are. */
export const listenersOf = ({ listenerArn, test }: Foundation): string[] => [listenerArn, ...(test ? [test.listenerArn] : [])];

/** The second entrance of an environment. */
export interface TestEntry {
  readonly listenerArn: string;
  readonly port: number;
  /** The role in which ECS changes rules and targets. */
  readonly infrastructureRoleArn: string;
}
