/** A world that is saved and loaded again and again goes on as one that never was. */
import { describe, expect, inject, it } from 'vitest';
import { UnsavableError } from '../../local/snapshot/encode.ts';
import { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { exampleConfig } from '../assembly.ts';
import { integrator, Journey, MINUTE, MONDAY, manager } from './journey.ts';

/** A journey whose world is another one after every step of its time. */
class Reopened {
  journey: Journey;
  times = 0;
  /** Why it could not be saved, where it could not. */
  readonly refusals: string[] = [];
  private readonly reopens: boolean;

  private constructor(journey: Journey, reopens: boolean) {
    this.journey = journey;
    this.reopens = reopens;
  }

  static async begin(reopens: boolean): Promise<Reopened> {
    const local = await LocalPipeline.open({ config: exampleConfig, start: MONDAY, seed: 1, assembly: inject('assembly'), port: false });
    return new Reopened(Journey.on(local), reopens);
  }

  /** Lets time go by, in steps. */
  async advance(milliseconds: number, step = 7_000): Promise<void> {
    const end = this.journey.local.clock.now() + milliseconds;
    while (this.journey.local.clock.now() < end) {
      await this.journey.local.advance(Math.min(step, end - this.journey.local.clock.now()));
      if (this.reopens) await this.reopen();
    }
  }

  private async reopen(): Promise<void> {
    try {
      const local = await this.journey.local.reopen();
      const journey = Journey.on(local);
      journey.told.push(...this.journey.told);
      this.journey = journey;
      this.times++;
    } catch (error) {
      if (!(error instanceof UnsavableError)) throw error;
      this.refusals.push(...error.places);
    }
  }
}

/** What is seen of a release from outside: the journal with its times, and what runs. */
async function release(reopens: boolean) {
  const all = await Reopened.begin(reopens);
  const digest = await all.journey.push();
  await all.advance(5 * MINUTE);
  await all.journey.approve(digest, 'beta', integrator);
  await all.advance(10 * MINUTE);
  await all.journey.approve(digest, 'live+sandbox', manager);
  await all.advance(90 * MINUTE, 60_000);
  const { journey, times, refusals } = all;
  const running = Object.fromEntries(
    await Promise.all(['test', 'beta', 'staging', 'live'].map(async (one) => [one, await journey.runs(one)])),
  );
  const transitions = journey.local.world.meter.total('states.transition');
  return { told: journey.told.map(({ at, text }) => `${at} ${text}`), running, transitions, times, refusals };
}

describe('a release whose world is saved and loaded at every step', () => {
  it('goes on as the undisturbed one: through waits for people, deployments half way and schedules that are pending', async () => {
    const [undisturbed, reopened] = [await release(false), await release(true)];
    expect(reopened.told).toEqual(undisturbed.told);
    expect(reopened.running).toEqual(undisturbed.running);
    expect(reopened.transitions).toBe(undisturbed.transitions);
    expect(reopened.times).toBeGreaterThan(100);
    // A build is a process of this machine, and no process can be saved.
    const others = reopened.refusals.filter((place) => !/system-tests|has baked|is at|course/.test(place));
    expect(others).toEqual([]);
  }, 120_000);
});
