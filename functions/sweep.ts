/** The sweep: finds what best-effort events lost. Pushes without a release, waits whose subject is over, holders that have ended, answers not sent. */
import * as z from 'zod/mini';
import { isRunnable, Registry } from '../aws/ecr.ts';
import { Journal } from '../aws/journal.ts';
import { Ledger, type Open } from '../aws/ledger.ts';
import { Outbox } from '../aws/outbox.ts';
import { Parameters } from '../aws/ssm.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Turns } from '../aws/turns.ts';
import { isOpen } from '../domain/hours.ts';
import { releaseExecution } from '../domain/names.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { WaitRecord } from '../domain/records.ts';
import { matchesTag } from '../domain/tags.ts';
import { ABORTED, type ReleaseStart } from '../domain/workflow.ts';
import { type EnvironmentClients, environmentClients } from './stack/environment.ts';
import { readPipeline, setting } from './stack/settings.ts';
import { type End, LAST_BREATH, settlePromotion, settleRelease, settleTeardown, settleWake } from './stack/settling.ts';
import { type Moment, step } from './stack/step.ts';
import { answerIfOver, lookAt } from './stack/waiting.ts';

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

/** An event may be this late before the sweep takes it for lost. */
const LATE = 2 * 60_000;
const HOUR = 60 * 60_000;

export const sweep =
  (world: World) =>
  async (_event: z.infer<typeof Event>, moment: Moment): Promise<Record<string, number>> => {
    const now = moment.now();
    const open = await world.ledger.open();
    const found = {
      pushes: await lostPushes(world, open.swept, now),
      answers: await world.outbox.flush(open.answers, now - LATE),
      waits: await lostWaits(world, open.waits, now),
      holders: await deadHolders(world, open.environments, now),
      closings: await closings(world, open.extensions, now),
      releases: await deadReleases(world, open.climbing, now),
    };
    if (Object.values(found).some((count) => count > 0)) moment.logger.info('the sweep found something', { found });
    return found;
  };

/** Images that were pushed since the last sweep and became no release, though nobody said why not. */
async function lostPushes(
  { pipeline, registry, ledger, workflows, releaseMachine }: World,
  swept: Open['swept'],
  now: number,
): Promise<number> {
  let lost = 0;
  for (const repository of Object.values(pipeline.repositories)) {
    const upTo = swept[repository.name];
    // What was there before the pipeline is not a push that it missed.
    if (upTo === undefined) {
      await ledger.putSwept(repository.name, now - LATE);
      continue;
    }
    const images = await registry.taggedImages(repository.name);
    const fresh = images.filter(({ pushedAt }) => pushedAt.getTime() > upTo && pushedAt.getTime() <= now - LATE);
    for (const image of fresh) {
      if (!isRunnable(image)) continue;
      if (!image.tags.some((tag) => matchesTag(repository.tags, tag))) continue;
      if (await ledger.release(repository.name, image.digest)) continue;
      const start: ReleaseStart = { repository: repository.name, digest: image.digest, attempt: 1, stages: null, cause: 'sweep' };
      if (await workflows.start(releaseMachine, releaseExecution(repository.name, image.digest, 1), start)) lost++;
    }
    if (fresh.length > 0) await ledger.putSwept(repository.name, Math.max(...fresh.map(({ pushedAt }) => pushedAt.getTime())));
  }
  return lost;
}

/** Environments that stayed up beyond their hours, whose time has come. */
async function closings(
  { pipeline, ledger, workflows, teardownMachine }: World,
  extensions: Open['extensions'],
  now: number,
): Promise<number> {
  const over = extensions.filter(({ until }) => Date.parse(until) <= now);
  for (const { environment, until } of over) {
    const { onDemand } = pipeline.environments[environment] ?? {};
    // In the hours of the day it stays as it is.
    if (onDemand && !isOpen(onDemand.hours, now)) {
      const name = `${environment}-teardown-at${Math.floor(Date.parse(until) / 1000).toString(36)}`;
      await workflows.start(teardownMachine, name, { environment, cause: 'hours' });
    }
    await ledger.dropExtension(environment);
  }
  return over.length;
}

/** Waits that are older than their environment's patience: one look each. */
async function lostWaits(world: World, waits: readonly WaitRecord[], now: number): Promise<number> {
  let ended = 0;
  for (const wait of waits) {
    const environment = world.pipeline.environments[wait.environment];
    if (environment === undefined || now - wait.since < environment.timeouts.deployMinutes * 60_000) continue;
    const look = await lookAt(world, wait);
    if ((look.state === 'held' || look.state === 'broke') && (await answerIfOver(world, wait, now))) ended++;
  }
  return ended;
}

/** Holders of turns, and wakes, whose execution has ended: settled, and their turn given on. Then whoever a crash left behind. */
async function deadHolders(world: World, environments: readonly string[], now: number): Promise<number> {
  const { pipeline, turns, workflows, ledger, wakeMachine } = world;
  let dead = 0;
  for (const name of environments) {
    const environment = pipeline.environments[name];
    if (environment === undefined) continue;
    const holders = await turns.holders(environment);
    for (const { ticket, since } of holders) {
      if (now - since < LATE) continue;
      const end = await ended(workflows, ticket.execution, now);
      if (end === undefined) continue;
      dead++;
      if (await ledger.promotion(ticket.id)) await settlePromotion(world, ticket.id, end, now);
      else await settleTeardown(world, environment.name, ticket.id, end, now);
    }
    const wake = await turns.waking(environment);
    const woken = wake === undefined ? undefined : await ended(workflows, executionArn(wakeMachine, wake), now);
    if (wake !== undefined && woken !== undefined) {
      dead++;
      await settleWake(world, environment.name, wake, woken, now);
    }
    if (holders.length > 0) await turns.settle(environment, now);
  }
  return dead;
}

const executionArn = (machine: string, name: string) => `${machine.replace(':stateMachine:', ':execution:')}:${name}`;

/** How an execution ended, long enough ago that no Lambda of it can still act; undefined if it runs. */
async function ended(workflows: World['workflows'], arn: string, now: number): Promise<End | undefined> {
  const end = await workflows.describe(arn);
  if (end === undefined || end.status === 'RUNNING') return undefined;
  const stoppedAt = end.stoppedAt?.getTime() ?? now;
  return now - stoppedAt < LAST_BREATH
    ? undefined
    : { status: end.status, stoppedAt, cause: end.cause ?? '', aborted: end.status === 'ABORTED' && end.error === ABORTED };
}

/**
 * Releases that climb in the ledger while their execution has ended. Most of them wait for people, for days:
 * each is asked about once an hour. What holds a turn is found by {@link deadHolders}, every time.
 */
async function deadReleases(world: World, climbing: Open['climbing'], now: number): Promise<number> {
  let dead = 0;
  for (const { repository, digest, admittedAt, execution } of climbing) {
    const hour = (at: number) => Math.floor((at - Date.parse(admittedAt)) / HOUR);
    if (hour(now) === hour(now - world.pipeline.sweepMinutes * 60_000)) continue;
    const end = await ended(world.workflows, executionArn(world.releaseMachine, execution), now);
    if (end === undefined) continue;
    dead++;
    await settleRelease(world, repository, digest, execution, end, now);
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
