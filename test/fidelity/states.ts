/** TestState on single states: what `asl-test-state` holds. */
import { ACCOUNT, Account, STAY } from './account.ts';
import type { Behaviour } from './environment.ts';
import { filled, Likeness } from './likeness.ts';

export interface TestedState {
  readonly name: string;
  readonly request: {
    readonly definition: { readonly Resource?: string };
    readonly input?: unknown;
    readonly variables?: unknown;
    readonly context?: unknown;
    readonly [member: string]: unknown;
  };
  readonly expected: Readonly<Record<string, unknown>>;
}

const ROLE = `arn:aws:iam::${ACCOUNT}:role/tested`;

/** @returns why the case differs; undefined where it agrees */
export async function compareState(recorded: TestedState): Promise<string | undefined> {
  const { request, expected } = filled(recorded, STAY);
  // What a function does is not in these recordings; that it was called shows in the inspected result, so it gives that.
  const { result } = (expected.inspectionData ?? {}) as { readonly result?: string };
  const { Resource } = request.definition;
  const lambdas: Behaviour[] =
    result === undefined || Resource === undefined
      ? []
      : [{ name: Resource, arn: Resource, behaviour: 'return', returns: JSON.parse(result) }];
  const account = new Account({ lambdas });
  account.role(ROLE);
  const text = (value: unknown) => (value === undefined || typeof value === 'string' ? value : JSON.stringify(value));
  const { definition, input, variables, context, ...rest } = request;
  // The recordings leave the role of the request out; the context that AWS shows tells whether there was one.
  const roleArn = JSON.stringify(expected).includes('"RoleArn":null') ? undefined : ROLE;
  const outcome = await account.call('stepfunctions', 'TestState', {
    ...rest,
    definition: text(definition),
    input: text(input),
    variables: text(variables),
    context: text(context),
    roleArn,
  });
  const got = 'answer' in outcome ? outcome.answer : { status: 'REJECTED', error: outcome.refused.error, message: outcome.refused.message };
  return new Likeness().difference(expected, parsed(got));
}

/** The output of an answer is recorded as what its text says. */
function parsed(answer: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return typeof answer.output === 'string' ? { ...answer, output: JSON.parse(answer.output) } : answer;
}
