/** Runs the turn protocol against the ledger: items under one partition for an environment, every write conditional on the version. */
import type { PromotionRecord } from '../domain/ledger/records.ts';
import { isPromotionOver } from '../domain/ledger/records.ts';

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
import { has, isAbsent, type Key, OPEN, promotionKey, type Table, type Write } from './table.ts';

/** Tombstones outlive every execution that could still ask: two months. */
const BURIED_SECONDS = 60 * 24 * 3600;

/** Who holds something in an environment, and since when at the latest it may be asked about. */
export interface Holder {
  readonly ticket: Ticket;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** What is written along with a turn that is taken or given back. */
export interface Along {
  /** In one transaction with these writes. @returns false if a condition did not hold */
  readonly together: (writes: readonly Write[]) => Promise<boolean>;
  /** By itself, where the turn is taken or given back step by step. */
  readonly alone: () => Promise<void>;
}

/** A group's turn and its environment's barrier, as they were read. */
export interface SeenTurn {
  readonly gate: Gate | undefined;
  readonly turns: GroupTurns | undefined;
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

  /** @param along the promotion, written once: where it is there already, the turn is not taken at once */
  takeGroup(environment: Place, group: string, ticket: Ticket, now: number, along?: Along): Promise<Taken> {
    return this.run(environment, takeGroupTurn(initialOf(environment), group, ticket), now, along ?? this.unburied(environment, ticket.id));
  }

  /** @param evenIfDown something of it still runs, though it counts as down */
  takeEnvironment(environment: Place, ticket: Ticket, evenIfDown: boolean, now: number): Promise<Taken | { readonly state: 'asleep' }> {
    return this.run(environment, takeEnvironmentTurn(initialOf(environment), ticket, evenIfDown), now);
  }

  /**
   * Ends a promotion's ticket, wherever it stands.
   * @param group undefined: it was the environment's, which stays up
   * @param along the promotion's end, which stands for the tombstone; with what was read of the turn just now
   */
  end(
    environment: Place,
    ticket: string,
    group: string | undefined,
    now: number,
    along?: Along & { readonly seen: SeenTurn },
  ): Promise<void> {
    const program = endTurn(initialOf(environment), ticket, group);
    return this.run(environment, program, now, along ?? this.buried(environment, ticket, now), along?.seen);
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

  /** Where nothing is written along: the ticket must not be buried. */
  private unburied({ name }: Place, ticket: string): Along {
    const check: Write = { key: tombstone(name, ticket), check: true, when: isAbsent };
    return { together: (writes) => this.table.transact([...writes, check]), alone: async () => undefined };
  }

  /** Where nothing is written along: the ticket is buried. */
  private buried({ name }: Place, ticket: string, now: number): Along {
    const bury: Write = { key: tombstone(name, ticket), item: { expiresAt: buriedUntil(now) } };
    return { together: (writes) => this.table.transact([...writes, bury]), alone: async () => undefined };
  }

  /** Carries out a program, effect by effect. */
  private async run<Result>(environment: Place, program: Program<Result>, now: number, along = NOTHING, seen?: SeenTurn): Promise<Result> {
    let next = program.next();
    while (!next.done) {
      const effect = next.value;
      next = program.next(seen && effect.op === 'see' ? seen : await this.perform(environment, effect, now, along));
    }
    return next.value;
  }

  private async perform(environment: Place, effect: Effect, now: number, along: Along): Promise<unknown> {
    const { name } = environment;
    switch (effect.op) {
      case 'see': {
        const [gate, turns] = await this.table.getMany([this.turnKey(name, undefined), this.turnKey(name, effect.group)]);
        return { gate, turns };
      }
      case 'enter':
      case 'leave': {
        const { item, expect, gate } = effect;
        const group: TurnKey = { item: 'group', group: item.group };
        return along.together([
          { key: keyOf(name, group), item: marked(name, group, item), when: asSeen(expect) },
          { key: this.turnKey(name, undefined), check: true, when: asSeen(gate) },
        ]);
      }
      case 'record':
        return along.alone();
      case 'get':
        return this.table.get(keyOf(name, effect.key));
      case 'put': {
        const key = keyOf(name, effect.key);
        const item = marked(name, effect.key, effect.item);
        const when = asSeen(effect.expect);
        if (effect.answers.length === 0) return this.table.put(key, item, when);
        const outbox = this.requireOutbox();
        const answers = effect.answers.map((answer) => outbox.write(answer.token, told(environment, answer), now));
        return this.table.transact([{ key, item, when }, ...answers]);
      }
      case 'groups':
        return this.groups(name);
      case 'bury':
        await this.table.put(tombstone(name, effect.ticket), { expiresAt: buriedUntil(now) });
        return undefined;
      case 'dead': {
        const [dead, promotion] = await this.table.getMany([tombstone(name, effect.ticket), promotionKey(effect.ticket)]);
        return dead !== undefined || (promotion !== undefined && isPromotionOver(promotion as PromotionRecord));
      }
      case 'send': {
        const outbox = this.requireOutbox();
        const answer = told(environment, effect.answer);
        await (effect.known ? outbox.tell(effect.answer.token, answer) : outbox.send(effect.answer.token, answer));
        return undefined;
      }
    }
  }

  private requireOutbox(): Outbox {
    if (this.outbox === undefined) throw new Error('these turns are read-only');
    return this.outbox;
  }
}

/** A turn whose taking or ending brings nothing along. */
const NOTHING: Along = {
  together: () => Promise.reject(new Error('nothing was said to be written along with this turn')),
  alone: async () => undefined,
};

const tombstone = (environment: string, ticket: string): Key => ({ pk: partition(environment), sk: `DEAD#${ticket}` });

const buriedUntil = (now: number) => Math.floor(now / 1000) + BURIED_SECONDS;

/** @param version 0: it was not there */
const asSeen = (version: number) => (version === 0 ? isAbsent : has({ version }));

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
