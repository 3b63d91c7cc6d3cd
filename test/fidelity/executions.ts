/** Executions and refusals of state machines: what `asl` and `asl-neutral` hold. */
import { ACCOUNT, Account, OTHER_ACCOUNT, REGION, STAY } from './account.ts';
import type { Behaviour, StoredObject } from './environment.ts';
import { compareHistory, type RecordedEvent } from './history.ts';
import { filled, Likeness } from './likeness.ts';

export interface Execution {
  readonly name: string;
  readonly operation?: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  readonly definition: object | string;
  readonly input?: unknown;
  readonly lambdas?: readonly Behaviour[];
  readonly s3Objects?: readonly StoredObject[];
  readonly otherStateMachines?: readonly { readonly arn: string; readonly definition: object }[];
  readonly maskedTimes?: boolean;
  readonly parallelSorted?: boolean;
  readonly expected: {
    readonly status: string;
    readonly output?: unknown;
    readonly error?: string;
    readonly cause?: unknown;
    readonly message?: string;
    readonly result?: string;
    readonly diagnostics?: readonly object[];
    readonly history?: readonly RecordedEvent[];
  };
}

const MACHINE = 'machine';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/machine`;
const CHOSEN = new Map([...STAY, ['snf_role_arn', ROLE], ['<ArnPart_0idx>', MACHINE]]);

/** @returns why the case differs; undefined where it agrees */
export async function compareExecution(recorded: Execution): Promise<string | undefined> {
  const one = filled(recorded, CHOSEN);
  const { expected, type } = one;
  const spaced = JSON.stringify(expected).includes('\\"errorMessage\\": ');
  const account = new Account({ ...one, lambdas: (one.lambdas ?? []).map((lambda) => ({ ...lambda, spaced })) });
  account.role(ROLE);
  account.role(`arn:aws:iam::${OTHER_ACCOUNT}:role/trusted`);
  const likeness = new Likeness();
  const definition = typeof one.definition === 'string' ? one.definition : JSON.stringify(one.definition);
  if (expected.status === 'VALIDATION') {
    const outcome = await account.call('stepfunctions', 'ValidateStateMachineDefinition', { definition, type });
    const { result, diagnostics } = expected;
    return 'refused' in outcome
      ? `refused: ${outcome.refused.message}`
      : likeness.difference({ result, diagnostics, truncated: false }, { truncated: false, ...outcome.answer });
  }
  for (const { arn, definition: other } of one.otherStateMachines ?? []) await create(account, arn, other);
  const created = await account.call('stepfunctions', 'CreateStateMachine', { name: MACHINE, type, definition, roleArn: ROLE });
  if ('refused' in created)
    return likeness.difference(
      { status: expected.status, error: expected.error, message: expected.message },
      { status: 'REJECTED', error: created.refused.error, message: created.refused.message },
    );
  if (expected.status === 'REJECTED') return `was not refused, recorded ${expected.message}`;
  return execute(account, one, likeness);
}

async function create(account: Account, arn: string, definition: object): Promise<void> {
  const parts = arn.split(':');
  const owner = parts[4]!;
  account.role(`arn:aws:iam::${owner}:role/machine`);
  const request = { name: parts.at(-1), definition: JSON.stringify(definition), roleArn: `arn:aws:iam::${owner}:role/machine` };
  const outcome = await account.call('stepfunctions', 'CreateStateMachine', request, owner);
  if ('refused' in outcome) throw new Error(`the other machine was refused: ${outcome.refused.message}`);
}

async function execute(account: Account, one: Execution, likeness: Likeness): Promise<string | undefined> {
  const { expected, type } = one;
  const stateMachineArn = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${MACHINE}`;
  const started = await account.call('stepfunctions', type === 'EXPRESS' ? 'StartSyncExecution' : 'StartExecution', {
    stateMachineArn,
    input: sent(one),
  });
  if ('refused' in started) return `not started: ${started.refused.message}`;
  const { executionArn } = started.answer;
  let end = started.answer;
  while (type === 'STANDARD') {
    const described = await account.call('stepfunctions', 'DescribeExecution', { executionArn });
    if ('refused' in described) return described.refused.message;
    end = described.answer;
    if (end.status !== 'RUNNING') break;
    if (account.clock.next === undefined) return 'it does not end';
    await account.clock.run({ until: account.clock.next });
  }
  const mask = (value: unknown) => (one.maskedTimes === true ? masked(value) : value);
  const why =
    likeness.difference(expected.status, end.status, 'status') ??
    likeness.difference(expected.error, end.error, 'error') ??
    likeness.difference(expected.cause, end.cause, 'cause') ??
    likeness.difference(mask(expected.output), mask(end.output === undefined ? undefined : JSON.parse(String(end.output))), 'output');
  if (why !== undefined || expected.history === undefined || type === 'EXPRESS') return why;
  const history = await account.call('stepfunctions', 'GetExecutionHistory', { executionArn, maxResults: 1000 });
  if ('refused' in history) return history.refused.message;
  const got = history.answer.events as readonly RecordedEvent[];
  return compareHistory(likeness, mask(expected.history) as RecordedEvent[], mask(got) as RecordedEvent[], one.parallelSorted);
}

/** The input as it was sent; a recording keeps the text of anything but an object. */
function sent({ input, expected }: Execution): string {
  const [first] = (expected.history ?? []) as readonly { readonly executionStartedEventDetails?: { readonly input?: unknown } }[];
  const text = first?.executionStartedEventDetails?.input;
  return typeof text === 'string' ? text : JSON.stringify(input ?? {});
}

/** In some recordings every time of the input has become a word. */
function masked(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('{')) return masked(JSON.parse(value));
  if (value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, name === 'TimestampValue' && typeof one === 'string' ? 'date' : masked(one)]),
  );
}
