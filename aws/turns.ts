/** Runs the turn protocol against the ledger: items under one partition for an environment, every write conditional on the version. */

import type { Environment } from '../domain/pipeline/pipeline.ts';
import {
  beginWake,
  type Effect,
  type EnvironmentState,
  endTurn,
  firstGate,
  type Gate,
  type GroupTurns,
  type Program,
  recoverAll,
  type Taken,
  type Ticket,
  type TurnAnswer,
  type Key as TurnKey,
  takeEnvironmentTurn,
  takeGroupTurn,
  wakeDone,
  wakeFailed,
} from '../domain/turn/protocol.ts';
import { EnvironmentAsleep, PromotionRefused, Superseded, TurnLost } from '../domain/workflow/errors.ts';
import { Outbox } from './outbox.ts';
import type { Answer, StepFunctions } from './step-functions.ts';
import { has, isAbsent, type Key, OPEN, type Table } from './table.ts';

/** Tombstones outlive every execution that could still ask: two months. */
const BURIED_SECONDS = 60 * 24 * 3600;

/** Who holds something in an environment, and since when at the latest it may be asked about. */
export interface Holder {
  readonly ticket: Ticket;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** What an environment needs to say of itself for its queue. */
type Place = Pick<Environment, 'name' | 'onDemand' | 'timeouts'>;

const partition = (environment: string) => `TURNS#${environment}`;

const keyOf = (environment: string, key: TurnKey): Key => ({
  pk: partition(environment),
  sk: key.item === 'gate' ? 'GATE' : `GROUP#${key.group}`,
});

const initialOf = ({ onDemand }: Pick<Environment, 'onDemand'>): EnvironmentState => (onDemand ? 'down' : 'up');

const wakeNameOf = ({ name }: Place, night: number) => `${name}-wake-${night}`;

/** The night whose one wake an execution is; undefined for those by the clock and by hand. */
function nightOf(environment: Place, execution: string): number | undefined {
  const night = execution.slice(wakeNameOf(environment, 0).length - 1);
  return /^\d+$/.test(night) && execution === wakeNameOf(environment, Number(night)) ? Number(night) : undefined;
}

export class Turns {
  private readonly table: Table;
  private readonly outbox: Outbox | undefined;

  /** @param workflows absent where turns are only read */
  constructor(table: Table, workflows?: StepFunctions) {
    this.table = table;
    this.outbox = workflows ? new Outbox(table, workflows) : undefined;
  }

  takeGroup(environment: Place, group: string, ticket: Ticket, now: number): Promise<Taken> {
    return this.run(environment, takeGroupTurn(initialOf(environment), group, ticket), now);
  }

  /** @param evenIfDown something of it still runs, though it counts as down */
  takeEnvironment(environment: Place, ticket: Ticket, evenIfDown: boolean, now: number): Promise<Taken | { readonly state: 'asleep' }> {
    return this.run(environment, takeEnvironmentTurn(initialOf(environment), ticket, evenIfDown), now);
  }

  /** Ends a promotion's ticket, wherever it stands. @param group undefined: it was the environment's, which stays up */
  end(environment: Place, ticket: string, group: string | undefined, now: number): Promise<void> {
    return this.run(environment, endTurn(initialOf(environment), ticket, group), now);
  }

  /** Ends an environment's ticket and says how it leaves the environment. */
  endEnvironment(environment: Place, ticket: string, leaves: 'up' | 'down', now: number): Promise<void> {
    return this.run(environment, endTurn(initialOf(environment), ticket, undefined, leaves), now);
  }

  /** Lets on whoever a crash has left behind. */
  advance(environment: Place, now: number): Promise<void> {
    return this.run(environment, recoverAll(initialOf(environment)), now);
  }

  beginWake(environment: Place, execution: string, now: number): Promise<boolean> {
    return this.run(environment, beginWake(initialOf(environment), execution), now);
  }

  wakeDone(environment: Place, now: number): Promise<void> {
    return this.run(environment, wakeDone(initialOf(environment)), now);
  }

  /** @param execution the wake that failed, or ended before it began */
  wakeFailed(environment: Place, execution: string, reason: string, now: number): Promise<void> {
    return this.run(environment, wakeFailed(initialOf(environment), execution, reason, nightOf(environment, execution)), now);
  }

  /** The name of the wake after the latest night: whoever asks for it asks for the same. */
  async wakeName(environment: Place): Promise<string> {
    return wakeNameOf(environment, (await this.gate(environment)).nights);
  }

  /** The execution that wakes the environment now or, where it is down, would under the name of this night; undefined where nothing is to be woken. */
  async wakeAwaited(environment: Place): Promise<string | undefined> {
    const gate = await this.gate(environment);
    return gate.state === 'waking' ? gate.wake : gate.state === 'down' ? wakeNameOf(environment, gate.nights) : undefined;
  }

  async state(environment: Place): Promise<EnvironmentState> {
    return (await this.gate(environment)).state;
  }

  /** Whether somebody waits to go in. */
  async hasParked(environment: Place): Promise<boolean> {
    return (await this.groups(environment.name)).some(
      ({ holder, waiting }) => holder?.phase === 'parked' || holder?.phase === 'entering' || waiting.length > 0,
    );
  }

  /** Whoever holds a turn, stands at the head of a queue, or is about to. */
  async holders(environment: Place): Promise<Holder[]> {
    const gate = await this.gate(environment);
    const tickets = [
      ...(gate.exclusive ? [gate.exclusive.ticket] : []),
      ...(await this.groups(environment.name)).flatMap(({ holder }) => holder?.ticket ?? []),
    ];
    return tickets.map((ticket) => ({ ticket, since: ticket.askedAt }));
  }

  /** Whoever holds a group's turn or waits for it. */
  async groupTickets(environment: Place, group: string): Promise<readonly Ticket[]> {
    const turns = await this.table.get<GroupTurns>(keyOf(environment.name, { item: 'group', group }));
    return turns === undefined ? [] : [...(turns.holder ? [turns.holder.ticket] : []), ...turns.waiting];
  }

  /** Whose turn it is to change this group: its own ticket, or one of the whole environment. */
  async atWork(environment: Place, group: string): Promise<Ticket | undefined> {
    const turns = await this.table.get<GroupTurns>(keyOf(environment.name, { item: 'group', group }));
    if (turns?.holder?.phase === 'held') return turns.holder.ticket;
    const { exclusive } = await this.gate(environment);
    return exclusive?.phase === 'held' ? exclusive.ticket : undefined;
  }

  /** Whoever holds the environment's turn or waits for it. */
  async tickets(environment: Place): Promise<readonly Ticket[]> {
    const { exclusive, queue } = await this.gate(environment);
    return [...(exclusive ? [exclusive.ticket] : []), ...queue];
  }

  /**
   * The fence, read again just before a call that changes ECS.
   * @throws TurnLost if the turn has passed on
   */
  async assertTurn(environment: string, group: string | undefined, ticket: string, fence: number): Promise<void> {
    this.assertHeld(await this.table.get(this.turnKey(environment, group)), environment, ticket, fence);
  }

  /** @throws TurnLost if the turn has passed on */
  assertEnvironmentTurn(environment: string, ticket: string, fence: number): Promise<void> {
    return this.assertTurn(environment, undefined, ticket, fence);
  }

  /** Where a turn is written down, to be read together with other items. @param group undefined: the environment's */
  turnKey(environment: string, group: string | undefined): Key {
    return keyOf(environment, group === undefined ? { item: 'gate' } : { item: 'group', group });
  }

  /** The same of what was read there just now. @throws TurnLost if the turn has passed on */
  assertHeld(turn: Gate | GroupTurns | undefined, environment: string, ticket: string, fence: number): void {
    if (!isHeldBy(turn, ticket, fence)) throw new TurnLost(environment, ticket);
  }

  private async gate(environment: Place): Promise<Gate> {
    return (await this.table.get<Gate>(keyOf(environment.name, { item: 'gate' }))) ?? firstGate(initialOf(environment));
  }

  private groups(environment: string): Promise<GroupTurns[]> {
    return this.table.query<GroupTurns>(partition(environment), 'GROUP#');
  }

  /** Carries out a program, effect by effect. */
  private async run<Result>(environment: Place, program: Program<Result>, now: number): Promise<Result> {
    let next = program.next();
    while (!next.done) next = program.next(await this.perform(environment, next.value, now));
    return next.value;
  }

  private async perform(environment: Place, effect: Effect, now: number): Promise<unknown> {
    const { name } = environment;
    switch (effect.op) {
      case 'get':
        return this.table.get(keyOf(name, effect.key));
      case 'put': {
        const key = keyOf(name, effect.key);
        const item = marked(name, effect.key, effect.item);
        const when = effect.expect === 0 ? isAbsent : has({ version: effect.expect });
        if (effect.answers.length === 0) return this.table.put(key, item, when);
        const outbox = this.requireOutbox();
        const answers = effect.answers.map((answer) => outbox.write(answer.token, told(environment, answer), now));
        return this.table.transact([{ key, item, when }, ...answers]);
      }
      case 'groups':
        return this.groups(name);
      case 'bury':
        await this.table.put({ pk: partition(name), sk: `DEAD#${effect.ticket}` }, { expiresAt: Math.floor(now / 1000) + BURIED_SECONDS });
        return undefined;
      case 'dead':
        return (await this.table.get({ pk: partition(name), sk: `DEAD#${effect.ticket}` })) !== undefined;
      case 'send':
        await this.requireOutbox().send(effect.answer.token, told(environment, effect.answer));
        return undefined;
    }
  }

  private requireOutbox(): Outbox {
    if (this.outbox === undefined) throw new Error('these turns are read-only');
    return this.outbox;
  }
}

function isHeldBy(turn: Gate | GroupTurns | undefined, ticket: string, fence: number): boolean {
  if (turn === undefined) return false;
  if ('group' in turn) return turn.holder?.ticket.id === ticket && turn.holder.phase === 'held' && turn.fence === fence;
  const { exclusive } = turn;
  return exclusive?.ticket.id === ticket && exclusive.phase === 'held' && exclusive.fence === fence;
}

/** An item in whose queue somebody stands is in the part of the index that the sweep reads. */
function marked(environment: string, key: TurnKey, item: Gate | GroupTurns): object {
  const { sk } = keyOf(environment, key);
  const busy =
    'group' in item ? item.holder !== undefined || item.waiting.length > 0 : item.exclusive !== undefined || item.state === 'waking';
  return busy ? { ...item, gpk: OPEN, gsk: `TURNS#${environment}#${sk}` } : item;
}

/** What the waiting step hears. */
function told({ name, timeouts }: Place, answer: TurnAnswer): Answer {
  switch (answer.kind) {
    case 'granted':
      return { result: { fence: answer.fence, deploySeconds: timeouts.deployMinutes * 60, verifySeconds: timeouts.verifyMinutes * 60 } };
    case 'superseded':
      return { error: 'Superseded', cause: new Superseded(answer.reason).message };
    case 'refused':
      return answer.reason === 'it is down already'
        ? { error: 'EnvironmentAsleep', cause: new EnvironmentAsleep(name).message }
        : { error: 'PromotionRefused', cause: new PromotionRefused(`${name} could not be woken: ${answer.reason}`).message };
  }
}
