/** The stream of a table's changes, in the shape in which Lambda receives them. */
import { Bound, bound, type Listener, tell } from '../../core/bound.ts';
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { equalItems, type Item, mapValues, sizeOfItem, toJson } from './attribute.ts';
import { keyOf, type StreamView, type TableSchema } from './schema.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html ; bytes are base64. */
export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly eventVersion: '1.1';
  readonly eventSource: 'aws:dynamodb';
  readonly awsRegion: string;
  readonly dynamodb: {
    /** Seconds since the epoch. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: unknown;
    readonly NewImage?: unknown;
    readonly OldImage?: unknown;
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: StreamView;
  };
  readonly eventSourceARN: string;
  /** Only where the time to live removed the item. */
  readonly userIdentity?: { readonly type: 'Service'; readonly principalId: 'dynamodb.amazonaws.com' };
}

export type RecordListener = Listener<[records: readonly StreamRecord[]]>;

/** Records stay readable for 24 hours. */
const KEPT = 24 * 3600 * 1000;

export class TableStream {
  readonly arn: string;
  readonly label: string;
  readonly view: StreamView;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly region: string;
  private readonly listeners = new Set<Bound>();
  /** Those outside of the world, who listen anew when it was loaded from a snapshot. */
  private readonly watchers = new Set<Exclude<RecordListener, Bound>>();
  private kept: { time: number; record: StreamRecord }[] = [];
  private waiting: StreamRecord[] = [];
  private sequence = 0n;

  constructor(options: { tableArn: string; view: StreamView; clock: Clock; random: Random; region: string }) {
    this.clock = options.clock;
    this.random = options.random;
    this.region = options.region;
    this.view = options.view;
    this.label = new Date(options.clock.now()).toISOString().slice(0, -1);
    this.arn = `${options.tableArn}/stream/${this.label}`;
  }

  get listened(): boolean {
    return this.listeners.size > 0 || this.watchers.size > 0;
  }

  /** What the stream still holds, oldest first. */
  get records(): readonly StreamRecord[] {
    const oldest = this.clock.now() - KEPT;
    this.kept = this.kept.filter(({ time }) => time > oldest);
    return this.kept.map(({ record }) => record);
  }

  /** From now on, until {@link unlisten}. */
  listen(listener: RecordListener): void {
    if (listener instanceof Bound) this.listeners.add(listener);
    else this.watchers.add(listener);
  }

  unlisten(listener: RecordListener): void {
    if (listener instanceof Bound) this.listeners.delete(listener);
    else this.watchers.delete(listener);
  }

  /** Writes a record, unless nothing changed. */
  write(schema: TableSchema, before: Item | undefined, after: Item | undefined, byTimeToLive: boolean): void {
    if (before === undefined ? after === undefined : after !== undefined && equalItems(before, after)) return;
    const keys = keyOf((after ?? before)!, schema);
    const { view } = this;
    const newImage = after !== undefined && (view === 'NEW_IMAGE' || view === 'NEW_AND_OLD_IMAGES') ? after : undefined;
    const oldImage = before !== undefined && (view === 'OLD_IMAGE' || view === 'NEW_AND_OLD_IMAGES') ? before : undefined;
    this.sequence += BigInt(1 + this.random.integer(900));
    const record: StreamRecord = {
      eventID: this.random.hex(32),
      eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: this.region,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(this.clock.now() / 1000),
        Keys: mapValues(keys, toJson),
        ...(newImage === undefined ? {} : { NewImage: mapValues(newImage, toJson) }),
        ...(oldImage === undefined ? {} : { OldImage: mapValues(oldImage, toJson) }),
        SequenceNumber: `${100_000_000_000_000_000_000n + this.sequence}`,
        SizeBytes: [keys, newImage, oldImage].reduce((size, image) => size + (image === undefined ? 0 : sizeOfItem(image)), 0),
        StreamViewType: view,
      },
      eventSourceARN: this.arn,
      ...(byTimeToLive ? { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } as const } : {}),
    };
    this.kept.push({ time: this.clock.now(), record });
    if (!this.listened) return;
    this.waiting.push(record);
    // Readers poll a stream a few times a second; what was written meanwhile comes as one batch.
    if (this.waiting.length === 1)
      this.clock.after(200 + this.random.integer(300), `records of ${this.arn} are read`, bound(this, this.deliver));
  }

  private deliver(): void {
    const batch = this.waiting;
    this.waiting = [];
    for (const listener of [...this.listeners, ...this.watchers]) tell(listener, batch);
  }
}
