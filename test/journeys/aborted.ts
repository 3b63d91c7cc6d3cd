/** What must hold after an abort or another hand that comes between, wherever it struck; and the ways that lead there. */
import { expect } from 'vitest';
import { Pace } from '../../aws/pace.ts';
import { shortDigest } from '../../domain/release/release.ts';
import { InvariantWatch } from '../simulation/invariants.ts';
import { Aborter, type Workflow } from './aborts.ts';
import { HOUR, integrator, Journey, MINUTE, manager } from './journey.ts';

/** Whose releases are pushed: the tags before their number, and a service that runs them. `orders` brings migrations. */
const KINDS = {
  catalog: { tags: 'build-', service: 'catalog-web' },
  orders: { tags: 'git_', service: 'orders-web' },
} as const;
const GATES = ['beta', 'live+sandbox'];
/** More runs than any way has places to be aborted at. */
const ENOUGH = 60;

interface Circumstances {
  /** What comes between. @default an abort */
  readonly act?: () => unknown;
  /** @default catalog */
  readonly repository?: keyof typeof KINDS;
}

export class Aborted {
  readonly repository: keyof typeof KINDS;
  readonly journey: Journey;
  readonly aborter: Aborter;
  readonly witness: InvariantWatch;
  private readonly isDoor: boolean;
  private builds = 0;
  latest: string | undefined;

  private constructor(journey: Journey, workflow: Workflow, { act, repository }: Circumstances) {
    this.repository = repository ?? 'catalog';
    this.isDoor = act === undefined && (workflow === 'wake' || workflow === 'teardown');
    this.journey = journey;
    this.aborter = new Aborter(journey, workflow, act);
    this.witness = new InvariantWatch(journey.local);
  }

  static async begin(workflow: Workflow, circumstances: Circumstances = {}): Promise<Aborted> {
    return new Aborted(await Journey.begin({ port: false }), workflow, circumstances);
  }

  end(): Promise<void> {
    this.aborter.close();
    return this.journey.end();
  }

  private get tag(): string {
    return `${KINDS[this.repository].tags}${this.builds}`;
  }

  get local() {
    return this.journey.local;
  }
  get ledger() {
    return this.local.ledger;
  }
  get until() {
    return this.local.until.bind(this.local);
  }

  /** Walks a way again and again, each time struck at a place where it was not yet, until it goes through. @param thenPush also look whether the next push goes through */
  async atEachState(way: () => Promise<void>, { thenPush = true } = {}): Promise<void> {
    for (let run = 0; run < ENOUGH; run++) {
      this.aborter.arm();
      await way();
      const where = this.aborter.disarm();
      this.aborter.listen();
      await this.holds(where ?? 'nowhere', thenPush);
      if (where === undefined) return;
    }
    throw new Error('it was struck again and again, and never went through');
  }

  /** Everything that was begun ends with a reason; the next push goes through; ledger and ECS agree; nobody waits for anything. */
  private async holds(where: string, thenPush: boolean): Promise<void> {
    await this.settled(4 * HOUR);
    await this.atRest(where, { mayBeLeftUp: true });
    if (await this.ledger.freeze('test')) {
      await this.local.advance(2 * MINUTE);
      await this.local.decideAs(manager, { verb: 'thaw', environment: 'test' });
    }
    for (const { tag, state, reason = '' } of this.witness.books.releases(this.repository))
      expect(state === 'in-progress' || state === 'succeeded' || reason.length > 10, `${where}: ${tag} is ${state}: “${reason}”`).toBe(
        true,
      );
    if (!thenPush) return;
    await this.good();
    const { tag } = this;
    const next = this.witness.books.releases(this.repository).find((release) => release.tag === tag);
    expect(next?.stage, `${where}: the next push came to ${next?.state} ${next?.reason ?? ''}`).toBe('beta');
    expect((await this.ledger.running('test', this.repository))?.tag, where).toBe(tag);
    expect((await this.local.running('test'))?.[KINDS[this.repository].service], where).toBe(1);
    await this.atRest(`after ${where}`);
  }

  /**
   * Nobody is asked anything any more: ledger and ECS agree.
   * @param mayBeLeftUp an environment whose wake or teardown was cut off counts as down, whatever of it still runs: the journal says so
   */
  private async atRest(where: string, { mayBeLeftUp = false } = {}): Promise<void> {
    for (const stage of GATES) {
      const gate = this.witness.books.gate(stage, this.repository);
      if (gate?.state === 'waiting')
        await this.journey.reject(gate.release.digest, stage, stage === 'beta' ? integrator : manager, 'enough of it', this.repository);
    }
    await this.local.advance(2 * MINUTE);
    this.witness.atRest();
    const wrong = this.witness.violations.splice(0);
    const isLeftUp = (violation: string) => mayBeLeftUp && this.isDoor && /is down, its services are running/.test(violation);
    expect(
      wrong.filter((violation) => !isLeftUp(violation)),
      `${where}\n${this.witness.story.slice(-40).join('\n')}`,
    ).toEqual([]);
  }

  /** Until every release has ended, or asks at beta. */
  async settled(limit = 2 * HOUR): Promise<void> {
    await this.until('all releases have ended or ask at a gate', async () => this.isSettled(), limit);
  }

  private isSettled(): boolean {
    const { books } = this.witness;
    const waiting = GATES.map((stage) => books.gate(stage, this.repository)).filter((gate) => gate?.state === 'waiting');
    const isAsking = (digest: string) => waiting.some((gate) => gate?.release.digest === digest);
    const { gate: door, groups } = books.turns('test');
    return (
      door.exclusive === undefined &&
      (door.state === 'up' || door.state === 'down') &&
      groups.every(({ holder, waiting: queue }) => holder === undefined && queue.length === 0) &&
      books.releases(this.repository).every(({ digest, state }) => state !== 'in-progress' || isAsking(digest))
    );
  }

  async push(labels: Readonly<Record<string, string>> = {}, platform?: { os: string; architecture: string }): Promise<void> {
    this.builds++;
    const { tag } = this;
    this.latest = await this.journey.push({ repository: this.repository, tag, labels, ...(platform ? { platform } : {}) });
    await this.until(
      `${shortDigest(this.latest)} has begun`,
      async () => (await this.local.executions('release')).some((name) => name.includes(shortDigest(this.latest!))),
      20 * MINUTE,
    );
    await this.local.advance(1_000);
  }

  /** As {@link push}, while time goes on: something else is under way. */
  async pushMeanwhile(): Promise<void> {
    this.builds++;
    this.latest = undefined;
    this.latest = await this.journey.push({ repository: this.repository, tag: this.tag });
  }

  /** Until what was pushed last asks at beta. */
  async untilAsked(): Promise<void> {
    await this.until('something was pushed', async () => this.latest !== undefined);
    await this.journey.untilAsked(this.latest!, 'beta', { repository: this.repository });
  }

  async good(): Promise<void> {
    await this.push();
    await this.settled();
  }

  /** To live, with the approvals that it asks for, for as long as it asks. @param beforeLive what happens before people let it into live */
  async runRelease(beforeLive: () => unknown = () => undefined): Promise<void> {
    await this.good();
    for (const [stage, by] of [
      ['beta', integrator],
      ['live+sandbox', manager],
    ] as const) {
      if ((await this.ledger.release(this.repository, this.latest!))?.state !== 'in-progress') return;
      if (stage !== 'beta') await beforeLive();
      this.witness.approvals.push({ by, stage, digest: this.latest! });
      await this.journey.approve(this.latest!, stage, by, this.repository);
      await this.settled();
    }
  }

  /** Somebody orders test down, and waits until it is. */
  async tearDown(): Promise<void> {
    await this.local.decideAs(manager, { verb: 'teardown', environment: 'test' });
    await this.local.advance(1_000);
    const isOver = () => {
      const { gate, groups } = this.witness.books.turns('test');
      return gate.exclusive === undefined && gate.state !== 'tearing-down' && groups.every(({ holder }) => holder === undefined);
    };
    await this.until('the teardown is over', async () => isOver());
  }

  /** What ran in test is archived while it is down. */
  async archive(): Promise<void> {
    const running = await this.ledger.running('test', this.repository);
    await this.journey.call('ecr', 'UpdateImageStorageClass', {
      repositoryName: this.repository,
      imageId: { imageDigest: running?.digest },
      targetStorageClass: 'ARCHIVE',
    });
  }

  /** The morning of a day on which nobody waits. */
  async morning(): Promise<void> {
    await this.journey.call('states', 'StartExecution', {
      stateMachineArn: this.local.machine('wake'),
      name: `morning-${this.local.clock.now()}`,
      input: JSON.stringify({ environment: 'test', cause: 'morning' }),
    });
    await this.local.advance(MINUTE);
  }

  /** ECS or another service answers nothing but errors to one operation of a Lambda. */
  refuse(operation: string): void {
    this.local.world.faults.add({
      kind: 'error-500',
      match: (call) => call.operation === operation && call.invocation !== undefined,
      times: 1000,
    });
  }

  /** Step Functions starts no promotion. */
  refusePromotions(): void {
    this.local.world.faults.add({
      kind: 'error-500',
      match: ({ operation, caller }) => operation === 'StartExecution' && caller.includes('release'),
      times: 100,
    });
  }

  /** Its smoke test says no. */
  async failing(): Promise<void> {
    await this.push({ 'local.aws.responses': '{"/catalog/smoke":500}' });
    await this.settled();
  }

  /** The account has registered so many task definitions that the next has to wait. */
  async noSlots(): Promise<void> {
    const now = this.local.clock.now();
    await new Pace(this.ledger.table).reserve('RegisterTaskDefinition', 200, 100, now);
  }

  loseEvents({ after, type = 'ECS Deployment State Change' }: { after?: string; type?: string } = {}): void {
    const { faults } = this.local.world;
    let begun = after === undefined;
    if (after !== undefined)
      this.local.onJournal(({ event }) => {
        if (event === after) begun = true;
      });
    faults.addEvent({ match: (event) => begun && event['detail-type'] === type, times: 1000, deliver: [] });
    // And no sweep looks before its own time is up.
    faults.add({ kind: 'kill-before', match: ({ caller }) => caller.endsWith('-sweep'), times: 100_000 });
  }

  /** ECS takes the deployment, and refuses what goes back. */
  failUpdates(): void {
    this.local.world.faults.add({
      kind: 'error-500',
      match: ({ operation, caller }) => operation === 'UpdateService' && caller.includes('deploy'),
      nth: 2,
      times: 200,
    });
  }

  /** Somebody stops the build as soon as they see it. */
  stopBuild(): void {
    const { clock } = this.local;
    const look = async (left: number): Promise<void> => {
      const { ids = [] } = await this.journey.call<{ ids?: string[] }>('codebuild', 'ListBuilds', {});
      const { builds = [] } = await this.journey.call<{ builds?: { id: string; buildStatus: string }[] }>('codebuild', 'BatchGetBuilds', {
        ids: ids.slice(0, 1),
      });
      if (builds[0]?.buildStatus === 'IN_PROGRESS') await this.journey.call('codebuild', 'StopBuild', { id: builds[0].id });
      else if (left > 0) clock.after(1_000, 'somebody looks for a build', () => look(left - 1));
    };
    void look(120);
  }

  refuseBuild(): void {
    this.local.world.faults.add({ kind: 'error-500', match: ({ operation }) => operation === 'StartBuild', times: 100 });
  }
}
