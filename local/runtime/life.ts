/** Whether a Lambda environment may act: running while it is invoked, frozen between invocations, dead for good. */
import type { Clock } from '../core/clock.ts';

/** Why an environment ended. `exit` is process.exit, `crash` an error nobody caught (`rejected`: of a promise), `killed` a machine that vanished. */
export type End =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'crash'; readonly error: unknown; readonly rejected?: boolean }
  | { readonly kind: 'killed' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'recycled' };

/** Everything that comes back from outside (a timer, a response) passes through {@link enter}, so nothing happens in a dead environment. */
export class Life {
  readonly clock: Clock;
  private state: 'running' | 'frozen' | 'dead' = 'running';
  private readonly waiting: (() => void)[] = [];
  private readonly listeners = new Set<(end: End) => void>();
  private readonly pauses: { freeze: () => void; thaw: () => void }[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get alive(): boolean {
    return this.state !== 'dead';
  }

  get frozen(): boolean {
    return this.state === 'frozen';
  }

  /** Runs `act` now, after the next thaw, or never. An error it throws ends the environment, as an uncaught exception ends Node. */
  enter(act: () => void): void {
    if (this.state === 'dead') return;
    if (this.state === 'frozen') {
      this.waiting.push(act);
      return;
    }
    this.clock.stir();
    try {
      act();
    } catch (error) {
      this.end({ kind: 'crash', error });
    }
  }

  freeze(): void {
    if (this.state !== 'running') return;
    this.state = 'frozen';
    for (const pause of this.pauses) pause.freeze();
  }

  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'running';
    for (const pause of this.pauses) pause.thaw();
    for (const act of this.waiting.splice(0)) this.enter(act);
  }

  end(end: End): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.waiting.length = 0;
    this.clock.stir();
    for (const listener of this.listeners) listener(end);
    this.listeners.clear();
  }

  /** @returns stops listening */
  onEnd(listener: (end: End) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** For what must stop its own timers while the environment is frozen. */
  onPause(pause: { freeze: () => void; thaw: () => void }): void {
    this.pauses.push(pause);
  }
}
