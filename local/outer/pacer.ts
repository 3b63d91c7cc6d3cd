/** Lets a world's time go with the machine's own, and lets requests from outside in when all has come to rest. */
import type { VirtualClock } from '../core/clock.ts';

export interface PacerOptions {
  /** Seconds of the world to one of the machine. @default 1 */
  readonly speed?: number;
  /** Told what a timer of the world threw: a mistake in local AWS. Time goes on. */
  readonly onFailure?: (error: unknown) => void;
}

/** At most so much of the machine's time between two looks at who waits outside, in milliseconds. */
const SLICE = 50;
/** A faster world that the machine cannot keep up with goes slower rather than ever further behind. Milliseconds of the machine. */
const PATIENCE = 2_000;
/** Readers do not wait longer for the present than this: a build's process may hold the world. Milliseconds of the machine. */
const READERS_WAIT = 200;

/**
 * The world stays one discrete-event clock, which only ever runs up to the present. Whoever comes from outside enters between
 * two events, at one moment: so the same requests at the same moments make the same world again ({@link Inputs}).
 */
export class Pacer {
  private readonly clock: VirtualClock;
  private readonly speed: number;
  private readonly onFailure: (error: unknown) => void;
  private readonly waiting: (() => void)[] = [];
  /** The moment of the machine, and the moment of the world that goes with it. */
  private anchor: { readonly machine: number; readonly world: number };
  private wake: () => void = () => undefined;
  private stopping = false;
  private readonly living: Promise<void>;

  constructor(clock: VirtualClock, { speed = 1, onFailure = () => undefined }: PacerOptions = {}) {
    this.clock = clock;
    this.speed = speed;
    this.onFailure = onFailure;
    this.anchor = { machine: performance.now(), world: clock.now() };
    this.living = this.live();
  }

  /** Runs `begin` between two events, at the present. @returns what it returns, when that is there */
  enter<T>(begin: () => Promise<T>): Promise<T> {
    if (this.stopping) return Promise.reject(new Error('local AWS is stopping'));
    return new Promise<T>((resolve, reject) => {
      this.waiting.push(() => void begin().then(resolve, reject));
      this.wake();
    });
  }

  /** Until the world has come to the present, for those who only look. */
  async present(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, READERS_WAIT);
    });
    await Promise.race([this.enter(() => Promise.resolve()), enough]);
    clearTimeout(timer);
  }

  /** Ends after the event that runs, and after what real work holds. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.living;
  }

  private async live(): Promise<void> {
    while (!this.stopping) {
      const until = this.target();
      await this.run(until);
      const next = this.waiting.shift();
      if (next !== undefined) next();
      else if (this.target() - this.clock.now() < SLICE * this.speed) await this.rest();
    }
    // Whoever has come in before the end is let in still.
    for (const next of this.waiting.splice(0)) next();
    await this.run(this.clock.now());
  }

  private async run(until: number): Promise<void> {
    try {
      await this.clock.run({ until });
    } catch (error) {
      this.onFailure(error);
    }
  }

  /** The present, in small steps. */
  private target(): number {
    const machine = performance.now();
    // In whole milliseconds, as AWS counts.
    const present = Math.floor(this.anchor.world + (machine - this.anchor.machine) * this.speed);
    const now = this.clock.now();
    if (this.speed > 1 && present - now > PATIENCE * this.speed) this.anchor = { machine, world: now + SLICE * this.speed };
    return Math.max(now, Math.min(present, now + Math.floor(SLICE * this.speed)));
  }

  /** Until the next event is due or somebody comes. */
  private async rest(): Promise<void> {
    const { next } = this.clock;
    const left = next === undefined ? Number.POSITIVE_INFINITY : (next - this.clock.now()) / this.speed;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (this.waiting.length > 0 || this.stopping) resolve();
      else timer = setTimeout(resolve, Math.min(Math.max(1, left), 1_000));
    });
    clearTimeout(timer);
    this.wake = () => undefined;
  }
}
