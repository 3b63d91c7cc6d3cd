/** Receives all decisions of people, by a function URL with IAM authentication: the caller is who the signature proves. */
import * as z from 'zod/mini';
import { Registry } from '../aws/ecr.ts';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Migrations } from '../aws/migrations.ts';
import { Outbox } from '../aws/outbox.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import { personBehind } from '../domain/approval/approval.ts';
import { mayNot, STRANGER } from '../domain/approval/authority.ts';
import { abort } from './decisions/abort.ts';
import { answerGate } from './decisions/approval.ts';
import { type Caller, Decision, refused, type Said, type World } from './decisions/context.ts';
import { freeze, pin, thaw, unpin } from './decisions/freeze-and-pin.ts';
import { promote } from './decisions/promote.ts';
import { promoteSet } from './decisions/promote-set.ts';
import { restart } from './decisions/restart.ts';
import { rollback } from './decisions/rollback.ts';
import { extend, teardown, wake } from './decisions/wake-and-teardown.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';

/** Payload format 2.0 of a function URL. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html */
const Event = z.object({
  body: z.optional(z.string()),
  isBase64Encoded: z.optional(z.boolean()),
  requestContext: z.object({
    requestId: z.string(),
    http: z.object({ method: z.string() }),
    authorizer: z.optional(z.object({ iam: z.object({ userArn: z.string() }) })),
  }),
});

interface Response {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a decision came to: 200 done, 400 not understood, 403 refused. */
const respond = (statusCode: number, message: string, about: { readonly execution?: string; readonly stopped?: true } = {}): Response => ({
  statusCode,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify({ message, ...about }),
});

export const decide =
  (world: World) =>
  async (event: z.infer<typeof Event>, moment: Moment): Promise<Response> => {
    if (event.requestContext.http.method !== 'POST') return respond(405, 'a decision is sent by POST; no other method is answered');
    const caller = event.requestContext.authorizer?.iam.userArn ?? 'nobody';
    const text = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString('utf8') : (event.body ?? '');
    const decision = parse(text);
    if (decision === undefined) return respond(400, 'not a decision; see shiplock approve --help');
    const person = personBehind(world.pipeline, caller);
    const said = person === undefined ? refused(STRANGER) : await carryOut(world, decision, { person, now: moment.now() });
    if (!('refused' in said)) {
      const { done, ...about } = said;
      return respond(200, done, about);
    }
    const subject = subjectOf(decision);
    const who = person?.email ?? caller;
    await world.journal.write(
      entry(
        subject,
        `refused/${event.requestContext.requestId}`,
        moment.now(),
        'bad',
        `${[decision.verb, titleOf(decision)].join(' ').trimEnd()} refused: ${said.refused}`,
        {},
        who,
      ),
    );
    moment.count('DecisionRefused');
    return respond(403, said.refused);
  };

/** What a refusal is kept under in the journal. */
function subjectOf(decision: Decision): string {
  if ('approval' in decision) return `approval/${decision.approval}`;
  if ('execution' in decision) return decision.execution;
  return `environment/${environmentOf(decision)}`;
}

/** What it was about, in words; where only an execution is named, the refusal says it. */
function titleOf(decision: Decision): string {
  if ('approval' in decision) return decision.approval;
  if ('execution' in decision) return '';
  return environmentOf(decision);
}

/** Where it shall happen. */
const environmentOf = (decision: Exclude<Decision, { approval: string } | { execution: string }>): string =>
  decision.verb === 'promote' || decision.verb === 'promote-set' ? decision.to : decision.environment;

function parse(text: string): Decision | undefined {
  try {
    const parsed = z.safeParse(Decision, JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

async function carryOut(world: World, decision: Decision, caller: Caller): Promise<Said> {
  if ('approval' in decision) return answerGate(world, decision, caller);
  if ('execution' in decision) return abort(world, decision, caller);
  const environment = environmentOf(decision);
  const environments = Object.keys(world.pipeline.environments);
  if (!environments.includes(environment)) return refused(`no environment ${environment}; there are ${environments.join(', ')}`);
  const why = mayNot(world.pipeline, environment, caller.person, decision.verb);
  if (why !== undefined) return refused(why);
  switch (decision.verb) {
    case 'freeze':
      return freeze(world, decision, caller);
    case 'thaw':
      return thaw(world, decision, caller);
    case 'pin':
      return pin(world, decision, caller);
    case 'unpin':
      return unpin(world, decision, caller);
    case 'promote':
      return promote(world, decision, caller);
    case 'promote-set':
      return promoteSet(world, decision, caller);
    case 'rollback':
      return rollback(world, decision, caller);
    case 'restart':
      return restart(world, decision, caller);
    case 'wake':
      return wake(world, decision, caller);
    case 'teardown':
      return teardown(world, decision, caller);
    case 'extend':
      return extend(world, decision, caller);
  }
}

export const handler = step('decide', Event, () => {
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  const workflows = new StepFunctions();
  return decide({
    pipeline: readPipeline(),
    ledger,
    turns: new Turns(ledger.table),
    registry: new Registry(),
    migrations: new Migrations(ledger.table),
    outbox: new Outbox(ledger.table, workflows),
    journal: new Journal(setting('JOURNAL_TABLE')),
    workflows,
    machines: {
      release: setting('RELEASE_MACHINE_ARN'),
      promotion: setting('PROMOTION_MACHINE_ARN'),
      wake: setting('WAKE_MACHINE_ARN'),
      teardown: setting('TEARDOWN_MACHINE_ARN'),
    },
  });
});
