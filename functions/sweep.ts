/** The sweep: finds what best-effort events lost. Answers not sent, waits whose subject is over, holders that have ended, pushes without a release. */
import * as z from 'zod/mini';
import { Registry } from '../aws/ecr.ts';
import { Journal } from '../aws/journal.ts';
import { Ledger, type Open } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { Parameters } from '../aws/ssm.ts';
import { type ExecutionEnd, StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import { isOpen } from '../domain/environment/hours.ts';
import type { WaitRecord } from '../domain/ledger/records.ts';
import type { Environment, Pipeline } from '../domain/pipeline/pipeline.ts';
import { ABORTED } from '../domain/workflow/outcome.ts';
import { answerIfDone, observe } from './deployment/waits.ts';
import { type EnvironmentClients, environmentClients } from './environment/clients.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { type End, LONGEST_INVOCATION } from './recovery/end.ts';
import { recoverTeardown, recoverWake } from './recovery/environment.ts';
import { recoverPromotion } from './recovery/promotion.ts';
import { recoverRelease } from './recovery/release.ts';
import { CollectedErrors } from './sweeping/collected-errors.ts';
import { LATE, lostPushes } from './sweeping/lost-pushes.ts';

const Event = z.object({});

interface World {
  readonly pipeline: Pipeline;
  readonly registry: Pick<Registry, 'taggedImages'>;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Ledger;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Turns;
  readonly outbox: Outbox;
  readonly workflows: Pick<StepFunctions, 'start' | 'describe'>;
  readonly releaseMachine: string;
  readonly wakeMachine: string;
  readonly teardownMachine: string;
  readonly clients: (environment: string) => EnvironmentClients;
}

const HOUR = 60 * 60_000;

/** Of the minute that the function has: after that no other repository is begun. Milliseconds. */
const TIME_FOR_PUSHES = 40_000;

/**
 * What holds others up comes first; pushes, of which there may be most and whose repositories may be gone, last.
 * @throws Incomplete with all that could not be done, after everything else was
 */
export const sweep =
  (world: World) =>
  async (_event: z.infer<typeof Event>, moment: Moment): Promise<Record<string, number>> => {
    const now = moment.now();
    const errors = new CollectedErrors();
    const open = await world.ledger.open();
    const found = {
      answers: (await lostAnswers(world, open.answers, errors, now)) + (await untold(world, open.ended, errors, now)),
      waits: await lostWaits(world, open.waits, errors, now),
      holders: await deadHolders(world, open.environments, errors, now),
      teardowns: await idleTeardowns(world, open.extensions, errors, now),
      releases: await deadReleases(world, open.inProgress, errors, now),
      pushes: await lostPushes(world, open, errors, { now: moment.now, until: now + TIME_FOR_PUSHES }),
    };
    if (Object.values(found).some((count) => count > 0)) moment.logger.info('the sweep found something', { found });
    errors.throwIfAny('sweep');
    return found;
  };

/** Answers that a crash left behind between writing and sending. */
async function lostAnswers({ outbox }: World, answers: Open['answers'], errors: CollectedErrors, now: number): Promise<number> {
  const stale = answers.filter(({ writtenAt }) => writtenAt < now - LATE);
  for (const { token, answer } of stale) await errors.attempt('an answer to a waiting step', () => outbox.send(token, answer));
  return stale.length;
}

/** Waits that have ended while their step has not gone on: a crash came before it was told. Where it was, it hears nothing new. */
async function untold(world: World, waits: readonly WaitRecord[], errors: CollectedErrors, now: number): Promise<number> {
  let told = 0;
  for (const wait of waits) {
    if (now - wait.since < LATE) continue;
    await errors.attempt(`an answer to ${wait.owner}`, async () => {
      const promotion = await world.ledger.promotion(wait.owner);
      if (promotion !== undefined && promotion.state !== 'deploying' && promotion.state !== 'rolling-back') return;
      if (await answerIfDone(world, wait)) told++;
    });
  }
  return told;
}

/** Environments that stayed up beyond their hours, whose time has come. */
async function idleTeardowns(
  { pipeline, ledger, workflows, teardownMachine }: World,
  extensions: Open['extensions'],
  errors: CollectedErrors,
  now: number,
): Promise<number> {
  const over = extensions.filter(({ until }) => Date.parse(until) <= now);
  for (const { environment, until } of over)
    await errors.attempt(`teardown of ${environment}`, async () => {
      const { onDemand } = pipeline.environments[environment] ?? {};
      // In the hours of the day it stays as it is.
      if (onDemand && !isOpen(onDemand.hours, now)) {
        const name = `${environment}-teardown-at${Math.floor(Date.parse(until) / 1000).toString(36)}`;
        await workflows.start(teardownMachine, name, { environment, cause: 'hours' });
      }
      await ledger.dropExtension(environment);
    });
  return over.length;
}

/** Waits that are older than their environment allows a deployment to take: one check each. */
async function lostWaits(world: World, waits: readonly WaitRecord[], errors: CollectedErrors, now: number): Promise<number> {
  let ended = 0;
  for (const wait of waits) {
    const environment = world.pipeline.environments[wait.environment];
    if (environment === undefined || now - wait.since < environment.timeouts.deployMinutes * 60_000) continue;
    await errors.attempt(`${wait.service} in ${wait.environment}`, async () => {
      const look = await observe(world, wait);
      if (look.state !== 'none' && (await answerIfDone(world, wait, look.ended))) ended++;
    });
  }
  return ended;
}

/** Holders of turns, and wakes, whose execution has ended: they are recovered, and their turn is passed on. Then those in the queues that a crash left behind. */
async function deadHolders(world: World, environments: readonly string[], errors: CollectedErrors, now: number): Promise<number> {
  const { pipeline, turns, workflows, ledger, wakeMachine } = world;
  let dead = 0;
  for (const name of environments) {
    const environment = pipeline.environments[name];
    if (environment === undefined) continue;
    const holders = (await errors.attempt(`holders in ${name}`, () => turns.holders(environment))) ?? [];
    for (const { ticket, since } of holders) {
      if (now - since < LATE) continue;
      await errors.attempt(`${ticket.id}, which holds a turn in ${name}`, async () => {
        const end = await ended(workflows, ticket.execution, now);
        if (end === undefined) return;
        dead++;
        if (await ledger.promotion(ticket.id)) await recoverPromotion(world, ticket.id, end, now);
        else await recoverTeardown(world, name, ticket.id, end, now);
      });
    }
    await errors.attempt(`waking of ${name}`, async () => {
      const wake = await turns.wakeAwaited(environment);
      if (wake === undefined) return;
      const found = await workflows.describe(executionArn(wakeMachine, wake));
      const woken = endOf(found, now);
      if (woken !== undefined) await recoverWake(world, name, wake, woken, now);
      // Whoever waits there was parked by somebody that crashed before it started the wake, or told of the last one.
      else if (found === undefined && mayWake(environment, now) && (await turns.hasParked(environment)))
        await workflows.start(wakeMachine, wake, { environment: name, cause: 'need' });
      else return;
      dead++;
    });
    if (holders.length > 0) await errors.attempt(`queues of ${name}`, () => turns.advance(environment, now));
  }
  return dead;
}

/** Whether it is woken for whoever waits, now. */
const mayWake = ({ onDemand }: Environment, now: number) =>
  onDemand !== undefined && (onDemand.outside === 'wake' || isOpen(onDemand.hours, now));

const executionArn = (machine: string, name: string) => `${machine.replace(':stateMachine:', ':execution:')}:${name}`;

/** How an execution ended, long enough ago that no Lambda of it can still act; undefined if it runs. */
const ended = async (workflows: World['workflows'], arn: string, now: number): Promise<End | undefined> =>
  endOf(await workflows.describe(arn), now);

function endOf(end: ExecutionEnd | undefined, now: number): End | undefined {
  if (end === undefined || end.status === 'RUNNING') return undefined;
  const stoppedAt = end.stoppedAt?.getTime() ?? now;
  return now - stoppedAt < LONGEST_INVOCATION
    ? undefined
    : { status: end.status, stoppedAt, cause: end.cause ?? '', aborted: end.status === 'ABORTED' && end.error === ABORTED };
}

/**
 * Releases that the ledger calls in progress while their execution has ended. Most of them wait for people, for days:
 * each is asked about once an hour. What holds a turn is found by {@link deadHolders}, every time.
 */
async function deadReleases(world: World, inProgress: Open['inProgress'], errors: CollectedErrors, now: number): Promise<number> {
  let dead = 0;
  for (const { repository, digest, admittedAt, execution } of inProgress) {
    const hour = (at: number) => Math.floor((at - Date.parse(admittedAt)) / HOUR);
    if (hour(now) === hour(now - world.pipeline.sweepMinutes * 60_000)) continue;
    await errors.attempt(`release ${execution}`, async () => {
      const end = await ended(world.workflows, executionArn(world.releaseMachine, execution), now);
      if (end === undefined) return;
      dead++;
      await recoverRelease(world, repository, digest, execution, end, now);
    });
  }
  return dead;
}

export const handler = step('sweep', Event, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  const workflows = new StepFunctions();
  return sweep({
    pipeline,
    registry: new Registry(),
    parameters: new Parameters(),
    ledger,
    journal: new Journal(setting('JOURNAL_TABLE')),
    turns: new Turns(ledger.table, workflows),
    outbox: new Outbox(ledger.table, workflows),
    workflows,
    releaseMachine: setting('RELEASE_MACHINE_ARN'),
    wakeMachine: setting('WAKE_MACHINE_ARN'),
    teardownMachine: setting('TEARDOWN_MACHINE_ARN'),
    clients: environmentClients(pipeline, 'sweep'),
  });
});
