/** Holds the clock while a build's process computes, and lets it go on while the process waits for the world. */
import type { Clock } from '../../core/clock.ts';

/**
 * Virtual time must stand still while a real process computes, and must move while that process sleeps or awaits
 * an answer of the virtual world, or both would wait for each other for ever.
 */
export class Busy {
  private readonly clock: Clock;
  private readonly limit: number;
  private readonly overdue: () => void;
  private running = false;
  private waits = 0;
  private letGo: (() => void) | undefined;

  /**
   * @param limit how many milliseconds of the machine's own time a process may compute without a pause
   * @param overdue what happens then
   */
  constructor(clock: Clock, limit: number, overdue: () => void) {
    this.clock = clock;
    this.limit = limit;
    this.overdue = overdue;
  }

  /** Time stands still until `work`, a command of the process, has ended, but for its waits. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.running = true;
    this.settle();
    try {
      return await work();
    } finally {
      this.running = false;
      this.settle();
    }
  }

  /** Something the process waits for in virtual time. */
  async waiting<T>(wait: () => Promise<T>): Promise<T> {
    this.waits++;
    const outcome = wait();
    this.settle();
    try {
      return await outcome;
    } finally {
      this.waits--;
      this.settle();
    }
  }

  private settle(): void {
    const hold = this.running && this.waits === 0;
    if (hold && this.letGo === undefined) {
      void this.clock.hold(new Promise<void>((resolve) => (this.letGo = resolve)));
      const held = this.letGo;
      AbortSignal.timeout(this.limit).addEventListener('abort', () => {
        if (this.letGo === held) this.overdue();
      });
    } else if (!hold) {
      this.letGo?.();
      this.letGo = undefined;
    }
  }
}
