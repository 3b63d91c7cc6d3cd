/** A world for the turn protocol: items in memory, programs interleaved at every effect, crashes that run again from the start. */
import type { Effect, Gate, GroupTurns, Key, Program, Ticket, TurnAnswer } from '../../../domain/turn/protocol.ts';

/** Mulberry32: the same seed, the same history. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const name = (key: Key) => (key.item === 'gate' ? 'gate' : `group/${key.group}`);

/** Whose effect it is: some mistakes are made only by a run from the start after a crash, or only by an end. */
export interface Caller {
  readonly again: boolean;
  readonly ending: boolean;
}

/** What an effect becomes on its way to the store; planted mistakes change it. */
export type Wire = (effect: Effect, perform: (effect: Effect) => unknown, caller: Caller) => unknown;

export class Store {
  readonly items = new Map<string, Gate | GroupTurns>();
  readonly dead = new Set<string>();
  /** Tokens that were told something, with what. */
  readonly told = new Map<string, TurnAnswer>();
  private readonly outbox = new Map<string, TurnAnswer>();
  private readonly wire: Wire;

  constructor(wire: Wire = (effect, perform) => perform(effect)) {
    this.wire = wire;
  }

  perform(effect: Effect, caller: Caller = { again: false, ending: false }): unknown {
    return this.wire(effect, (one) => this.carryOut(one), caller);
  }

  private carryOut(effect: Effect): unknown {
    switch (effect.op) {
      case 'get':
        return structuredClone(this.items.get(name(effect.key)));
      case 'put': {
        if ((this.items.get(name(effect.key))?.version ?? 0) !== effect.expect) return false;
        this.items.set(name(effect.key), structuredClone(effect.item));
        for (const answer of effect.answers) this.outbox.set(answer.token, answer);
        return true;
      }
      case 'see':
        return { gate: structuredClone(this.gate), turns: structuredClone(this.items.get(`group/${effect.group}`)) };
      case 'enter':
      case 'leave': {
        const isAsSeen = (key: string, version: number) => (this.items.get(key)?.version ?? 0) === version;
        const own = `group/${effect.item.group}`;
        if (!isAsSeen(own, effect.expect) || !isAsSeen('gate', effect.gate)) return false;
        if (effect.op === 'enter' && this.dead.has(effect.ticket)) return false;
        this.items.set(own, structuredClone(effect.item));
        if (effect.op === 'leave') this.dead.add(effect.ticket);
        return true;
      }
      case 'record':
        return undefined;
      case 'groups':
        return [...this.items].filter(([key]) => key.startsWith('group/')).map(([, item]) => structuredClone(item));
      case 'bury':
        this.dead.add(effect.ticket);
        return undefined;
      case 'dead':
        return this.dead.has(effect.ticket);
      case 'send':
        this.outbox.delete(effect.answer.token);
        if (!this.told.has(effect.answer.token)) this.told.set(effect.answer.token, effect.answer);
        return undefined;
    }
  }

  /** The sweeper's part: what was written down and not sent. */
  flush(): void {
    for (const [token, answer] of this.outbox) if (!this.told.has(token)) this.told.set(token, answer);
    this.outbox.clear();
  }

  get gate(): Gate | undefined {
    return this.items.get('gate') as Gate | undefined;
  }

  get groups(): GroupTurns[] {
    return [...this.items].filter(([key]) => key !== 'gate').map(([, item]) => item as GroupTurns);
  }
}

interface Process {
  readonly make: () => Program<unknown>;
  program: Program<unknown>;
  answer: unknown;
  crashes: number;
  /** Its first effect was a tombstone. */
  ending: boolean;
}

/** Runs programs until all have ended, choosing at each effect whose turn it is, and crashing now and then. */
export class Scheduler {
  private readonly processes: Process[] = [];
  private readonly store: Store;
  private readonly random: () => number;
  private readonly crashRate: number;

  constructor(store: Store, random: () => number, crashRate: number) {
    this.store = store;
    this.random = random;
    this.crashRate = crashRate;
  }

  add(make: () => Program<unknown>): void {
    this.processes.push({ make, program: make(), answer: undefined, crashes: 0, ending: false });
  }

  get busy(): boolean {
    return this.processes.length > 0;
  }

  /** One effect of one process. */
  step(): void {
    const index = Math.floor(this.random() * this.processes.length);
    const process = this.processes[index]!;
    if (process.crashes < 3 && this.random() < this.crashRate) {
      process.crashes++;
      process.program = process.make();
      process.answer = undefined;
      return;
    }
    const next = process.program.next(process.answer);
    if (next.done) {
      this.processes.splice(index, 1);
      return;
    }
    process.ending ||= next.value.op === 'bury';
    process.answer = this.store.perform(next.value, { again: process.crashes > 0, ending: process.ending });
  }
}

export const ticket = (id: string, askedAt: number, order?: string): Ticket => ({
  id,
  execution: id,
  askedAt,
  token: `token-${id}`,
  ...(order ? { candidate: { repository: id.split('/')[0] ?? '', order, title: id } } : {}),
});
