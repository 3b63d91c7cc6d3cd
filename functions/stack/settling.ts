/** What an execution leaves behind when it ends badly, put in order: ECS first, then the ledger, then the turn. Each part can be run again. */
import type { Journal } from '../../aws/journal.ts';
import type { Ledger } from '../../aws/ledger.ts';
import type { Parameters } from '../../aws/ssm.ts';
import type { Turns } from '../../aws/turns.ts';
import { environmentName } from '../../domain/names.ts';
import { listenersOf, type Pipeline } from '../../domain/pipeline.ts';
import { isPromotionOver, type PromotionRecord, type WaitRecord } from '../../domain/records.ts';
import { shortDigest } from '../../domain/release.ts';
import { renderUpdateService } from '../../domain/render.ts';
import { wayBack } from '../../domain/rollout.ts';
import { ALL_GROUPS, type EnvironmentClients, environmentOf } from './environment.ts';
import { freezeForPerson } from './person.ts';
import { CLOCK_SKEW } from './waiting.ts';
import { entry } from './words.ts';

/** The deployment or rollback of an ended promotion, as it is left; `going`: ECS is still on its way back. */
type Left = 'settled' | 'going' | { readonly needsPerson: string };

export interface SettlingWorld {
  readonly pipeline: Pipeline;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Ledger;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Turns;
  readonly clients: (environment: string) => EnvironmentClients;
}

/** A Lambda of an execution that has just ended may still act: what it leaves is put in order when it must be dead. */
class StillBreathing extends Error {
  constructor(execution: string) {
    super(`${execution} has ended a moment ago, and a function of it may still act; this is tried again in a minute`);
    this.name = 'StillBreathing';
  }
}

/** What an ended promotion left is still on its way back: nobody may say yet that it is back. */
class StillGoingBack extends Error {
  constructor(promotion: string) {
    super(`what ran before ${promotion} is not back yet; this is looked at again, by the sweep at the latest`);
    this.name = 'StillGoingBack';
  }
}

/**
 * Lambda brings an event again after a minute, and then after two; that long the retries do for a look.
 * The last one ends well: from then on the sweep looks, and nothing is told as unhandled. Milliseconds.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const RETRIES = 120_000;

/** @throws StillGoingBack while the event may come again */
export function assertSettled(isSettled: boolean, promotion: string, { stoppedAt }: End, now: number): void {
  if (!isSettled && now - stoppedAt < RETRIES) throw new StillGoingBack(promotion);
}

/** How it ended. */
export interface End {
  readonly status: string;
  /** Milliseconds since the epoch. */
  readonly stoppedAt: number;
  readonly cause: string;
  /** A person ended it through `decide`: that is no fault of ours. */
  readonly aborted?: boolean;
}

/** What an end is called, and why. */
function wordsOf({ status, cause, aborted }: End): { readonly state: 'refused' | 'errored'; readonly reason: string } {
  return aborted
    ? { state: 'refused', reason: cause }
    : { state: 'errored', reason: `its execution ended as ${status}${cause ? `: ${cause}` : ''}` };
}

/**
 * The longest a Lambda that was running when its execution ended may still act.
 * Its own time-out is at most 60 s; the turn passes on when it must be dead.
 */
export const LAST_BREATH = 60_000;

/** Whether the end that an execution found is written down already: it has settled everything itself. */
export async function isOver({ ledger }: Pick<SettlingWorld, 'ledger'>, promotion: string): Promise<boolean> {
  const record = await ledger.promotion(promotion);
  return record === undefined || isPromotionOver(record);
}

/**
 * Nothing is settled while a function of the execution may still act: it could deploy after it was looked at.
 * @throws StillBreathing
 */
export function assertDead(execution: string, { stoppedAt }: End, now: number): void {
  if (now - stoppedAt < LAST_BREATH) throw new StillBreathing(execution);
}

/** Stops at once what an ended promotion rolls out; what that comes to is settled later. Harmless, however often. */
export async function brake({ pipeline, ledger, clients }: SettlingWorld, promotion: string): Promise<void> {
  const record = await ledger.promotion(promotion);
  for (const service of Object.keys(record?.before ?? {})) {
    const wait = record && (await ledger.wait(record.environment, service));
    if (
      wait?.owner !== promotion ||
      (wait.kind !== 'deploy' && wait.kind !== 'shift') ||
      (wait.state !== 'open' && wait.state !== 'paused')
    )
      continue;
    const { ecs } = clients(wait.environment);
    const look = await ecs.look(environmentName(pipeline.name, wait.environment), service, wait.since);
    if (look.state === 'running') await ecs.stop(look.deployment ?? '');
  }
}

/**
 * Stops or takes back what an ended promotion left in ECS; when that is done, says so in the ledger, and gives its turn on.
 * Only when its last function must be dead.
 * @returns false while ECS is still on its way back: to be called again
 */
export async function settlePromotion(world: SettlingWorld, promotion: string, end: End, now: number): Promise<boolean> {
  const { ledger, journal, turns } = world;
  const record = await ledger.promotion(promotion);
  if (record === undefined) return true;
  if (!isPromotionOver(record)) {
    const stuck: string[] = [];
    let isGoing = false;
    for (const service of Object.keys(record.before ?? {})) {
      const left = await settleService(world, record, service, end, now);
      if (left === 'going') isGoing = true;
      else if (left !== 'settled') stuck.push(left.needsPerson);
    }
    if (isGoing) return false;
    const { state, reason } = wordsOf(end);
    if (stuck.length > 0) await freezeForPerson(world, record, stuck.join('; '), now);
    await ledger.setPromotion(promotion, { state, endedAt: new Date(now).toISOString(), reason });
    const about = { release: record.release, environment: record.environment, stage: record.stage };
    const what = stuck.length > 0 ? stuck.join('; ') : record.before === undefined ? 'nothing has changed' : 'what ran before is put back';
    await journal.write(entry(promotion, 'ended', now, 'bad', `${state} in ${record.environment}: ${reason}; ${what}`, about));
  }
  await turns.end(
    environmentOf(world.pipeline, record.environment),
    promotion,
    record.group === ALL_GROUPS ? undefined : record.group,
    now,
  );
  return true;
}

async function settleService(world: SettlingWorld, record: PromotionRecord, serviceName: string, end: End, now: number): Promise<Left> {
  const { pipeline, parameters, ledger, clients } = world;
  const wait = await ledger.wait(record.environment, serviceName);
  if (wait?.owner !== record.promotion) return 'settled';
  const previous = record.before?.[serviceName] ?? null;
  if (previous === null) {
    const { ecs, loadBalancing } = clients(record.environment);
    await ecs.delete(environmentName(pipeline.name, record.environment), serviceName);
    if (pipeline.services[serviceName]?.web) {
      const { foundation, targetGroups } = await parameters.foundation(pipeline.name, record.environment, [serviceName]);
      for (const listener of listenersOf(foundation))
        await loadBalancing.deleteRules(listener, (led) => led.includes(targetGroups[serviceName] ?? ''));
    }
    await ledger.dropService(record.environment, serviceName);
  } else {
    const left = await goBack(world, record, wait, previous, end, now);
    if (left !== 'settled') return left;
  }
  await ledger.dropWait(wait);
  return 'settled';
}

/** Brings a service back to what it ran before, from wherever the execution has left it; it is back when ECS says so. */
async function goBack(
  world: SettlingWorld,
  record: PromotionRecord,
  wait: WaitRecord,
  previous: string,
  { stoppedAt }: End,
  now: number,
): Promise<Left> {
  const { pipeline, clients } = world;
  const { ecs } = clients(record.environment);
  const cluster = environmentName(pipeline.name, record.environment);
  const isBack = wait.kind === 'put-back';
  let look = await ecs.look(cluster, wait.service, wait.since);
  // A rollback's own deployment of what ran before may go on; anything else that was deployed may not.
  if (look.state === 'running' && !isBack) {
    await ecs.stop(look.deployment ?? '');
    look = await ecs.look(cluster, wait.service, wait.since);
  }
  if (look.stuck || look.gone || (isBack && look.state === 'broke')) return { needsPerson: `${wait.service}: ${look.reason}` };
  if (look.state === 'running') {
    const { deployMinutes } = environmentOf(pipeline, record.environment).timeouts;
    const until = Math.max(stoppedAt, wait.since) + LAST_BREATH + deployMinutes * 60_000;
    return now < until ? 'going' : { needsPerson: `${wait.service}: ECS has not gone back within ${deployMinutes} minutes` };
  }
  return look.state === (isBack ? 'none' : 'held') ? putBack(world, record, wait, previous, now) : 'settled';
}

/** Asks for what ran before; what comes of it is seen by the next look. */
async function putBack(
  { pipeline, parameters, ledger, clients }: SettlingWorld,
  { environment: name, promotion }: PromotionRecord,
  wait: WaitRecord,
  taskDefinition: string,
  now: number,
): Promise<Left> {
  const service = pipeline.services[wait.service];
  if (service === undefined) return 'settled';
  const environment = environmentOf(pipeline, name);
  const { foundation } = await parameters.foundation(pipeline.name, name, []);
  const shift = wayBack(environment, wait);
  const parts = { pipeline, environment, service, foundation, targetGroupArn: undefined, taskDefinition, promotion, shift };
  await ledger.putWait({ ...wait, kind: 'put-back', state: 'open', taskDefinition, since: now - CLOCK_SKEW });
  await clients(name).ecs.update(renderUpdateService(parts) as never);
  return 'going';
}

/** Gives a release its terminal state and withdraws its open question. */
export async function settleRelease(
  { ledger, journal }: SettlingWorld,
  repository: string,
  digest: string,
  execution: string,
  end: End,
  now: number,
  attempt = 1,
): Promise<void> {
  const record = await ledger.release(repository, digest);
  if (record === undefined) {
    // It ended before it was admitted: its tag and order were never read, but nobody shall wonder where the push has gone.
    const { state, reason } = wordsOf(end);
    const at = new Date(now).toISOString();
    const nameless = { repository, digest, tag: shortDigest(digest), order: '', pushedAt: at };
    await ledger.putRelease({ ...nameless, state, reason, admittedAt: at, endedAt: at, execution, attempt });
    await journal.write(entry(execution, 'ended', now, 'bad', `${state} before it was admitted: ${reason}`, { release: nameless }));
    return;
  }
  if (record.execution !== execution) return;
  if (record.state === 'climbing') {
    const { state, reason } = wordsOf(end);
    await ledger.setRelease(repository, digest, execution, {
      state,
      endedAt: new Date(now).toISOString(),
      reason,
      waitsFor: undefined,
    });
    await journal.write(entry(execution, 'ended', now, 'bad', `${state}: ${reason}`, { release: record }));
  }
  const gate = record.stage ? await ledger.gate(record.stage, repository) : undefined;
  if (gate?.climb === execution && gate.state === 'waiting')
    await ledger.table.transact([ledger.gateWrite({ ...gate, state: 'withdrawn', version: gate.version + 1 }, gate)]);
}

/** An environment whose wake has ended without a word is down again; whoever waits is told. */
export async function settleWake(
  { pipeline, ledger, turns, journal }: SettlingWorld,
  environment: string,
  execution: string,
  end: End,
  now: number,
): Promise<void> {
  const place = environmentOf(pipeline, environment);
  if ((await turns.wakeAwaited(place)) !== execution) return;
  for (const wait of await ledger.waits(environment)) if (wait.owner === execution) await ledger.dropWait(wait);
  const reason = `its wake ended as ${end.status}`;
  await journal.write(entry(execution, 'not-woken', now, 'bad', `${environment} could not be woken: ${reason}`, { environment }));
  await turns.wakeFailed(place, execution, reason, now);
}

/** Gives an environment back whose teardown has ended without a word: half of it may be gone, so it counts as down; a wake makes it whole, the next closing takes down what is left. */
export async function settleTeardown(
  { pipeline, turns, journal }: SettlingWorld,
  environment: string,
  execution: string,
  end: End,
  now: number,
): Promise<void> {
  const text = `${environment}: its teardown ended as ${end.status}; what is left of it costs until the next one`;
  await journal.write(entry(execution, 'ended', now, 'bad', text, { environment }));
  await turns.endEnvironment(environmentOf(pipeline, environment), execution, 'down', now);
}

/** Whether an environment waits for this execution to wake it. */
export const isWaking = async ({ pipeline, turns }: SettlingWorld, environment: string, execution: string): Promise<boolean> =>
  (await turns.wakeAwaited(environmentOf(pipeline, environment))) === execution;

/** Whether an execution holds an environment's turn, or waits for it. */
export const isInTurn = async ({ pipeline, turns }: SettlingWorld, environment: string, execution: string): Promise<boolean> =>
  (await turns.tickets(environmentOf(pipeline, environment))).some(({ id }) => id === execution);
