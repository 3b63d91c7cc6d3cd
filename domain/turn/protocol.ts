/**
 * The turn protocol: who may change what in an environment, with conditional writes of single items; where nobody else is about, one
 * transaction takes a turn or gives it back at once.
 * Pure programs: each yields what it wants read or written and is told the answer, so that the ledger runs
 * them against DynamoDB and the model check interleaves and crashes them. Each can be run again from its start.
 */
import { compareOrders } from '../release/order.ts';

/** A place in a queue. Tickets are ordered by when they were asked for, then by id. */
export interface Ticket {
  /** The execution's name. */
  readonly id: string;
  /** The execution's ARN: whether it still lives can be asked. */
  readonly execution: string;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  /** Answered when the turn comes. */
  readonly token: string;
  /** What a group ticket wants to bring in; a newer one of the same repository supersedes it while it waits. */
  readonly candidate?: { readonly repository: string; readonly order: string; readonly title: string };
  /** An environment's ticket that takes nothing down: a set of releases goes in, with nobody beside it. */
  readonly keepsUp?: boolean;
}

export type EnvironmentState = 'up' | 'waking' | 'down' | 'tearing-down';

/** The barrier of an environment. */
export interface Gate {
  readonly version: number;
  readonly state: EnvironmentState;
  readonly exclusive?: { readonly ticket: Ticket; readonly phase: 'draining' | 'closing' | 'held'; readonly fence: number };
  readonly queue: readonly Ticket[];
  /** Grows with every exclusive turn. */
  readonly fence: number;
  /** The execution that wakes it, while it is waking. */
  readonly wake?: string;
  /** How often it has gone down: each night has one wake, under a name of its own. */
  readonly nights: number;
}

/** The queue of one group in an environment. */
export interface GroupTurns {
  readonly version: number;
  readonly group: string;
  /** Grows with every turn. */
  readonly fence: number;
  readonly holder?: { readonly ticket: Ticket; readonly phase: 'entering' | 'parked' | 'held' };
  readonly waiting: readonly Ticket[];
}

export type Key = { readonly item: 'gate' } | { readonly item: 'group'; readonly group: string };

/** What somebody who waits is told. */
export type TurnAnswer =
  | { readonly token: string; readonly kind: 'granted'; readonly fence: number; readonly ticket: string }
  | { readonly token: string; readonly kind: 'superseded' | 'refused'; readonly reason: string; readonly ticket: string };

/** What a program asks of its surroundings. */
export type Effect =
  | { readonly op: 'get'; readonly key: Key }
  /** Writes if the item still has the version given (0: it is not there); `answers` are written down in the same transaction. */
  | {
      readonly op: 'put';
      readonly key: Key;
      readonly item: Gate | GroupTurns;
      readonly expect: number;
      readonly answers: readonly TurnAnswer[];
    }
  /** A group and the barrier, in one read. */
  | { readonly op: 'see'; readonly group: string }
  /**
   * In one transaction: writes the group if it still has the version given, and the barrier has its own; and only if the ticket is not
   * buried (`enter`), or burying it (`leave`). What belongs to it is written along.
   */
  | {
      readonly op: 'enter' | 'leave';
      readonly item: GroupTurns;
      readonly expect: number;
      readonly gate: number;
      readonly ticket: string;
    }
  /** What would have been written along, by itself, before the ticket goes on step by step. */
  | { readonly op: 'record' }
  /** All groups of the environment, read consistently. */
  | { readonly op: 'groups' }
  | { readonly op: 'bury'; readonly ticket: string }
  | { readonly op: 'dead'; readonly ticket: string }
  /** Sends an answer that was written down; sending twice is harmless. `known`: it stands in the group, and nowhere else. */
  | { readonly op: 'send'; readonly answer: TurnAnswer; readonly known?: true };

// biome-ignore lint/suspicious/noExplicitAny: what comes back depends on the effect; each use names its type.
export type Program<Result> = Generator<Effect, Result, any>;

export type Taken =
  | { readonly state: 'held'; readonly fence: number }
  /** `asleep`: the environment is down, somebody must wake it. */
  | { readonly state: 'parked'; readonly asleep: boolean }
  | { readonly state: 'superseded' | 'dead' };

const GATE: Key = { item: 'gate' };
const groupKey = (group: string): Key => ({ item: 'group', group });

export const compareTickets = (a: Ticket, b: Ticket): number => a.askedAt - b.askedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** A gate that was never written: an on-demand environment begins down, the others are always up. */
export const firstGate = (state: EnvironmentState): Gate => ({ version: 0, state, queue: [], fence: 0, nights: 0 });

function* readGate(initial: EnvironmentState): Program<Gate> {
  return (yield { op: 'get', key: GATE }) ?? firstGate(initial);
}

function* readGroup(group: string): Program<GroupTurns> {
  return (yield { op: 'get', key: groupKey(group) }) ?? firstGroup(group);
}

const firstGroup = (group: string): GroupTurns => ({ version: 0, group, fence: 0, waiting: [] });

function* putGate(before: Gate, change: Partial<Gate>, answers: readonly TurnAnswer[] = []): Program<boolean> {
  const item = withoutUndefined({ ...before, ...change, version: before.version + 1 });
  return yield { op: 'put', key: GATE, item, expect: before.version, answers };
}

/** @returns the group as it is now, or undefined if somebody else was first: whoever changes it next has seen this, and settles after */
function* putGroup(before: GroupTurns, change: Partial<GroupTurns>, answers: readonly TurnAnswer[] = []): Program<GroupTurns | undefined> {
  const item = withoutUndefined({ ...before, ...change, version: before.version + 1 });
  const written: boolean = yield { op: 'put', key: groupKey(before.group), item, expect: before.version, answers };
  return written ? item : undefined;
}

const withoutUndefined = <Item extends object>(item: Item): Item =>
  Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)) as Item;

/** Whether a group's ticket may enter: the environment is up, and no exclusive turn has begun that was asked for before it. */
function isOpenFor(gate: Gate, ticket: Ticket): boolean {
  if (gate.state !== 'up') return false;
  if (gate.exclusive === undefined) return true;
  return gate.exclusive.phase === 'draining' && compareTickets(ticket, gate.exclusive.ticket) < 0;
}

/**
 * Takes a place in a group's queue, and the turn if it is free.
 * Asked again with a new token, the place stays and the token is replaced.
 */
export function* takeGroupTurn(initial: EnvironmentState, group: string, ticket: Ticket): Program<Taken> {
  const fence = yield* takeAtOnce(initial, group, ticket);
  if (fence !== undefined) return { state: 'held', fence };
  yield { op: 'record' };
  let placed: GroupTurns | undefined;
  for (;;) {
    const turns: GroupTurns = yield* readGroup(group);
    const place = placeOf(turns, ticket);
    if (place.state === 'superseded') {
      const answer: TurnAnswer = { token: ticket.token, kind: 'superseded', reason: place.reason, ticket: ticket.id };
      if (place.change === undefined) {
        yield { op: 'send', answer };
        return { state: 'superseded' };
      }
      if (!(yield* putGroup(turns, place.change, [answer]))) continue;
      yield { op: 'send', answer };
      return { state: 'superseded' };
    }
    placed = yield* putGroup(turns, place.change, place.answers);
    if (placed === undefined) continue;
    for (const answer of place.answers) yield { op: 'send', answer };
    break;
  }
  if (yield { op: 'dead', ticket: ticket.id }) {
    yield* endTurn(initial, ticket.id, group);
    return { state: 'dead' };
  }
  const granting = yield* recoverGroup(initial, group, { turns: placed, alive: ticket.id });
  if (granting?.ticket.id === ticket.id) return { state: 'held', fence: granting.fence };
  const turns: GroupTurns = yield* readGroup(group);
  if (turns.holder?.ticket.id === ticket.id && turns.holder.phase === 'held') {
    // A retry whose first answer may have gone to a token that nobody listens to any more.
    yield { op: 'send', answer: granted(turns.holder.ticket, turns.fence) };
    return { state: 'held', fence: turns.fence };
  }
  const gate: Gate = yield* readGate(initial);
  return { state: 'parked', asleep: gate.state === 'down' };
}

/** @returns the fence of a turn that was free, in an environment that is open; undefined where it has to be waited for */
function* takeAtOnce(initial: EnvironmentState, group: string, ticket: Ticket): Program<number | undefined> {
  const { gate, turns } = yield* see(initial, group);
  if (turns.holder !== undefined || turns.waiting.length > 0 || !isOpenFor(gate, ticket)) return undefined;
  const fence = turns.fence + 1;
  const item: GroupTurns = { ...turns, version: turns.version + 1, fence, holder: { ticket, phase: 'held' } };
  if (!(yield { op: 'enter', item, expect: turns.version, gate: gate.version, ticket: ticket.id })) return undefined;
  // Nobody else has to know of this answer: a run from the start finds its own turn, and sends it again.
  yield { op: 'send', answer: granted(ticket, fence), known: true };
  return fence;
}

/** @returns whether the turn was given back: nobody waits for it, and nothing for the group to be empty */
function* leaveAtOnce(initial: EnvironmentState, ticket: string, group: string): Program<boolean> {
  const { gate, turns } = yield* see(initial, group);
  if (turns.holder?.ticket.id !== ticket || turns.waiting.length > 0 || gate.exclusive !== undefined) return false;
  const item = withoutUndefined({ ...turns, version: turns.version + 1, holder: undefined }) as GroupTurns;
  return yield { op: 'leave', item, expect: turns.version, gate: gate.version, ticket };
}

function* see(initial: EnvironmentState, group: string): Program<{ readonly gate: Gate; readonly turns: GroupTurns }> {
  const { gate, turns }: { gate?: Gate; turns?: GroupTurns } = yield { op: 'see', group };
  return { gate: gate ?? firstGate(initial), turns: turns ?? firstGroup(group) };
}

const granted = (ticket: Ticket, fence: number): TurnAnswer => ({ token: ticket.token, kind: 'granted', fence, ticket: ticket.id });

type Place =
  | { readonly state: 'placed'; readonly change: Partial<GroupTurns>; readonly answers: readonly TurnAnswer[] }
  | { readonly state: 'superseded'; readonly reason: string; readonly change?: Partial<GroupTurns> };

/** Where a ticket stands, or shall stand, in its group: newer releases supersede older ones that still wait. */
function placeOf(turns: GroupTurns, ticket: Ticket): Place {
  const { holder, waiting } = turns;
  if (holder?.ticket.id === ticket.id) return { state: 'placed', change: { holder: { ...holder, ticket } }, answers: [] };
  const others = waiting.filter(({ id }) => id !== ticket.id);
  const rivals = [...others, ...(holder?.phase === 'parked' ? [holder.ticket] : [])].filter((other) => isRival(other, ticket));
  const newer = rivals.find((other) => compareOrders(other.candidate?.order ?? '', ticket.candidate?.order ?? '') > 0);
  if (newer) {
    const reason = `${newer.candidate?.title}, which is newer, waits for the same turn`;
    return others.length === waiting.length
      ? { state: 'superseded', reason }
      : { state: 'superseded', reason, change: { waiting: others } };
  }
  const answers = rivals.map(
    ({ token, id }): TurnAnswer => ({
      token,
      kind: 'superseded',
      reason: `${ticket.candidate?.title}, which is newer, waits for the same turn`,
      ticket: id,
    }),
  );
  const left = others.filter((other) => !rivals.includes(other));
  const isHolderSuperseded = holder !== undefined && rivals.includes(holder.ticket);
  if (holder === undefined || isHolderSuperseded) {
    // Those who waited longer go first; a head that was only parked gives its place to whom it is now the turn of.
    const [head, ...rest] = [...left, ticket].toSorted(compareTickets);
    return { state: 'placed', change: { holder: { ticket: head!, phase: 'entering' }, waiting: rest }, answers };
  }
  return { state: 'placed', change: { waiting: [...left, ticket].toSorted(compareTickets) }, answers };
}

const isRival = (other: Ticket, ticket: Ticket) =>
  other.candidate !== undefined && other.candidate.repository === ticket.candidate?.repository;

/**
 * Brings a group's head as far as it can come: dead ones out, in if the gate is open for it, parked if not.
 * @param seen what this run has itself just written of the group, and the ticket that it has found alive since: neither is read again
 * @returns the turn that this run has granted and told of
 */
export function* recoverGroup(
  initial: EnvironmentState,
  group: string,
  seen: { readonly turns?: GroupTurns | undefined; readonly alive?: string } = {},
): Program<{ readonly ticket: Ticket; readonly fence: number } | undefined> {
  let known = seen.turns;
  let drained = false;
  for (;;) {
    const turns: GroupTurns = known ?? (yield* readGroup(group));
    known = undefined;
    const { holder } = turns;
    if (holder === undefined) {
      if (turns.waiting.length === 0) return undefined;
      const [head, ...rest] = turns.waiting;
      known = yield* putGroup(turns, { holder: { ticket: head!, phase: 'entering' }, waiting: rest });
      continue;
    }
    if (holder.phase === 'held') return undefined;
    if (holder.ticket.id !== seen.alive && (yield { op: 'dead', ticket: holder.ticket.id })) {
      known = yield* putGroup(turns, { holder: undefined } as Partial<GroupTurns>);
      continue;
    }
    if (holder.phase === 'parked') {
      const gate: Gate = yield* readGate(initial);
      if (!isOpenFor(gate, holder.ticket)) {
        if (drained) return undefined;
        // Whoever parked it may have crashed before draining: a run from the start drains again, then looks again.
        drained = true;
        yield* drain(initial);
        continue;
      }
      // One's own item is written before the other's is read.
      known = yield* putGroup(turns, { holder: { ...holder, phase: 'entering' } });
      continue;
    }
    const gate: Gate = yield* readGate(initial);
    if (isOpenFor(gate, holder.ticket)) {
      const fence = turns.fence + 1;
      const answer = granted(holder.ticket, fence);
      if (!(yield* putGroup(turns, { fence, holder: { ...holder, phase: 'held' } }, [answer]))) continue;
      yield { op: 'send', answer };
      return { ticket: holder.ticket, fence };
    }
    known = yield* putGroup(turns, { holder: { ...holder, phase: 'parked' } });
  }
}

/**
 * Takes the environment turn, or a place in its queue. `asleep`: it is down, there is nothing to hold.
 * @param evenIfDown something of it still runs, though it counts as down: an earlier teardown or wake ended half done
 */
export function* takeEnvironmentTurn(
  initial: EnvironmentState,
  ticket: Ticket,
  evenIfDown = false,
): Program<Taken | { readonly state: 'asleep' }> {
  for (;;) {
    const gate: Gate = yield* readGate(initial);
    const { exclusive, queue } = gate;
    if (exclusive?.ticket.id === ticket.id) {
      if (exclusive.phase === 'held') {
        if (exclusive.ticket.token !== ticket.token && !(yield* putGate(gate, { exclusive: { ...exclusive, ticket } }))) continue;
        yield { op: 'send', answer: granted(ticket, exclusive.fence) };
        return { state: 'held', fence: exclusive.fence };
      }
      if (!(yield* putGate(gate, { exclusive: { ...exclusive, ticket } }))) continue;
      break;
    }
    if ((gate.state === 'down' && !evenIfDown) || gate.state === 'tearing-down') return { state: 'asleep' };
    const others = queue.filter(({ id }) => id !== ticket.id);
    const change =
      exclusive === undefined
        ? { exclusive: { ticket, phase: 'draining' as const, fence: gate.fence } }
        : { queue: [...others, ticket].toSorted(compareTickets) };
    if (yield* putGate(gate, change)) break;
  }
  if (yield { op: 'dead', ticket: ticket.id }) {
    yield* endTurn(initial, ticket.id);
    return { state: 'dead' };
  }
  yield* drain(initial);
  const gate: Gate = yield* readGate(initial);
  if (gate.exclusive?.ticket.id === ticket.id && gate.exclusive.phase === 'held') return { state: 'held', fence: gate.exclusive.fence };
  return { state: 'parked', asleep: false };
}

/** Moves an exclusive turn on as far as the groups let it: in two phases, so that no group slips in between. */
export function* drain(initial: EnvironmentState): Program<void> {
  for (;;) {
    const gate: Gate = yield* readGate(initial);
    const { exclusive } = gate;
    // While it is down nobody can enter, and while it wakes the turn has to wait.
    if (exclusive === undefined || exclusive.phase === 'held' || gate.state === 'waking') return;
    // What goes in, goes into an environment that is up.
    if (gate.state === 'down' && exclusive.ticket.keepsUp) return;
    if (yield { op: 'dead', ticket: exclusive.ticket.id }) {
      yield* endTurn(initial, exclusive.ticket.id);
      return;
    }
    const groups: readonly GroupTurns[] = yield { op: 'groups' };
    // Whoever enters or holds drains when it is done.
    if (groups.some(({ holder }) => holder?.phase === 'entering' || holder?.phase === 'held')) return;
    const older = groups.find(({ holder }) => holder !== undefined && compareTickets(holder.ticket, exclusive.ticket) < 0);
    if (exclusive.phase === 'draining' && gate.state === 'up' && older?.holder) {
      yield* putGroup(older, { holder: { ...older.holder, phase: 'entering' } });
      yield* recoverGroup(initial, older.group);
      continue;
    }
    if (exclusive.phase === 'draining') {
      yield* putGate(gate, { exclusive: { ...exclusive, phase: 'closing' } });
      continue;
    }
    const fence = gate.fence + 1;
    const answer = granted(exclusive.ticket, fence);
    const state = exclusive.ticket.keepsUp ? gate.state : 'tearing-down';
    if (!(yield* putGate(gate, { fence, state, exclusive: { ...exclusive, phase: 'held', fence } }, [answer]))) continue;
    yield { op: 'send', answer };
    return;
  }
}

/**
 * Ends a ticket, wherever it stands, and lets on whoever is next. Twice is harmless.
 * @param group where it stood, for a group's ticket
 * @param leaves what an exclusive turn leaves behind: `down` after a teardown; `up` if nothing was taken down
 */
export function* endTurn(initial: EnvironmentState, ticket: string, group?: string, leaves: 'up' | 'down' = 'up'): Program<void> {
  if (group !== undefined && (yield* leaveAtOnce(initial, ticket, group))) return;
  yield { op: 'record' };
  yield { op: 'bury', ticket };
  if (group !== undefined) {
    let left: GroupTurns | undefined;
    for (;;) {
      const turns: GroupTurns = yield* readGroup(group);
      const isHolder = turns.holder?.ticket.id === ticket;
      if (!isHolder && !turns.waiting.some(({ id }) => id === ticket)) break;
      const waiting = turns.waiting.filter(({ id }) => id !== ticket);
      const change: Partial<GroupTurns> = isHolder ? ({ holder: undefined, waiting } as Partial<GroupTurns>) : { waiting };
      left = yield* putGroup(turns, change);
      if (left) break;
    }
    yield* recoverGroup(initial, group, { turns: left });
    yield* drain(initial);
    return;
  }
  for (;;) {
    const gate: Gate = yield* readGate(initial);
    const isExclusive = gate.exclusive?.ticket.id === ticket;
    if (!isExclusive && !gate.queue.some(({ id }) => id === ticket)) break;
    const queue = gate.queue.filter(({ id }) => id !== ticket);
    if (!isExclusive) {
      if (yield* putGate(gate, { queue })) break;
      continue;
    }
    const held = gate.exclusive?.phase === 'held';
    const down = held && leaves === 'down';
    // A teardown is what the others in the queue wanted too: they are told that it is down.
    const answers = down
      ? queue.map(({ token, id }): TurnAnswer => ({ token, kind: 'refused', reason: 'it is down already', ticket: id }))
      : [];
    const [next, ...rest] = down ? [] : queue;
    const change = {
      state: held ? leaves : gate.state,
      exclusive: next ? { ticket: next, phase: 'draining' as const, fence: gate.fence } : undefined,
      queue: rest,
      nights: gate.nights + (down ? 1 : 0),
    } as Partial<Gate>;
    if (!(yield* putGate(gate, change, answers))) continue;
    for (const answer of answers) yield { op: 'send', answer };
    break;
  }
  yield* recoverAll(initial);
}

/** Lets on whoever can go on, in every group and at the barrier: after a wake, an exclusive turn, or a crash. */
export function* recoverAll(initial: EnvironmentState): Program<void> {
  const groups: readonly GroupTurns[] = yield { op: 'groups' };
  const heads = groups.filter(({ holder, waiting }) => holder !== undefined || waiting.length > 0).toSorted(byHead);
  for (const { group } of heads) yield* recoverGroup(initial, group);
  yield* drain(initial);
}

const byHead = (a: GroupTurns, b: GroupTurns) => (a.holder && b.holder ? compareTickets(a.holder.ticket, b.holder.ticket) : 0);

/** Begins a wake. @returns false if the environment is not down, or another execution wakes it */
export function* beginWake(initial: EnvironmentState, execution: string): Program<boolean> {
  for (;;) {
    const gate: Gate = yield* readGate(initial);
    if (gate.state === 'waking' && gate.wake === execution) return true;
    if (gate.state !== 'down') return false;
    if (yield* putGate(gate, { state: 'waking', wake: execution })) return true;
  }
}

/** The environment is up: whoever is parked goes in. */
export function* wakeDone(initial: EnvironmentState): Program<void> {
  for (;;) {
    const gate: Gate = yield* readGate(initial);
    if (gate.state !== 'waking') break;
    if (yield* putGate(gate, { state: 'up', wake: undefined } as Partial<Gate>)) break;
  }
  yield* recoverAll(initial);
}

/**
 * The environment could not be woken: it is down, and whoever was parked there is refused with the reason.
 * @param night the wake's number, where it was the one of a night: whoever comes next needs another
 */
export function* wakeFailed(initial: EnvironmentState, execution: string, reason: string, night?: number): Program<void> {
  for (;;) {
    const gate: Gate = yield* readGate(initial);
    const isItsWake = gate.state === 'waking' && gate.wake === execution;
    // It may have died before it began; its name is spent all the same.
    const isSpent = gate.state === 'down' && gate.nights === night;
    if (isItsWake || isSpent) {
      if (yield* putGate(gate, { state: 'down', wake: undefined, nights: gate.nights + 1 } as Partial<Gate>)) break;
      continue;
    }
    // A run from the start refuses whom it had not come to; when others have gone on, nobody waits for this wake.
    if (gate.state !== 'down' || (night !== undefined && gate.nights > night + 1)) return;
    break;
  }
  const groups: readonly GroupTurns[] = yield { op: 'groups' };
  for (const { group } of groups) {
    for (;;) {
      const turns: GroupTurns = yield* readGroup(group);
      if (turns.holder?.phase === 'held') break;
      const tickets = [...(turns.holder ? [turns.holder.ticket] : []), ...turns.waiting];
      if (tickets.length === 0) break;
      const answers = tickets.map(({ token, id }): TurnAnswer => ({ token, kind: 'refused', reason, ticket: id }));
      if (!(yield* putGroup(turns, { holder: undefined, waiting: [] } as Partial<GroupTurns>, answers))) continue;
      for (const answer of answers) yield { op: 'send', answer };
      break;
    }
  }
}
