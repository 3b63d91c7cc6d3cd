/** One random history: what people, builders and bad luck do to the pipeline in a day, all of it chosen by a seed. */
import { join } from 'node:path';
import { shortDigest } from '../../domain/release/release.ts';
import type { CallFaultKind, ObservedCall } from '../../local/core/faults.ts';
import { Random } from '../../local/core/random.ts';
import { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { InvariantWatch } from './invariants.ts';

export const simulationConfig = join(import.meta.dirname, 'pipeline/shiplock.config.ts');

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Monday, midnight in Berlin. */
const MONDAY = Date.parse('2026-11-22T23:00:00Z');
/**
 * The longest that anything may go on after the last thing has happened: a night before the morning in which test opens, three promotions
 * of a deployment and a rollback, two questions to people, and ten minutes; and as long as Lambda may refuse every invocation.
 */
const PATIENCE = 11 * HOUR + 3 * 30 * MINUTE + 3 * HOUR + 10 * MINUTE + 12 * MINUTE;

const people = ['lead@example.com', 'manager@example.com', 'developer@example.com', 'guest@example.com', 'stranger@example.com'];
const faultKinds: readonly CallFaultKind[] = ['throttle', 'error-500', 'timeout-before', 'timeout-after', 'kill-before', 'kill-after'];

/** What images do, and how often each kind is pushed. */
const images: readonly { readonly weight: number; readonly what: string; readonly labels: (random: Random) => Record<string, string> }[] = [
  { weight: 11, what: 'good', labels: () => ({}) },
  { weight: 2, what: 'slow', labels: (random) => ({ 'local.aws.healthy-after': String(20 + random.integer(70)) }) },
  { weight: 2, what: 'crashing', labels: () => ({ 'local.aws.exit-code': '1', 'local.aws.log': 'no database' }) },
  { weight: 2, what: 'failing its smoke test', labels: () => ({ 'local.aws.responses': '{"/shop/smoke":500,"/smoke":500}' }) },
  { weight: 1, what: 'never healthy', labels: () => ({ 'local.aws.healthy-after': '90000' }) },
  { weight: 1, what: 'that never starts', labels: () => ({ 'local.aws.never-starts': 'CannotStartContainerError: no such file' }) },
];

interface Act {
  readonly at: number;
  readonly run: () => Promise<unknown>;
}

export interface Lived {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What happened, line by line. */
  readonly story: readonly string[];
  /** How the releases ended, with the reason. */
  readonly ends: readonly { readonly state: string; readonly reason: string }[];
  readonly calls: number;
}

/** @param tamper plants something in the world before it begins */
export async function live(seed: number, assembly: string, tamper: (local: LocalPipeline) => void = () => undefined): Promise<Lived> {
  const random = new Random(seed * 7919 + 17);
  const hours = 6 + random.integer(13);
  const local = await LocalPipeline.open({
    config: simulationConfig,
    start: MONDAY + hours * HOUR + random.integer(60) * MINUTE,
    seed,
    assembly,
    port: false,
  });
  // Fewer cold starts: by far the dearest part of a history on this machine.
  local.site.service('lambda').idle = 2 * HOUR;
  try {
    tamper(local);
    return await new History(seed, local, random).live();
  } finally {
    await local.close();
  }
}

class History {
  private readonly seed: number;
  private readonly local: LocalPipeline;
  private readonly random: Random;
  private readonly witness: InvariantWatch;
  private readonly pushed: { readonly repository: string; readonly digest: string; readonly tag: string }[] = [];
  private readonly acts: Act[] = [];
  private readonly pending = new Set<Promise<unknown>>();
  private build = 10;

  constructor(seed: number, local: LocalPipeline, random: Random) {
    this.seed = seed;
    this.local = local;
    this.random = random;
    this.witness = new InvariantWatch(local);
  }

  private chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  private pick<Item>(items: readonly Item[]): Item {
    return items[this.random.integer(items.length)]!;
  }

  private nextBuild(): number {
    this.build += 5;
    return this.build;
  }

  async live(): Promise<Lived> {
    this.plan();
    for (const { at, run } of this.acts.toSorted((a, b) => a.at - b.at)) {
      await this.local.clock.run({ until: this.local.opened + at });
      // What somebody asks takes its time, while everything goes on.
      const asked = run().catch((error: unknown) => this.witness.say(`refused: ${(error as Error).message}`));
      this.pending.add(asked);
      void asked.finally(() => this.pending.delete(asked));
    }
    await this.rest();
    return {
      seed: this.seed,
      violations: this.witness.violations,
      story: this.witness.story,
      ends: Object.keys(this.local.pipeline.repositories).flatMap((repository) =>
        this.witness.books.releases(repository).map(({ state, reason = '' }) => ({ state, reason })),
      ),
      calls: this.local.world.meter.total('call'),
    };
  }

  private plan(): void {
    const { random } = this;
    const length = (2 + random.integer(5)) * HOUR;
    const sometime = () => random.integer(length);
    let at = random.integer(30 * MINUTE);
    for (let count = 2 + random.integer(4); count > 0; count--) {
      this.acts.push({ at, run: this.push() });
      at += this.chance(0.4) ? random.integer(90_000) : random.integer(length / 2);
    }
    for (let count = 8 + random.integer(16); count > 0; count--) this.acts.push({ at: sometime(), run: () => this.decide() });
    if (this.chance(0.3)) this.freeze(sometime());
    if (this.chance(0.3)) this.acts.push({ at: sometime(), run: () => this.tearDown() });
    for (let count = this.chance(0.35) ? 1 + random.integer(2) : 0; count > 0; count--)
      this.acts.push({ at: sometime(), run: () => this.abort() });
    if (this.chance(0.07)) this.acts.push({ at: sometime(), run: () => this.deleteService() });
    if (this.chance(0.07)) this.acts.push({ at: sometime(), run: () => this.deleteImage() });
    if (this.chance(0.6)) for (let count = 1 + random.integer(5); count > 0; count--) this.breakCall();
    if (this.chance(0.5)) for (let count = 1 + random.integer(3); count > 0; count--) this.breakEvent();
    this.hardships(length);
  }

  private push(): () => Promise<void> {
    const { random } = this;
    const repository = this.pick(['shop', 'shop', 'door']);
    // Builds do not always end in the order in which they began.
    const number = this.chance(0.15) ? this.build - 3 : this.nextBuild();
    const tag = `build-${number}`;
    const image = this.pick(images.flatMap((one) => Array.from({ length: one.weight }, () => one)));
    const labels = image.labels(random);
    const author = this.pick(['developer@example.com', 'developer@example.com', 'lead@example.com', undefined]);
    return async () => {
      const digest = await this.local.push({ repository, tag, labels, message: `change ${number}`, ...(author ? { author } : {}) });
      this.witness.say(`pushed ${repository} ${tag}, ${image.what}, by ${author}: ${shortDigest(digest)}`);
      this.pushed.push({ repository, digest, tag });
    };
  }

  /** Somebody looks at what is open and says something about it, right or wrong. */
  private async decide(): Promise<void> {
    const { books } = this.witness;
    const open = this.local.pipeline.path.flatMap(({ name }) => books.gates(name));
    const waiting = open.filter(({ state }) => state === 'waiting');
    const gate = waiting.length > 0 && this.chance(0.9) ? this.pick(waiting) : open.length > 0 ? this.pick(open) : undefined;
    if (gate === undefined) return;
    const digest = this.chance(0.06) && this.pushed.length > 0 ? this.pick(this.pushed).digest : gate.release.digest;
    const verb = this.chance(0.1) ? 'reject' : 'approve';
    const voices = this.chance(0.15) ? 2 + this.random.integer(2) : 1;
    const by = Array.from({ length: voices }, () => this.pick(this.chance(0.7) ? people.slice(0, 3) : people));
    await Promise.all(by.map((person) => this.say(person, verb, gate.approval, gate.stage, digest)));
  }

  private async say(by: string, verb: 'approve' | 'reject', approval: string, stage: string, digest: string): Promise<void> {
    if (verb === 'approve') this.witness.approvals.push({ by, stage, digest });
    const { status, message } = await this.local.decideAs(by, { verb, approval, digest });
    this.witness.say(`${by} ${verb}s ${approval}: ${status} ${message}`);
  }

  private freeze(at: number): void {
    const environment = this.pick(['test', 'beta', 'live']);
    const decide = (verb: 'freeze' | 'thaw', more: object) => async () => {
      const { status, message } = await this.local.decideAs('manager@example.com', { verb, environment, ...more });
      this.witness.say(`${verb} ${environment}: ${status} ${message}`);
    };
    this.acts.push({ at, run: decide('freeze', { reason: 'a sale' }) });
    this.acts.push({ at: at + 5 * MINUTE + this.random.integer(2 * HOUR), run: decide('thaw', {}) });
  }

  private call(service: string, operation: string, input: object): Promise<unknown> {
    const { site } = this.local;
    return site.call(site.service('iam').userPrincipal('rehearsal'), service, operation, input);
  }

  private async tearDown(): Promise<void> {
    this.witness.say('test is torn down by hand');
    await this.call('states', 'StartExecution', {
      stateMachineArn: this.local.machine('teardown'),
      name: `by-hand-${this.local.clock.now()}`,
      input: JSON.stringify({ environment: 'test', cause: 'person' }),
    });
  }

  private async abort(): Promise<void> {
    const running = this.local.site
      .service('states')
      .view()
      .filter(({ status }) => status === 'RUNNING');
    if (running.length === 0) return;
    const { arn, name, states } = this.pick(running);
    this.witness.say(`${name} is aborted in ${states.join(', ')}`);
    await this.call('states', 'StopExecution', { executionArn: arn });
  }

  private async deleteService(): Promise<void> {
    const services = [...this.local.site.service('ecs').services.values()].filter(({ status }) => status === 'ACTIVE');
    if (services.length === 0) return;
    const { cluster, name } = this.pick(services);
    this.witness.say(`${cluster}/${name} is deleted by hand`);
    await this.call('ecs', 'DeleteService', { cluster, service: name, force: true });
  }

  private async deleteImage(): Promise<void> {
    if (this.pushed.length === 0) return;
    const { repository, digest, tag } = this.pick(this.pushed);
    this.witness.say(`${repository} ${tag} is deleted from the registry`);
    await this.call('ecr', 'BatchDeleteImage', { repositoryName: repository, imageIds: [{ imageDigest: digest }] });
  }

  /** One call of a Lambda goes wrong, somewhere in the history. */
  private breakCall(): void {
    const kind = this.pick(faultKinds);
    const nth = 1 + this.random.integer(900);
    const times = kind === 'throttle' || kind === 'error-500' ? 1 + this.random.integer(6) : 1;
    this.witness.say(`planned: ${kind} at call ${nth} of a Lambda, ${times} times`);
    this.local.world.faults.add({ kind, nth, times, match: ({ invocation }) => invocation !== undefined });
  }

  /** What AWS refuses for a while and takes later. By chance of its own, so that all else in a history stays as its seed has it. */
  private hardships(length: number): void {
    const random = new Random(this.seed * 104_729 + 71);
    const { faults } = this.local.world;
    for (let count = random.integer(4); count > 0; count--) {
      const nth = 1 + random.integer(150);
      const times = 1 + random.integer(5);
      this.witness.say(`planned: writes ${nth} to ${nth + times - 1} of a Lambda meet another transaction`);
      faults.add({ kind: 'conflict', nth, times, match: ({ invocation }) => invocation !== undefined });
    }
    if (random.next() > 0.4) return;
    const from = this.local.opened + random.integer(length);
    const minutes = 1 + random.integer(10);
    const kind = random.next() < 0.7 ? 'throttle' : 'error-500';
    this.witness.say(`planned: ${kind} at every invocation by a workflow, for ${minutes} minutes`);
    const isThen = ({ time }: ObservedCall) => time >= from && time < from + minutes * MINUTE;
    const match = (call: ObservedCall) => call.operation === 'Invoke' && call.caller.includes('workflow') && isThen(call);
    faults.add({ kind, times: 1_000_000, match });
  }

  private breakEvent(): void {
    const source = this.pick(['aws.ecr', 'aws.ecs', 'aws.ecs', 'aws.states']);
    const deliver = this.pick([[], [0, 0], [0, 20 * MINUTE], [30_000], [5 * MINUTE]]);
    const nth = 1 + this.random.integer(source === 'aws.ecr' ? 5 : 60);
    this.witness.say(`planned: event ${nth} of ${source} comes after [${deliver.join(', ')}] ms`);
    this.local.world.faults.addEvent({ match: { source }, nth, deliver });
  }

  /** Lets everything end, and looks at what is left. */
  private async rest(): Promise<void> {
    const { clock, site } = this.local;
    const end = clock.now() + PATIENCE;
    const isQuiet = () =>
      this.pending.size === 0 &&
      site
        .service('states')
        .view()
        .every(({ status }) => status !== 'RUNNING') &&
      Object.keys(this.local.pipeline.repositories).every((repository) =>
        this.witness.books.releases(repository).every(({ state }) => state !== 'in-progress'),
      );
    while (clock.now() < end && !isQuiet()) await clock.run({ until: clock.now() + 10 * MINUTE });
    // Two sweeps, so that what events lost is found too.
    await clock.run({ until: clock.now() + 70 * MINUTE });
    while (clock.now() < end && !isQuiet()) await clock.run({ until: clock.now() + 10 * MINUTE });
    await clock.run({ until: clock.now() + 70 * MINUTE });
    this.witness.atRest();
  }
}
