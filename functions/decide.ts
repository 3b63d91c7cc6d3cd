/** Everything that people decide: a function URL with IAM authentication; the caller is what the signature proves. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { type Answer, StepFunctions } from '../aws/step-functions.ts';
import { decide as decideApproval, personBehind } from '../domain/approval.ts';
import { Rejected } from '../domain/errors.ts';
import type { Person, Pipeline } from '../domain/pipeline.ts';
import { releaseTitle } from '../domain/release.ts';
import { readPipeline, setting } from './stack/settings.ts';
import { type Moment, step } from './stack/step.ts';
import { entry } from './stack/words.ts';

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

const reason = z.string().check(z.maxLength(1000));

const Decision = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.enum(['approve', 'reject']), approval: z.string(), digest: z.string(), reason: z.optional(reason) }),
  z.strictObject({ verb: z.literal('freeze'), environment: z.string(), reason }),
  z.strictObject({ verb: z.literal('thaw'), environment: z.string() }),
]);

type Decision = z.infer<typeof Decision>;

interface Response {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface World {
  readonly pipeline: Pipeline;
  readonly ledger: Pick<Ledger, 'gate' | 'gateWrite' | 'freeze' | 'putFreeze' | 'dropFreeze' | 'setRelease' | 'table'>;
  readonly outbox: Outbox;
  readonly journal: Pick<Journal, 'write'>;
}

/** What a decision came to: 200 done, 400 not understood, 403 refused. */
const respond = (statusCode: number, message: string): Response => ({
  statusCode,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify({ message }),
});

export const decide =
  (world: World) =>
  async (event: z.infer<typeof Event>, moment: Moment): Promise<Response> => {
    if (event.requestContext.http.method !== 'POST') return respond(405, 'a decision is a POST; nothing is decided by looking');
    const caller = event.requestContext.authorizer?.iam.userArn ?? 'nobody';
    const text = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString('utf8') : (event.body ?? '');
    const decision = parse(text);
    if (decision === undefined) return respond(400, 'not a decision; see shiplock approve --help');
    const person = personBehind(world.pipeline, caller);
    const refusal = await carryOut(world, decision, person, moment);
    if (refusal === undefined) return respond(200, 'done');
    const subject = 'approval' in decision ? `approval/${decision.approval}` : `environment/${decision.environment}`;
    const who = person?.email ?? caller;
    await world.journal.write(
      entry(subject, `refused/${event.requestContext.requestId}`, moment.now(), 'bad', `${decision.verb} refused: ${refusal}`, {}, who),
    );
    moment.count('DecisionRefused');
    return respond(403, refusal);
  };

function parse(text: string): Decision | undefined {
  try {
    const parsed = z.safeParse(Decision, JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** @returns why not, if it was refused */
async function carryOut(world: World, decision: Decision, person: Person | undefined, moment: Moment): Promise<string | undefined> {
  switch (decision.verb) {
    case 'approve':
    case 'reject':
      return answerGate(world, decision, person, moment);
    case 'freeze':
    case 'thaw':
      return freezeOrThaw(world, decision, person, moment);
  }
}

async function answerGate(
  { pipeline, ledger, outbox, journal }: World,
  decision: Extract<Decision, { approval: string }>,
  person: Person | undefined,
  { now }: Moment,
): Promise<string | undefined> {
  const [stage = '', ...rest] = decision.approval.split('/');
  const repository = rest.slice(0, -2).join('/');
  const rule = pipeline.path.find(({ name }) => name === stage)?.approval;
  for (;;) {
    const gate = await ledger.gate(stage, repository);
    const { verb, approval, digest } = decision;
    const verdict = decideApproval(
      gate,
      rule,
      person,
      { verb, approval, digest, ...(decision.reason ? { reason: decision.reason } : {}) },
      now(),
    );
    if (verdict.kind === 'refused') return verdict.reason;
    const { record } = verdict;
    const about = { release: record.release, stage };
    const by = person?.email ?? '';
    if (verdict.kind === 'counted') {
      if (!(await ledger.table.transact([ledger.gateWrite(record, gate)]))) continue;
      await journal.write(
        entry(record.climb, `approved/${stage}/${by}`, now(), 'info', `approved for ${stage}, ${verdict.missing} more needed`, about, by),
      );
      return undefined;
    }
    const answer: Answer =
      verdict.kind === 'approved'
        ? { result: { approval: record.approval, approvals: record.approvals } }
        : { error: 'Rejected', cause: new Rejected(record.reason ?? '').message };
    if (!(await ledger.table.transact([ledger.gateWrite(record, gate), outbox.write(record.token, answer, now())]))) continue;
    await ledger.setRelease(record.release.repository, record.release.digest, record.climb, { waitsFor: undefined });
    const words =
      verdict.kind === 'approved' ? `approved for ${stage}` : `rejected for ${stage}${decision.reason ? `: ${decision.reason}` : ''}`;
    await journal.write(
      entry(record.climb, `${verdict.kind}/${stage}/${by}`, now(), verdict.kind === 'approved' ? 'good' : 'bad', words, about, by),
    );
    const heard = await outbox.send(record.token, answer);
    return heard ? undefined : `${releaseTitle(record.release)} has ended; nobody waits for this any more`;
  }
}

async function freezeOrThaw(
  { pipeline, ledger, journal }: World,
  decision: Extract<Decision, { environment: string }>,
  person: Person | undefined,
  { now }: Moment,
): Promise<string | undefined> {
  if (person === undefined) return 'nobody of this pipeline’s people has this identity; add it under `people` in shiplock.config.ts';
  const { environment } = decision;
  if (!(environment in pipeline.environments))
    return `no environment ${environment}; there are ${Object.keys(pipeline.environments).join(', ')}`;
  const frozen = await ledger.freeze(environment);
  const at = now();
  const subject = `environment/${environment}`;
  if (decision.verb === 'freeze') {
    if (frozen !== undefined) return `${environment} is frozen since ${frozen.at} by ${frozen.by}: “${frozen.reason}”`;
    await ledger.putFreeze({ environment, by: person.email, at: new Date(at).toISOString(), reason: decision.reason, needsPerson: false });
    await journal.write(
      entry(subject, `frozen/${at}`, at, 'waiting', `${environment} frozen: ${decision.reason}`, { environment }, person.email),
    );
    return undefined;
  }
  if (frozen === undefined) return `${environment} is not frozen`;
  await ledger.dropFreeze(environment);
  await journal.write(entry(subject, `thawed/${frozen.at}`, at, 'info', `${environment} thawed`, { environment }, person.email));
  return undefined;
}

export const handler = step('decide', Event, () => {
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  return decide({
    pipeline: readPipeline(),
    ledger,
    outbox: new Outbox(ledger.table, new StepFunctions()),
    journal: new Journal(setting('JOURNAL_TABLE')),
  });
});
