/** The contract between the core and an AWS service on this machine. */

/** Who makes a call. */
export interface Principal {
  readonly kind: 'role' | 'user' | 'service' | 'anonymous';
  /** `arn:aws:sts::<account>:assumed-role/<role>/<session>`, `arn:aws:iam::<account>:user/<name>`, or a service's name such as `events.amazonaws.com`. */
  readonly arn: string;
  readonly account: string;
  /** The role behind a session: `arn:aws:iam::<account>:role/<path><name>`. */
  readonly roleArn?: string;
  /** Condition keys that come with the principal: `aws:SourceArn` and `aws:SourceAccount` of a service, tags of a session. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

/** What IAM must allow before an operation runs. */
export interface Permission {
  /** As in policies: `ecs:UpdateService`. */
  readonly action: string;
  /** The ARN that is acted on, or `*` where the action knows no resource. */
  readonly resource: string;
  /** Condition keys of this action, such as `ecs:cluster` or `iam:PassedToService`. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
  /** The policy of the resource itself (a queue's, a topic's, a function's), if it has one. */
  readonly resourcePolicy?: PolicyDocument;
}

/** A policy as CloudFormation holds it. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: PolicyStatement | readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | Readonly<Record<string, string | readonly string[]>>;
  readonly NotPrincipal?: '*' | Readonly<Record<string, string | readonly string[]>>;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** One call, as the operation that answers it sees it. */
export interface Call {
  readonly principal: Principal;
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When an outsider's request came in by the machine's clock, which is theirs. */
  readonly received?: number;
}

/**
 * One operation of a service. Input and output are the shapes of the service's own SDK client:
 * timestamps are `Date`, blobs `Uint8Array`, as in `<Operation>CommandInput` and `<Operation>CommandOutput`.
 */
// biome-ignore lint/suspicious/noExplicitAny: a table of operations holds every pair of shapes; each service types its own.
export interface Operation<Input = any, Output = any> {
  /** What IAM must allow. Evaluated before {@link handle}; an empty list needs a comment with the reason. */
  readonly authorize: (input: Input, call: Call) => readonly Permission[];
  readonly handle: (input: Input, call: Call) => Output | Promise<Output>;
}

/** A service in one account and Region. */
export interface Service {
  /** By operation name, as in the SDK: `RegisterTaskDefinition`. What is not here answers "not implemented". */
  readonly operations: Readonly<Record<string, Operation>>;
  /** The CloudFormation resource types that this service creates. */
  readonly resources?: Readonly<Record<string, ResourceType>>;
  /** How a write is refused that meets a transaction under way; of services that have transactions. */
  conflict?(operation: string, input: object): ServiceError;
  /** What survives in a data folder, as JSON; absent where nothing does. */
  save?(): unknown;
  load?(saved: unknown): void;
  /** Sets going again, after a snapshot of the world was loaded, what fields cannot hold. */
  resume?(): void | Promise<void>;
}

/** An error as AWS would send it. */
export class ServiceError extends Error {
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;

  /**
   * @param code the error's shape name, such as `ServiceNotFoundException`
   * @param status HTTP status; 4xx is the caller's fault
   * @param fields further members of the error shape
   */
  constructor(code: string, message: string, status = 400, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** The account and Region that something belongs to. */
export interface Place {
  readonly account: string;
  readonly region: string;
  /** `arn:aws:<service>:<region>:<account>:<resource>` */
  arn(service: string, resource: string): string;
}

/** What the template loader hands to a resource. */
export interface ResourceContext {
  readonly site: Place;
  readonly stackName: string;
  readonly logicalId: string;
  /** A physical name as CloudFormation makes one up: `<stack>-<logical id>-<suffix>`, stable for a stack and id. */
  readonly generatedName: string;
  /** The file or folder that an asset's bucket and key stand for. */
  asset(bucket: string, key: string): string;
}

export interface CreatedResource {
  /** What `Ref` gives. */
  readonly ref: string;
  /** What `Fn::GetAtt` gives, by attribute name (`Arn`, `Endpoint.Address`). */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** How a service makes one CloudFormation resource type. Properties arrive with every intrinsic function resolved. */
// biome-ignore lint/suspicious/noExplicitAny: properties are what the template says; each type reads its own.
export interface ResourceType<Properties = any> {
  /** Every property that is understood; any other is refused with its name, so that nothing is silently ignored. */
  readonly properties: readonly string[];
  /** Properties that are accepted and without effect here, each of them listed in docs/local-aws.md. */
  readonly inert?: readonly string[];
  create(properties: Properties, context: ResourceContext): CreatedResource | Promise<CreatedResource>;
  /** Changes the resource in place. Without it a change replaces the resource. */
  update?(properties: Properties, before: CreatedResource, context: ResourceContext): CreatedResource | Promise<CreatedResource>;
  delete?(before: CreatedResource, context: ResourceContext): void | Promise<void>;
}
