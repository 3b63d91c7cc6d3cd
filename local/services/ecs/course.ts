/** Waiting that can be broken off: a run of steps over time, every wait of which ends as soon as the run is stopped. */
import type { Clock } from '../../core/clock.ts';

/** The run was stopped; whoever stopped it sees to the rest. */
export class Interrupted extends Error {}

export class Course {
  private readonly clock: Clock;
  private readonly stops = new Set<() => void>();
  private readonly tests = new Set<() => void>();
  private over = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Ends every wait with {@link Interrupted}, those to come too. */
  stop(): void {
    this.over = true;
    for (const stop of [...this.stops]) stop();
  }

  /** Asks every {@link until} again. */
  look(): void {
    for (const test of [...this.tests]) test();
  }

  wait(milliseconds: number, what: string): Promise<void> {
    return this.listen<void>((resolve) => {
      const timer = this.clock.after(milliseconds, what, () => resolve());
      return () => this.clock.cancel(timer);
    });
  }

  /** Waits until `holds`, asked now and at every {@link look}. */
  until(holds: () => boolean): Promise<void> {
    return this.listen<void>((resolve) => {
      const test = () => {
        if (holds()) resolve();
      };
      this.tests.add(test);
      test();
      return () => this.tests.delete(test);
    });
  }

  /** What another service answers, if that still matters. @throws Interrupted */
  async hear<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const heard = await answer.finally(() => {
      if (this.over) throw new Interrupted();
    });
    return heard;
  }

  /** Waits for somebody to call `resolve`. @param begin returns what puts things back in order afterwards */
  listen<Value>(begin: (resolve: (value: Value) => void) => () => void): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.over) {
        reject(new Interrupted());
        return;
      }
      let isEnded = false;
      let clean: (() => void) | undefined;
      const end = () => {
        isEnded = true;
        this.stops.delete(stop);
        clean?.();
      };
      const stop = () => {
        end();
        reject(new Interrupted());
      };
      this.stops.add(stop);
      clean = begin((value) => {
        if (isEnded) return;
        end();
        resolve(value);
      });
      if (isEnded) clean();
    });
  }

  /** Gives `work` so much time, in milliseconds. @returns `late` where that was not enough: then `work` is stopped */
  async within<Value>(milliseconds: number, what: string, work: (course: Course) => Promise<Value>): Promise<Value | 'late'> {
    const part = new Course(this.clock);
    const look = () => part.look();
    const stop = () => part.stop();
    let isLate = false;
    const timer = this.clock.after(milliseconds, what, () => {
      isLate = true;
      part.stop();
    });
    this.tests.add(look);
    this.stops.add(stop);
    try {
      if (this.over) part.stop();
      return await work(part);
    } catch (error) {
      if (isLate && error instanceof Interrupted) return 'late';
      throw error;
    } finally {
      this.clock.cancel(timer);
      this.tests.delete(look);
      this.stops.delete(stop);
    }
  }
}
