/** Plays a script on a local pipeline and compares what happened with what it expects. */

import type { JournalEntry } from '../domain/ledger/records.ts';
import { releaseExecution } from '../domain/pipeline/names.ts';
import { shortDigest } from '../domain/release/release.ts';
import type { LocalPipeline, Push } from './local-pipeline.ts';
import { type Act, type Expectation, type Script, ScriptError, timeOf } from './script.ts';

/** One expectation and what came. */
export interface Check {
  readonly at: string;
  readonly what: string;
  readonly holds: boolean;
  readonly found: string;
}

export interface Traffic {
  readonly requests: number;
  readonly failed: number;
  /** The first answer that was no success. */
  readonly firstFailure?: string;
}

export interface Played {
  readonly checks: readonly Check[];
  readonly traffic: Traffic;
  readonly journal: readonly JournalEntry[];
}

/** Told as it happens. */
export interface Audience {
  /** Time has moved. @param now milliseconds since the epoch */
  moment?(now: number): void;
  entry?(entry: JournalEntry): void;
  check?(check: Check): void;
}

interface Pushed extends Push {
  readonly digest: string;
}

const MINUTE = 60_000;

export async function play(local: LocalPipeline, script: Script, audience: Audience = {}): Promise<Played> {
  const played = new Player(local, script, audience);
  for (const step of script.steps) {
    await played.moveTo(timeOf(script, step.at));
    await played.act(step.at, step);
  }
  await played.moveTo(timeOf(script, script.ends));
  return played.end();
}

class Player {
  private readonly local: LocalPipeline;
  private readonly script: Script;
  private readonly audience: Audience;
  private readonly pushed = new Map<string, Pushed>();
  private readonly checks: Check[] = [];
  private readonly journal: JournalEntry[] = [];
  private traffic: Traffic = { requests: 0, failed: 0 };

  constructor(local: LocalPipeline, script: Script, audience: Audience) {
    this.local = local;
    this.script = script;
    this.audience = audience;
    local.onJournal((entry) => {
      this.journal.push(entry);
      audience.entry?.(entry);
    });
    this.begin();
  }

  /** Traffic begins when the environment first answers, and never stops; Sundays too. */
  private begin(): void {
    const { traffic } = this.script;
    if (!traffic) return;
    let live = false;
    const ask = async () => {
      const response = await this.local.request(traffic.environment, traffic.path);
      const good = response.status < 400;
      live ||= good;
      if (live) this.count(good, response.status);
      this.local.clock.after(traffic.everySeconds * 1000, 'a request of the traffic', ask);
    };
    this.local.clock.after(traffic.everySeconds * 1000, 'a request of the traffic', ask);
  }

  private count(good: boolean, status: number): void {
    const { requests, failed, firstFailure } = this.traffic;
    const failure = firstFailure ?? (good ? undefined : `HTTP ${status} at ${new Date(this.local.clock.now()).toISOString()}`);
    this.traffic = { requests: requests + 1, failed: failed + (good ? 0 : 1), ...(failure ? { firstFailure: failure } : {}) };
  }

  async moveTo(time: number): Promise<void> {
    const { clock } = this.local;
    while (clock.now() < time) {
      await clock.run({ until: Math.min(time, clock.now() + 10 * MINUTE) });
      this.audience.moment?.(clock.now());
    }
  }

  async act(at: string, act: Act): Promise<void> {
    if ('push' in act) {
      if (act.fault)
        this.local.world.faults.addEvent({
          match: (event) => event.source === 'aws.ecr' && (event.detail as Record<string, unknown>)['image-tag'] === act.push.tag,
          deliver: act.fault === 'event-lost' ? [] : [0, 1_500, 60_000],
        });
      const digest = await this.local.push(act.push);
      this.pushed.set(act.as, { ...act.push, digest });
    } else if ('lose' in act) {
      this.local.world.faults.addEvent({
        match: (event) =>
          event['detail-type'] === 'ECS Deployment State Change' &&
          (event.detail as Record<string, unknown>).eventName === 'SERVICE_DEPLOYMENT_COMPLETED',
        deliver: [],
      });
    } else if ('expect' in act) await this.expect(at, act.expect);
    else await this.decide(at, act);
  }

  private async decide(at: string, act: Extract<Act, { stage: string }>): Promise<void> {
    const verb = 'approve' in act ? 'approve' : 'reject';
    const release = this.release('approve' in act ? act.approve : act.reject);
    const approval = `${act.stage}/${release.repository}/${shortDigest(release.digest)}/1`;
    const answer = await this.local.decideAs(act.by, {
      verb,
      approval,
      digest: release.digest,
      ...('reason' in act ? { reason: act.reason } : {}),
    });
    const found = answer.status === 200 ? 'done' : answer.status === 403 ? 'refused' : `HTTP ${answer.status}`;
    this.note({
      at,
      what: `${verb} ${release.tag} for ${act.stage} by ${act.by}: ${act.answer}`,
      holds: found === act.answer,
      found: `${found}: ${answer.message}`,
    });
  }

  private async expect(at: string, expectation: Expectation): Promise<void> {
    if ('state' in expectation) {
      const release = this.release(expectation.release);
      const record = await this.local.ledger.release(release.repository, release.digest);
      const found = `${record?.state ?? 'unknown'}${record?.reason ? ` (${record.reason})` : ''}${record?.waitsFor ? `, waits for ${record.waitsFor}` : ''}`;
      const holds = record?.state === expectation.state && (record.reason ?? '').includes(expectation.reason ?? '');
      const because = expectation.reason ? ` because “${expectation.reason}”` : '';
      this.note({ at, what: `${release.repository} ${release.tag} is ${expectation.state}${because}`, holds, found });
    } else if ('executions' in expectation) {
      const release = this.release(expectation.release);
      const name = releaseExecution(release.repository, release.digest, 1);
      const begun = await this.local.executions('release');
      const count = begun.filter((candidate) => candidate === name).length;
      this.note({
        at,
        what: `${release.repository} ${release.tag} has ${expectation.executions} execution`,
        holds: count === expectation.executions,
        found: `${count}`,
      });
    } else if ('runs' in expectation) {
      const manifest = await this.local.ledger.manifest(expectation.environment);
      for (const [repository, tag] of Object.entries(expectation.runs)) {
        const found = manifest.find((record) => record.repository === repository)?.tag ?? 'nothing';
        this.note({ at, what: `${expectation.environment} runs ${repository} ${tag}`, holds: found === tag, found });
      }
    } else {
      const running = await this.local.running(expectation.environment);
      const found = running === undefined ? 'down' : Object.values(running).filter((count) => count > 0).length;
      this.note({
        at,
        what: `${expectation.environment} has ${expectation.services} services`,
        holds: found === expectation.services,
        found: String(found),
      });
    }
  }

  private release(name: string): Pushed {
    const release = this.pushed.get(name);
    if (release === undefined) throw new ScriptError(`the script names "${name}", but nothing was pushed as that before`);
    return release;
  }

  private note(check: Check): void {
    this.checks.push(check);
    this.audience.check?.(check);
  }

  end(): Played {
    const { traffic } = this.script;
    if (traffic) {
      const found = `${this.traffic.failed} of ${this.traffic.requests} failed${this.traffic.firstFailure ? `, first ${this.traffic.firstFailure}` : ''}`;
      this.note({
        at: this.script.ends,
        what: `requests to ${traffic.environment} all week: none fails`,
        holds: this.traffic.requests > 0 && this.traffic.failed === 0,
        found,
      });
    }
    return { checks: this.checks, traffic: this.traffic, journal: this.journal };
  }
}
