/** Time as everything on local AWS sees it: a discrete-event clock. It jumps; `outer/pacer.ts` lets it go with the machine's own. */
import { Bound, type Deferred } from './bound.ts';

/** Something that will happen. Cancel it with {@link Clock.cancel}. */
export interface Timer {
  /** Milliseconds since the epoch. */
  readonly due: number;
  /** What happens, for people: shown when a run never comes to rest. */
  readonly what: string;
}

export interface Clock {
  /** Milliseconds since the epoch. Stands still while a request is answered. */
  now(): number;
  /** Runs `run` at `time` (at once after what is already due, if `time` has passed). Equal times run in the order of asking. */
  at(time: number, what: string, run: Deferred): Timer;
  /** Runs `run` after `milliseconds`. */
  after(milliseconds: number, what: string, run: Deferred): Timer;
  cancel(timer: Timer): void;
  /**
   * Work of the real world (a process, a socket) that must end before virtual time goes on.
   * `takes` is the declared duration in virtual milliseconds, added before the result is handed on.
   */
  hold<T>(work: Promise<T>, takes?: number): Promise<T>;
  /** Tells the clock that something happened outside a timer, so that it lets promises settle before it moves. */
  stir(): void;
}

interface Entry extends Timer {
  readonly due: number;
  readonly order: number;
  /** Gone once it has begun or was cancelled: who still holds the timer holds nothing else. */
  run: Deferred | undefined;
  cancelled: boolean;
}

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A binary heap ordered by time, then by order of asking. */
export class Agenda {
  private entries: Entry[] = [];

  get first(): Entry | undefined {
    while (this.entries[0]?.cancelled) this.pop();
    return this.entries[0];
  }

  get closures(): readonly string[] {
    return this.entries.filter(({ cancelled, run }) => !cancelled && !(run instanceof Bound)).map(({ what }) => what);
  }

  /** Forgets what was cancelled. */
  tidy(): void {
    const left = this.entries.filter(({ cancelled }) => !cancelled);
    this.entries = [];
    for (const entry of left) this.push(entry);
  }

  push(entry: Entry): void {
    const heap = this.entries;
    let child = heap.push(entry) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(heap[child]!, heap[parent]!)) break;
      [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
      child = parent;
    }
  }

  pop(): Entry | undefined {
    const heap = this.entries;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || top === last) return top;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
      if (!before(heap[child]!, heap[parent]!)) break;
      [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
      parent = child;
    }
    return top;
  }
}

const before = (a: Entry, b: Entry) => a.due < b.due || (a.due === b.due && a.order < b.order);

/** Time that jumps to the next event as soon as all that runs has come to rest. Deterministic as long as nothing outside is asked. */
export class VirtualClock implements Clock {
  private readonly agenda = new Agenda();
  private time: number;
  private asked = 0;
  private held = 0;
  private activity = 0;
  private failure: { error: unknown } | undefined;

  /** @param start milliseconds since the epoch */
  constructor(start: number) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  at(time: number, what: string, run: Deferred): Timer {
    const entry: Entry = { due: Math.max(time, this.time), order: this.asked++, what, run, cancelled: false };
    this.activity++;
    this.agenda.push(entry);
    return entry;
  }

  after(milliseconds: number, what: string, run: Deferred): Timer {
    return this.at(this.time + Math.max(0, milliseconds), what, run);
  }

  cancel(timer: Timer): void {
    this.activity++;
    (timer as Entry).cancelled = true;
    (timer as Entry).run = undefined;
  }

  async hold<T>(work: Promise<T>, takes = 0): Promise<T> {
    this.held++;
    try {
      const result = await work;
      if (takes > 0) await new Promise<void>((resolve) => this.after(takes, 'a process ends', resolve));
      return result;
    } finally {
      this.held--;
      this.activity++;
    }
  }

  stir(): void {
    this.activity++;
  }

  /** When the next thing happens. Milliseconds since the epoch; undefined if nothing will. */
  get next(): number | undefined {
    return this.agenda.first?.due;
  }

  /** Lets every promise settle and every held piece of real work end, without moving time. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      const seen = this.activity;
      await immediate();
      quiet = this.held > 0 || seen !== this.activity ? 0 : quiet + 1;
      if (this.failure) {
        const { error } = this.failure;
        this.failure = undefined;
        throw error;
      }
    }
  }

  /**
   * Runs what is due until `until` (milliseconds since the epoch), or until `done` holds, then stands there.
   * Without either it runs until nothing is left to happen.
   * @returns true if `done` held (or was not given and everything up to `until` ran)
   */
  async run({ until = Number.POSITIVE_INFINITY, done }: { until?: number; done?: () => boolean } = {}): Promise<boolean> {
    for (;;) {
      await this.settle();
      if (done?.()) return true;
      const next = this.agenda.first;
      if (next === undefined || next.due > until) {
        if (until !== Number.POSITIVE_INFINITY) this.time = Math.max(this.time, until);
        return done === undefined;
      }
      this.agenda.pop();
      this.time = next.due;
      this.start(next);
    }
  }

  /** Whether nothing of the real world is under way. */
  get isIdle(): boolean {
    return this.held === 0;
  }

  /** What is due and cannot be saved. */
  get closures(): readonly string[] {
    return this.agenda.closures;
  }

  /** Forgets what was cancelled, which otherwise stays until its moment. */
  tidy(): void {
    this.agenda.tidy();
  }

  private start(entry: Entry): void {
    const fail = (error: unknown) => {
      this.failure ??= { error };
      this.activity++;
    };
    const { run } = entry;
    entry.run = undefined;
    try {
      const outcome = run instanceof Bound ? run.run() : run?.();
      if (outcome instanceof Promise) outcome.catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}
