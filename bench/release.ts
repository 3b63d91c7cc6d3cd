/** One release through four environments with two approvals, measured by the meter and by the clock on the wall. */
import { resolve } from 'node:path';
import { releaseExecution } from '../domain/pipeline/names.ts';
import { shortDigest } from '../domain/release/release.ts';
import type { ObservedCall } from '../local/core/faults.ts';
import { price } from '../local/core/prices.ts';
import { partOf } from '../rehearsal/bill.ts';
import { LocalPipeline } from '../rehearsal/local-pipeline.ts';
import { Floor } from './floor.ts';

export interface Measured {
  readonly ecsCalls: Readonly<Record<string, number>>;
  /** ECS calls for each service and environment. */
  readonly ecsPerEnvironment: number;
  readonly transitions: number;
  /** AWS calls of all services. */
  readonly calls: number;
  readonly dollars: number;
  /** Real milliseconds from the push to the end, without the waits of people. */
  readonly milliseconds: number;
}

const HOUR = 3_600_000;
const MANAGER = 'release-manager@example.com';

export class Bench {
  private readonly local: LocalPipeline;
  private pushes = 0;

  private constructor(local: LocalPipeline) {
    this.local = local;
  }

  static async open(): Promise<Bench> {
    const config = resolve(import.meta.dirname, 'pipeline/shiplock.config.ts');
    return new Bench(await LocalPipeline.open({ config, start: Date.parse('2026-11-23T08:00:00Z') }));
  }

  close(): Promise<void> {
    return this.local.close();
  }

  /** Every AWS call of one release, in order. */
  async calls(): Promise<readonly ObservedCall[]> {
    const { faults } = this.local.world;
    faults.record();
    await this.release(5, 0);
    return faults.calls;
  }

  /** The calls of a release alone, to be made again. */
  floor(): Promise<Floor> {
    return Floor.under(this.local.world, this.local.pipeline, () => this.release(5, 0));
  }

  /**
   * @param seconds that a new task takes to become healthy
   * @param wait milliseconds that each approver takes
   */
  async release(seconds: number, wait: number): Promise<Measured> {
    const { local } = this;
    const before = local.world.meter.snapshot();
    const tag = `git_${++this.pushes}`;
    const began = performance.now();
    const digest = await local.push({ repository: 'shop', tag, labels: { 'local.aws.healthy-after': String(seconds) } });
    for (const gate of ['beta', 'live']) {
      await local.clock.run({ until: local.clock.now() + 2.5 * HOUR, done: this.hasAsked(releaseExecution('shop', digest, 1), gate) });
      if (wait > 0) await local.advance(wait);
      const answer = await local.decideAs(MANAGER, { verb: 'approve', approval: `${gate}/shop/${shortDigest(digest)}/1`, digest });
      if (answer.status !== 200) throw new Error(`the approval for ${gate} was refused: ${answer.message}`);
    }
    await local.clock.run({ until: local.clock.now() + 2.5 * HOUR, done: () => this.ended.has(digest) });
    const milliseconds = performance.now() - began;
    const usage = local.world.meter.since(before);
    const calls = local.world.meter.calls({}, before);
    const release = await local.ledger.release('shop', digest);
    if (release?.state !== 'succeeded') throw new Error(`the release ended as ${release?.state}: ${release?.reason}`);
    const ecsCalls = Object.fromEntries(Object.entries(calls).filter(([name]) => name.startsWith('ecs:')));
    const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((total, count) => total + count, 0);
    const transitions = usage.filter(({ kind }) => kind === 'states.transition').reduce((total, { amount }) => total + amount, 0);
    const dollars = price(usage, (one) => partOf('bench', one)).groups.orchestration ?? 0;
    return { ecsCalls, ecsPerEnvironment: sum(ecsCalls) / 4, transitions, calls: sum(calls), dollars, milliseconds };
  }

  private readonly ended = new Set<string>();
  private readonly asked = new Set<string>();
  private listens = false;

  /** Follows the journal instead of asking the ledger, which would be metered. */
  private hasAsked(execution: string, gate: string): () => boolean {
    if (!this.listens) {
      this.listens = true;
      this.local.onJournal((entry) => {
        this.asked.add(`${entry.subject}/${entry.event}`);
        if (entry.event === 'ended' && entry.environment === undefined && entry.digest) this.ended.add(entry.digest);
      });
    }
    return () => this.asked.has(`${execution}/asked/${gate}`);
  }
}
