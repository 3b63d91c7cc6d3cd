/** setTimeout and its family inside a Lambda environment: on the clock, silent while frozen, gone when it ends. */
import { promisify } from 'node:util';
import type { Timer } from '../core/clock.ts';
import type { Life } from './life.ts';

type Callback = (...args: unknown[]) => void;

/** What setTimeout and setInterval return, with the members of Node's Timeout. */
class Timeout {
  private readonly timers: Timers;
  private readonly act: () => void;
  private readonly delay: number;
  private readonly repeats: boolean;
  readonly id: number;
  due: number;
  entry: Timer | undefined;

  constructor(timers: Timers, id: number, act: () => void, delay: number, repeats: boolean) {
    this.timers = timers;
    this.id = id;
    this.act = act;
    // Node: a delay that is no number, below 1 or above 2^31 - 1 ms is 1 ms.
    this.delay = delay >= 1 && delay <= 2 ** 31 - 1 ? Math.trunc(delay) : 1;
    this.repeats = repeats;
    this.due = this.timers.life.clock.now() + this.delay;
  }

  schedule(): void {
    const { life } = this.timers;
    if (!life.alive || life.frozen) return;
    this.entry = life.clock.at(this.due, 'a timer in a Lambda function', () => {
      this.entry = undefined;
      if (this.repeats) {
        this.due = life.clock.now() + this.delay;
        this.schedule();
      } else this.timers.forget(this);
      life.enter(this.act);
    });
  }

  pause(): void {
    if (this.entry) this.timers.life.clock.cancel(this.entry);
    this.entry = undefined;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  refresh(): this {
    this.pause();
    this.due = this.timers.life.clock.now() + this.delay;
    this.timers.keep(this);
    return this;
  }

  close(): this {
    this.timers.clear(this);
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  [Symbol.dispose](): void {
    this.timers.clear(this);
  }
}

interface AbortOptions {
  readonly signal?: AbortSignal;
}

const abortError = (signal: AbortSignal) =>
  Object.assign(new Error('The operation was aborted', { cause: signal.reason }), { name: 'AbortError', code: 'ABORT_ERR' });

/** The timers of one environment. */
export class Timers {
  readonly life: Life;
  private readonly pending = new Map<number, Timeout>();
  private readonly immediates = new Set<object>();
  private count = 0;

  constructor(life: Life) {
    this.life = life;
    life.onPause({
      freeze: () => {
        for (const timeout of this.pending.values()) timeout.pause();
      },
      thaw: () => {
        for (const timeout of this.pending.values()) timeout.schedule();
      },
    });
    life.onEnd(() => {
      for (const timeout of this.pending.values()) timeout.pause();
      this.pending.clear();
      this.immediates.clear();
    });
  }

  forget(timeout: Timeout): void {
    this.pending.delete(timeout.id);
  }

  keep(timeout: Timeout): void {
    if (!this.life.alive) return;
    this.pending.set(timeout.id, timeout);
    timeout.schedule();
  }

  clear(handle: unknown): void {
    const timeout = handle instanceof Timeout ? handle : this.pending.get(Number(handle));
    if (timeout === undefined) return;
    timeout.pause();
    this.forget(timeout);
  }

  start(callback: Callback, delay: unknown, args: readonly unknown[], repeats: boolean): Timeout {
    if (typeof callback !== 'function')
      throw Object.assign(new TypeError('The "callback" argument must be of type function.'), { code: 'ERR_INVALID_ARG_TYPE' });
    const timeout = new Timeout(this, ++this.count, () => callback(...args), Number(delay), repeats);
    this.keep(timeout);
    return timeout;
  }

  immediate(callback: Callback, args: readonly unknown[]): object {
    const handle = { ref: () => handle, unref: () => handle, hasRef: () => true, [Symbol.dispose]: () => this.immediates.delete(handle) };
    this.immediates.add(handle);
    this.life.clock.stir();
    setImmediate(() => {
      this.life.enter(() => {
        if (this.immediates.delete(handle)) callback(...args);
      });
    });
    return handle;
  }

  /** The functions as globals and as the module `timers` have them. */
  functions() {
    const setTimeout = (callback: Callback, delay?: unknown, ...args: unknown[]) => this.start(callback, delay, args, false);
    const setInterval = (callback: Callback, delay?: unknown, ...args: unknown[]) => this.start(callback, delay, args, true);
    const setImmediate = (callback: Callback, ...args: unknown[]) => this.immediate(callback, args);
    const later = this.promises();
    Object.defineProperty(setTimeout, promisify.custom, { value: later.setTimeout });
    Object.defineProperty(setImmediate, promisify.custom, { value: later.setImmediate });
    return {
      setTimeout,
      setInterval,
      setImmediate,
      clearTimeout: (handle: unknown) => this.clear(handle),
      clearInterval: (handle: unknown) => this.clear(handle),
      clearImmediate: (handle: object) => void this.immediates.delete(handle),
    };
  }

  /** The module `timers/promises`. */
  promises() {
    const wait = <T>(value: T, { signal }: AbortOptions, begin: (done: () => void) => () => void) =>
      new Promise<T>((resolve, reject) => {
        if (signal?.aborted) return reject(abortError(signal));
        const cancel = begin(() => resolve(value));
        signal?.addEventListener('abort', () => {
          cancel();
          reject(abortError(signal));
        });
      });
    const setTimeout = <T>(delay?: number, value?: T, options: AbortOptions = {}) =>
      wait(value, options, (done) => {
        const timeout = this.start(done, delay, [], false);
        return () => this.clear(timeout);
      });
    const setImmediate = <T>(value?: T, options: AbortOptions = {}) =>
      wait(value, options, (done) => {
        const handle = this.immediate(done, []);
        return () => void this.immediates.delete(handle);
      });
    return {
      setTimeout,
      setImmediate,
      scheduler: { wait: (delay: number, options?: AbortOptions) => setTimeout(delay, undefined, options), yield: () => setImmediate() },
    };
  }
}
