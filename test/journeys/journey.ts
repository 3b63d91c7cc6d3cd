/** What journeys have in common: the example on local AWS on a Monday morning, its people, and good and bad images. */
import { inject } from 'vitest';
import type { JournalEntry, ReleaseRecord } from '../../domain/ledger/records.ts';
import { shortDigest } from '../../domain/release/release.ts';
import { type Answer, LocalPipeline, type Push } from '../../rehearsal/local-pipeline.ts';
import { exampleConfig } from '../assembly.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Monday, 08:00 in Berlin. */
export const MONDAY = Date.parse('2026-11-23T07:00:00Z');

export const manager = 'release-manager@example.com';
export const integrator = 'integration-lead@example.com';
export const developer = 'developer@example.com';

export class Journey {
  readonly local: LocalPipeline;
  readonly told: JournalEntry[] = [];
  private pushes = 0;

  private constructor(local: LocalPipeline) {
    this.local = local;
    local.onJournal((entry) => this.told.push(entry));
  }

  static async begin({ start = MONDAY, seed = 1, port = true }: { start?: number; seed?: number; port?: boolean } = {}): Promise<Journey> {
    return new Journey(await LocalPipeline.open({ config: exampleConfig, start, seed, assembly: inject('assembly'), port }));
  }

  /** On a pipeline other than the example. */
  static on(local: LocalPipeline): Journey {
    return new Journey(local);
  }

  end(): Promise<void> {
    return this.local.close();
  }

  /** Pushes a good image of `gateway` (semver) unless told otherwise. @returns its digest */
  push(push: Partial<Push> = {}): Promise<string> {
    this.pushes++;
    return this.local.push({
      repository: 'gateway',
      tag: `1.${this.pushes}.0`,
      message: `change ${this.pushes}`,
      author: developer,
      ...push,
    });
  }

  async release(digest: string, repository = 'gateway'): Promise<ReleaseRecord | undefined> {
    return this.local.ledger.release(repository, digest);
  }

  /** Until the release stands so, or waits so. */
  async untilState(
    digest: string,
    state: ReleaseRecord['state'],
    { repository = 'gateway', limit }: { repository?: string; limit?: number } = {},
  ): Promise<ReleaseRecord> {
    await this.local.until(
      `${repository} ${shortDigest(digest)} is ${state}`,
      async () => (await this.release(digest, repository))?.state === state,
      limit,
    );
    return (await this.release(digest, repository))!;
  }

  /** Until people are asked at a gate. */
  async untilAsked(
    digest: string,
    stage: string,
    { repository = 'gateway', limit }: { repository?: string; limit?: number } = {},
  ): Promise<void> {
    await this.local.until(
      `${repository} ${shortDigest(digest)} asks at ${stage}`,
      async () => {
        const gate = await this.local.ledger.gate(stage, repository);
        return gate?.release.digest === digest && gate.state === 'waiting';
      },
      limit,
    );
  }

  approve(digest: string, stage: string, by: string, repository = 'gateway'): Promise<Answer> {
    return this.local.decideAs(by, { verb: 'approve', approval: `${stage}/${repository}/${shortDigest(digest)}/1`, digest });
  }

  reject(digest: string, stage: string, by: string, reason: string, repository = 'gateway'): Promise<Answer> {
    return this.local.decideAs(by, { verb: 'reject', approval: `${stage}/${repository}/${shortDigest(digest)}/1`, digest, reason });
  }

  /** Lets a good release move along the whole path. @returns its digest */
  async runRelease(push: Partial<Push> = {}): Promise<string> {
    const repository = push.repository ?? 'gateway';
    const digest = await this.push(push);
    await this.untilAsked(digest, 'beta', { repository });
    await this.approve(digest, 'beta', integrator, repository);
    await this.untilAsked(digest, 'live+sandbox', { repository });
    await this.approve(digest, 'live+sandbox', manager, repository);
    await this.untilState(digest, 'succeeded', { repository });
    return digest;
  }

  /** A call as the rehearsal's own user, who may do everything. */
  call<Output>(service: string, operation: string, input: object): Promise<Output> {
    const { site } = this.local;
    return site.call<Output>(site.service('iam').userPrincipal('rehearsal'), service, operation, input);
  }

  /** No more sweeps, openings and closings: days that show nothing else go by at no cost. */
  async stopSchedules(): Promise<void> {
    const { Schedules = [] } = await this.call<{ Schedules?: { Name: string; GroupName: string }[] }>('scheduler', 'ListSchedules', {});
    for (const { Name, GroupName } of Schedules) await this.call('scheduler', 'DeleteSchedule', { Name, GroupName });
  }

  /** The tag that an environment runs of a repository. */
  async runs(environment: string, repository = 'gateway'): Promise<string | undefined> {
    return (await this.local.ledger.running(environment, repository))?.tag;
  }

  /** What the journal says, as one text. */
  get journal(): string {
    return this.told.map(({ text }) => text).join('\n');
  }
}
