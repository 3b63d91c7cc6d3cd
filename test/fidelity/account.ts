/** The account that a recording was made in: local AWS's own services, asked through the SDK's clients as anybody asks them. */
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as events from '@aws-sdk/client-eventbridge';
import * as scheduler from '@aws-sdk/client-scheduler';
import * as sfn from '@aws-sdk/client-sfn';
import * as sns from '@aws-sdk/client-sns';
import * as sqs from '@aws-sdk/client-sqs';
import { clientConfig } from '../../local/core/client.ts';
import { VirtualClock } from '../../local/core/clock.ts';
import { identities } from '../../local/core/iam/identities.ts';
import { modelOf } from '../../local/core/protocols/model.ts';
import type { Shape } from '../../local/core/protocols/shape.ts';
import { World } from '../../local/core/world.ts';
import { factories } from '../../local/services/index.ts';
import { type Behaviour, functions, objects, type StoredObject } from './environment.ts';

export const ACCOUNT = '111111111111';
export const OTHER_ACCOUNT = '222222222222';
export const REGION = 'us-east-1';
const START = Date.UTC(2024, 0, 1);
/** How long a call or an execution may take before it counts as one that never ends. */
const PATIENCE = 8 * 86_400_000;

/** What stands for the place of a recording, wherever it was made. */
export const PLACE: ReadonlyMap<string, string> = new Map([
  ['<partition>', 'aws'],
  ['<region>', REGION],
  ['<test_aws_account_id>', OTHER_ACCOUNT],
  ['<secondary_test_aws_account_id>', OTHER_ACCOUNT],
  ['<trusted_role_arn>', `arn:aws:iam::${OTHER_ACCOUNT}:role/trusted`],
]);

/** What placeholders become that stand for a name which any other would do as well for. */
export const STAY: ReadonlyMap<string, string> = new Map([
  ...PLACE,
  ['<lambda-function-name>', 'lambda-function-name'],
  ['<lambda_function_name>', 'lambda_function_name'],
  ...[1, 2, 3, 4, 5].map((number) => [`<lambda_function_${number}_name>`, `lambda_function_${number}_name`] as const),
]);

type Constructor = new (given: unknown) => { send(command: unknown): Promise<object> };
const CLIENTS: Readonly<Record<string, { readonly module: object; readonly client: string; readonly local: string }>> = {
  stepfunctions: { module: sfn, client: 'SFNClient', local: 'states' },
  events: { module: events, client: 'EventBridgeClient', local: 'events' },
  scheduler: { module: scheduler, client: 'SchedulerClient', local: 'scheduler' },
  sqs: { module: sqs, client: 'SQSClient', local: 'sqs' },
  sns: { module: sns, client: 'SNSClient', local: 'sns' },
  dynamodb: { module: dynamodb, client: 'DynamoDBClient', local: 'dynamodb' },
  logs: { module: logs, client: 'CloudWatchLogsClient', local: 'logs' },
};

/** What a call came to. */
export type Outcome =
  | { readonly answer: Readonly<Record<string, unknown>> }
  | { readonly refused: { readonly error: string; readonly message: string; readonly fields: Readonly<Record<string, unknown>> } };

export interface Contents {
  readonly lambdas?: readonly Behaviour[];
  readonly s3Objects?: readonly StoredObject[];
}

export class Account {
  readonly clock = new VirtualClock(START);
  readonly world: World;
  private readonly admins = new Map<string, ReturnType<ReturnType<typeof identities>['user']>>();

  constructor({ lambdas = [], s3Objects = [] }: Contents = {}) {
    this.world = new World(this.clock, {
      ...factories,
      lambda: () => functions(this.clock, lambdas),
      s3: () => objects(s3Objects),
    });
  }

  /** A role that everybody who is asked about here may take, and that may do everything. */
  role(arn: string): void {
    const [, , , , account = '', path = ''] = arn.split(':');
    const iam = identities(this.world, account);
    const name = path.split('/').at(-1)!;
    if (iam.roleNamed(name) !== undefined) return;
    const services = ['states', 'events', 'scheduler', 'lambda'].map((service) => `${service}.amazonaws.com`);
    const role = iam.createRole({
      name,
      trust: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: services, AWS: [ACCOUNT, OTHER_ACCOUNT] }, Action: 'sts:AssumeRole' }],
      },
    });
    role.inline.set('all', EVERYTHING);
  }

  /** @throws Error where the judge has no client of the service, or the client no such operation */
  async call(service: string, operation: string, request: object, account = ACCOUNT): Promise<Outcome> {
    const known = CLIENTS[service];
    if (known === undefined) throw new Error(`the judge has no client of ${service}`);
    const module = known.module as Readonly<Record<string, Constructor>>;
    const Client = module[known.client]!;
    const Command = module[`${operation}Command`];
    const model = modelOf(known.local)?.operations.get(operation);
    if (Command === undefined || model === undefined) throw new Error(`the client of ${service} has no ${operation}`);
    const client = new Client(clientConfig(this.world, { region: REGION, credentials: this.admin(account) }));
    const sent = client.send(new Command(asInput(model.input, request))).then(
      ({ $metadata: _metadata, ...answer }: { $metadata?: unknown }) => ({ answer }),
      (error: unknown) => ({ refused: refusal(error) }),
    );
    return this.within(sent);
  }

  /** Lets time pass until `work` has ended. */
  async within<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const done = () => {
      over = true;
    };
    work.then(done, done);
    const limit = this.clock.now() + PATIENCE;
    // A client reads parts of itself from the disk when it is first used, which the clock knows nothing of.
    for (let tries = 0; !over && tries < 5000; tries++) {
      await this.clock.run({ done: () => over || this.clock.now() > limit });
      if (!over) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (!over) throw new Error('it has not ended');
    return work;
  }

  pass(seconds: number): Promise<boolean> {
    return this.clock.run({ until: this.clock.now() + seconds * 1000 });
  }

  private admin(account: string) {
    let admin = this.admins.get(account);
    if (admin === undefined) {
      admin = identities(this.world, account).user('admin', { all: EVERYTHING });
      this.admins.set(account, admin);
    }
    return admin;
  }
}

const EVERYTHING = { Version: '2012-10-17', Statement: [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }] };

/** The error as the client for Python reports it: by the old name where a service still tells that. */
function refusal(error: unknown) {
  const { name, message, Code, Error: inner } = error as Error & { Code?: string; Error?: { Code?: string } };
  const fields = Object.fromEntries(
    Object.entries(error as object).filter(([field]) => !/^(\$|name$|message$|stack$|Code$|Error$|Type$|__type)/.test(field)),
  );
  return { error: Code ?? inner?.Code ?? name, message, fields };
}

/** A recorded request as this client takes it: times as dates, bytes as bytes. */
function asInput(shape: Shape, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  const members = Object.entries(value);
  switch (shape.kind) {
    case 'structure':
      if (typeof value !== 'object') return value;
      return Object.fromEntries(
        members.map(([name, one]) => {
          const member = shape.members.get(name);
          return [name, member === undefined ? one : asInput(member.shape, one)];
        }),
      );
    case 'list':
      return Array.isArray(value) ? value.map((one) => asInput(shape.item.shape, one)) : value;
    case 'map':
      return typeof value === 'object' ? Object.fromEntries(members.map(([name, one]) => [name, asInput(shape.value.shape, one)])) : value;
    case 'timestamp':
      return typeof value === 'string' || typeof value === 'number' ? new Date(value) : value;
    case 'blob':
      return typeof value === 'string' ? new TextEncoder().encode(value) : value;
    default:
      return value;
  }
}
