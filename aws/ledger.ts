/** The ledger: where every release, environment, promotion, approval and wait stands. One table, keys in one place. */
import type {
  ApprovalRecord,
  ExtensionRecord,
  FreezeAndPins,
  FreezeRecord,
  PinRecord,
  PromotionRecord,
  ReleaseRecord,
  RunningRecord,
  ServiceRecord,
  WaitRecord,
} from '../domain/ledger/records.ts';
import type { Connection } from './clients.ts';
import type { OutboxItem } from './outbox.ts';
import { type Condition, has, idOf, isAbsent, type Key, OPEN, promotionKey, Table, type Write } from './table.ts';

export const keys = {
  release: (repository: string, digest: string): Key => ({ pk: `REPOSITORY#${repository}`, sk: `RELEASE#${digest}` }),
  /** Set while a run is in progress, so that such releases are found without reading those that have ended. */
  inProgress: (repository: string, digest: string): Key => ({ pk: `REPOSITORY#${repository}`, sk: `IN-PROGRESS#${digest}` }),
  running: (environment: string, repository: string): Key => ({ pk: `ENVIRONMENT#${environment}`, sk: `RUNS#${repository}` }),
  service: (environment: string, service: string): Key => ({ pk: `ENVIRONMENT#${environment}`, sk: `SERVICE#${service}` }),
  wait: (environment: string, service: string): Key => ({ pk: `ENVIRONMENT#${environment}`, sk: `WAIT#${service}` }),
  freeze: (environment: string): Key => ({ pk: `ENVIRONMENT#${environment}`, sk: 'RESTRICTION#FREEZE' }),
  pin: (environment: string, repository: string): Key => ({ pk: `ENVIRONMENT#${environment}`, sk: `RESTRICTION#PIN#${repository}` }),
  extension: (environment: string): Key => ({ pk: `ENVIRONMENT#${environment}`, sk: 'EXTENSION' }),
  /** At most one gate is open for a stage and repository. */
  gate: (stage: string, repository: string): Key => ({ pk: `STAGE#${stage}`, sk: `GATE#${repository}` }),
  promotion: promotionKey,
  swept: (repository: string): Key => ({ pk: 'SWEPT', sk: repository }),
  sweepNext: { pk: 'SWEEP', sk: 'NEXT' } as Key,
};

/** Where the sweep goes on, in the index. */
const NEXT = 'SWEEP-NEXT';

/** Marks a release whose run is in progress. */
export interface InProgress {
  readonly repository: string;
  readonly digest: string;
  readonly admittedAt: string;
  readonly execution: string;
}

/** What is not at rest. */
export interface Open {
  readonly waits: readonly WaitRecord[];
  /** Waits that have ended, and of which whoever waits may not have heard. */
  readonly ended: readonly WaitRecord[];
  /** Those in whose queues somebody stands, or that are waking. */
  readonly environments: readonly string[];
  readonly answers: readonly OutboxItem[];
  readonly inProgress: readonly InProgress[];
  /** Environments that stay up beyond their hours. */
  readonly extensions: readonly ExtensionRecord[];
  /** Up to which push each repository was looked at. Milliseconds since the epoch. */
  readonly swept: Readonly<Record<string, number>>;
  /** The repository that a sweep had no time for; undefined if none ever stopped early. */
  readonly next?: string;
}

/** Fields to change; undefined removes one. */
export type Change<Item> = { readonly [Field in keyof Item]?: Item[Field] | undefined };

export class Ledger {
  readonly table: Table;

  constructor(table: string, connection: Connection = {}) {
    this.table = new Table(table, connection);
  }

  // Releases

  release(repository: string, digest: string): Promise<ReleaseRecord | undefined> {
    return this.table.get(keys.release(repository, digest));
  }

  /** All releases of a repository, or of all, newest admission first. */
  async releases(limit?: number): Promise<ReleaseRecord[]> {
    return this.table.queryIndex<ReleaseRecord>('RELEASES', '', { newestFirst: true, ...(limit ? { limit } : {}) });
  }

  releasesOf(repository: string): Promise<ReleaseRecord[]> {
    return this.table.query<ReleaseRecord>(`REPOSITORY#${repository}`, 'RELEASE#');
  }

  /** Releases whose run is in progress. */
  async inProgress(): Promise<ReleaseRecord[]> {
    const marks = await this.table.queryIndex<InProgress>(OPEN, 'IN-PROGRESS#');
    const releases = await Promise.all(marks.map(({ repository, digest }) => this.release(repository, digest)));
    return releases.filter((release): release is ReleaseRecord => release?.state === 'in-progress');
  }

  async putRelease(record: ReleaseRecord): Promise<void> {
    await this.table.transact(this.releaseWrites(record));
  }

  /** A release with its mark, as writes of a transaction. */
  releaseWrites(record: ReleaseRecord): readonly Write[] {
    const { repository, digest, admittedAt, execution, state } = record;
    const mark = { repository, digest, admittedAt, execution, gpk: OPEN, gsk: `IN-PROGRESS#${admittedAt}#${digest}` };
    return [
      { key: keys.release(repository, digest), item: { ...record, gpk: 'RELEASES', gsk: `${admittedAt}#${digest}` } },
      { key: keys.inProgress(repository, digest), ...(state === 'in-progress' ? { item: mark } : {}) },
    ];
  }

  /** Changes the release's standing as its execution sees it; an older attempt's word is not taken. A field that is undefined is removed. */
  async setRelease(repository: string, digest: string, execution: string, fields: Change<ReleaseRecord>): Promise<boolean> {
    const writes = this.standingWrites({ repository, digest, execution }, fields);
    return writes.length > 1 ? this.table.transact(writes) : this.table.set(keys.release(repository, digest), fields, has({ execution }));
  }

  /** A change of its standing as writes of a transaction, by the execution that it is on its way with. */
  standingWrites(
    { repository, digest, execution }: Pick<ReleaseRecord, 'repository' | 'digest' | 'execution'>,
    fields: Change<ReleaseRecord>,
  ): readonly Write[] {
    const standing: Write = { key: keys.release(repository, digest), set: fields, when: has({ execution }) };
    // Its mark goes with the end of its run: left behind by a crash, it would be asked about for ever.
    return fields.state === undefined || fields.state === 'in-progress'
      ? [standing]
      : [standing, { key: keys.inProgress(repository, digest) }];
  }

  // Environments

  running(environment: string, repository: string): Promise<RunningRecord | undefined> {
    return this.table.get(keys.running(environment, repository));
  }

  /** The manifest of an environment. */
  manifest(environment: string): Promise<RunningRecord[]> {
    return this.table.query<RunningRecord>(`ENVIRONMENT#${environment}`, 'RUNS#');
  }

  async putRunning(record: RunningRecord): Promise<void> {
    await this.table.put(keys.running(record.environment, record.repository), record);
  }

  runningWrite(record: RunningRecord): Write {
    return { key: keys.running(record.environment, record.repository), item: record };
  }

  service(environment: string, service: string): Promise<ServiceRecord | undefined> {
    return this.table.get(keys.service(environment, service));
  }

  services(environment: string): Promise<ServiceRecord[]> {
    return this.table.query<ServiceRecord>(`ENVIRONMENT#${environment}`, 'SERVICE#');
  }

  async putService(record: ServiceRecord): Promise<void> {
    await this.table.put(keys.service(record.environment, record.service), record);
  }

  serviceWrite(record: ServiceRecord): Write {
    return { key: keys.service(record.environment, record.service), item: record };
  }

  async dropService(environment: string, service: string): Promise<void> {
    await this.table.delete(keys.service(environment, service));
  }

  freeze(environment: string): Promise<FreezeRecord | undefined> {
    return this.table.get(keys.freeze(environment));
  }

  async putFreeze(record: FreezeRecord): Promise<void> {
    await this.table.put(keys.freeze(record.environment), record);
  }

  async dropFreeze(environment: string): Promise<void> {
    await this.table.delete(keys.freeze(environment));
  }

  /** What keeps releases out of an environment, in one query. */
  async freezeAndPins(environment: string): Promise<FreezeAndPins> {
    const items = await this.table.query<FreezeRecord | PinRecord>(`ENVIRONMENT#${environment}`, 'RESTRICTION#');
    const freeze = items.find(({ sk }) => sk === 'RESTRICTION#FREEZE') as FreezeRecord | undefined;
    const pins = items.filter(({ sk }) => sk.startsWith('RESTRICTION#PIN#')) as unknown as PinRecord[];
    return { ...(freeze ? { freeze } : {}), pins };
  }

  async putPin(record: PinRecord): Promise<void> {
    await this.table.put(keys.pin(record.environment, record.repository), record);
  }

  /** Changes a pin, if it is as it was. @returns false if it is not, or is gone */
  changePin({ environment, repository, digest, by, at }: PinRecord, fields: Change<PinRecord>): Promise<boolean> {
    return this.table.set(keys.pin(environment, repository), fields, has({ digest, by, at }));
  }

  async dropPin(environment: string, repository: string): Promise<void> {
    await this.table.delete(keys.pin(environment, repository));
  }

  extension(environment: string): Promise<ExtensionRecord | undefined> {
    return this.table.get(keys.extension(environment));
  }

  /** In the part of the index that the sweep reads: it closes the environment when the time has come. */
  async putExtension(record: ExtensionRecord): Promise<void> {
    await this.table.put(keys.extension(record.environment), { ...record, gpk: OPEN, gsk: `EXTENSION#${record.environment}` });
  }

  async dropExtension(environment: string): Promise<void> {
    await this.table.delete(keys.extension(environment));
  }

  // Promotions

  async promotion(promotion: string): Promise<PromotionRecord | undefined> {
    return written(await this.table.get(keys.promotion(promotion)));
  }

  /** Sees to it that a promotion that was never written never will be: it ended before it could. @returns false if it is there */
  forestall(promotion: string, now: number): Promise<boolean> {
    const forestalled: Forestalled = { state: 'errored', forestalled: true, expiresAt: Math.floor(now / 1000) + FORESTALLED_SECONDS };
    return this.table.put(keys.promotion(promotion), forestalled, isAbsent);
  }

  /** A promotion that is about to end, with its turn. */
  async ending<Gate, Turns>(
    promotion: string,
    turn: Key,
    barrier: Key,
  ): Promise<{ readonly promotion: PromotionRecord | undefined; readonly turns: Turns | undefined; readonly gate: Gate | undefined }> {
    const [own, gate, turns] = await this.table.getMany([
      keys.promotion(promotion),
      barrier,
      ...(idOf(turn) === idOf(barrier) ? [] : [turn]),
    ]);
    return { promotion: written(own as PromotionRecord | Forestalled | undefined), gate: gate as Gate, turns: turns as Turns };
  }

  /** Promotions of an environment, newest first. */
  promotions(environment: string, limit?: number): Promise<PromotionRecord[]> {
    return this.table.queryIndex<PromotionRecord>(`PROMOTIONS#${environment}`, '', { newestFirst: true, ...(limit ? { limit } : {}) });
  }

  /** Writes a promotion down once. @returns false if it was there */
  newPromotion(record: PromotionRecord): Promise<boolean> {
    const { key, item, when } = this.newPromotionWrite(record);
    return this.table.put(key, item ?? {}, when);
  }

  /** The same as a write of a transaction. */
  newPromotionWrite(record: PromotionRecord): Write {
    const index = { gpk: `PROMOTIONS#${record.environment}`, gsk: `${record.askedAt}#${record.promotion}` };
    return { key: keys.promotion(record.promotion), item: { ...record, ...index }, when: isAbsent };
  }

  setPromotion(promotion: string, fields: Change<PromotionRecord>, when?: Condition): Promise<boolean> {
    return this.table.set(keys.promotion(promotion), fields, when);
  }

  /** The same as a write of a transaction. */
  promotionWrite(promotion: string, fields: Change<PromotionRecord>, when?: Condition): Write {
    return { key: keys.promotion(promotion), set: fields, ...(when ? { when } : {}) };
  }

  /** A promotion and its waits for deployments, with one more item, in one read. */
  async rollout<Item>(
    promotion: string,
    environment: string,
    services: readonly string[],
    also: Key,
  ): Promise<{
    readonly promotion?: PromotionRecord;
    readonly waits: Readonly<Record<string, WaitRecord>>;
    readonly also: Item | undefined;
  }> {
    const [own, other, ...waits] = await this.table.getMany([
      keys.promotion(promotion),
      also,
      ...services.map((service) => keys.wait(environment, service)),
    ]);
    return {
      ...(written(own as PromotionRecord | Forestalled | undefined) ? { promotion: own as PromotionRecord } : {}),
      waits: byName(services, waits as (WaitRecord | undefined)[]),
      also: other as Item | undefined,
    };
  }

  // Waits for deployments

  wait(environment: string, service: string): Promise<WaitRecord | undefined> {
    return this.table.get(keys.wait(environment, service));
  }

  waits(environment: string): Promise<WaitRecord[]> {
    return this.table.query<WaitRecord>(`ENVIRONMENT#${environment}`, 'WAIT#');
  }

  async putWait(record: WaitRecord): Promise<void> {
    const open = record.state === 'open' ? { gpk: OPEN, gsk: `WAIT#${record.environment}#${record.service}` } : {};
    await this.table.put(keys.wait(record.environment, record.service), { ...record, ...open });
  }

  /** What the sweep has to look after, in one query. What was written a moment ago may be missing. */
  async open(): Promise<Open> {
    const items = await this.table.queryIndex<Record<string, unknown>>(OPEN);
    const [next] = items.filter(({ gsk }) => gsk === NEXT);
    const of = <Item>(kind: string) => items.filter(({ gsk }) => String(gsk).startsWith(`${kind}#`)) as unknown as (Item & Key)[];
    return {
      waits: of<WaitRecord>('WAIT').filter(({ state }) => state === 'open'),
      ended: of<WaitRecord>('WAIT').filter(({ state }) => state !== 'open'),
      environments: [...new Set(of('TURNS').map(({ pk }) => pk.slice('TURNS#'.length)))],
      answers: of<OutboxItem>('OUTBOX'),
      inProgress: of<InProgress>('IN-PROGRESS'),
      extensions: of<ExtensionRecord>('EXTENSION'),
      swept: Object.fromEntries(of<{ upTo: number }>('SWEPT').map(({ sk, upTo }) => [sk, upTo])),
      ...(next ? { next: String(next.repository) } : {}),
    };
  }

  /** Ends a wait, if it is still this owner's and open. @returns false if somebody else was faster */
  endWait(
    wait: WaitRecord,
    fields: Pick<WaitRecord, 'state'> & Partial<Pick<WaitRecord, 'reason' | 'hook' | 'pausedAt'>>,
  ): Promise<boolean> {
    return this.table.set(
      keys.wait(wait.environment, wait.service),
      fields,
      has({ owner: wait.owner, kind: wait.kind, token: wait.token, state: 'open' }),
    );
  }

  /** Changes a wait, if it is as it was. @returns false if it is not */
  changeWait({ environment, service, owner, kind, token, state, failed }: WaitRecord, fields: Change<WaitRecord>): Promise<boolean> {
    return this.table.set(keys.wait(environment, service), fields, has({ owner, kind, token, state, failed }));
  }

  /** The write that forgets a wait: nothing is written if it is another owner's. */
  dropWaitWrite({ environment, service, owner }: Pick<WaitRecord, 'environment' | 'service' | 'owner'>): Write {
    return {
      key: keys.wait(environment, service),
      when: { expression: 'attribute_not_exists(pk) OR #owner = :owner', names: { '#owner': 'owner' }, values: { ':owner': owner } },
    };
  }

  /** Waits of several services, in one read. */
  async waitsOf(environment: string, services: readonly string[]): Promise<(WaitRecord | undefined)[]> {
    return (await this.table.getMany(services.map((service) => keys.wait(environment, service)))) as (WaitRecord | undefined)[];
  }

  /** Forgets a wait, if it is still this owner's. */
  async dropWait({ environment, service, owner }: Pick<WaitRecord, 'environment' | 'service' | 'owner'>): Promise<void> {
    await this.table.delete(keys.wait(environment, service), has({ owner }));
  }

  // Gates

  gate(stage: string, repository: string): Promise<ApprovalRecord | undefined> {
    return this.table.get(keys.gate(stage, repository));
  }

  /** The gate of a stage and what runs behind it, in one read. */
  async atGate(
    stage: string,
    repository: string,
    environments: readonly string[],
  ): Promise<{ readonly gate: ApprovalRecord | undefined; readonly running: Readonly<Record<string, RunningRecord>> }> {
    const [gate, ...running] = await this.table.getMany([
      keys.gate(stage, repository),
      ...environments.map((environment) => keys.running(environment, repository)),
    ]);
    return { gate: gate as ApprovalRecord | undefined, running: byName(environments, running as (RunningRecord | undefined)[]) };
  }

  /** Approval requests that wait for people, oldest first. */
  openGates(): Promise<ApprovalRecord[]> {
    return this.table.queryIndex<ApprovalRecord>('GATES', 'waiting#');
  }

  /** The write that opens, changes or closes a gate, if `before` is still what it says. */
  gateWrite(record: ApprovalRecord, before: ApprovalRecord | undefined): Write {
    return {
      key: keys.gate(record.stage, record.release.repository),
      item: { ...record, ...(record.state === 'waiting' ? { gpk: 'GATES', gsk: `waiting#${record.askedAt}#${record.approval}` } : {}) },
      when: before === undefined ? isAbsent : has({ version: before.version, approval: before.approval }),
    };
  }

  // Sweeping

  /** Up to which push the sweep has looked. @param upTo milliseconds since the epoch */
  async putSwept(repository: string, upTo: number): Promise<void> {
    await this.table.put(keys.swept(repository), { upTo, gpk: OPEN, gsk: `SWEPT#${repository}` });
  }

  /** With which repository the next sweep begins, as this one stopped before it. */
  async putSweepNext(repository: string): Promise<void> {
    await this.table.put(keys.sweepNext, { repository, gpk: OPEN, gsk: NEXT });
  }
}

/** In the place of a promotion that ended before it was written, so that no call that stalled writes it after all. */
export interface Forestalled {
  readonly state: 'errored';
  readonly forestalled: true;
  readonly expiresAt: number;
}

/** Two months: longer than any execution that could still ask. */
const FORESTALLED_SECONDS = 60 * 24 * 3600;

export const written = (item: PromotionRecord | Forestalled | undefined): PromotionRecord | undefined =>
  item !== undefined && 'forestalled' in item ? undefined : item;

/** What was found, under its name. */
export const byName = <Item>(names: readonly string[], items: readonly (Item | undefined)[]): Record<string, Item> =>
  Object.fromEntries(names.flatMap((name, index) => (items[index] ? [[name, items[index]]] : [])));
