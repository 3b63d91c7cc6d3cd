/** One table: its items, their order in every index, their expiry, and its stream. */
import { bound } from '../../core/bound.ts';
import type { Timer } from '../../core/clock.ts';
import type { Site } from '../../core/site.ts';
import { type AttributeValue, compareValues, equalItems, fromJson, has, type Item, mapValues, sizeOfItem, toJson } from './attribute.ts';
import { type IndexSchema, isIndexed, itemId, type KeySchema, keyText, projected, type StreamView, type TableSchema } from './schema.ts';
import { TableStream } from './stream.ts';

const HOUR = 3600_000;
/** "DynamoDB deletes expired items within a few days"; here within two. */
const EXPIRY_DELAY = 48 * HOUR;
/** Items that expired more than five years ago are left alone: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html */
const TOO_OLD = 5 * 365.25 * 24 * HOUR;

/** Settings that come and go during a table's life. */
export interface TableSettings {
  billingMode: 'PAY_PER_REQUEST' | 'PROVISIONED';
  deletionProtection: boolean;
  tags: Readonly<Record<string, string>>;
  provisioned?: { readonly ReadCapacityUnits?: number; readonly WriteCapacityUnits?: number };
  /** The key of AWS KMS that encrypts it, where it is not DynamoDB's own. */
  encryption?: string;
  /** Point-in-time recovery, where it is on. */
  recovery?: { /** Milliseconds since the epoch. */ readonly since: number; readonly days: number };
}

export class Table {
  schema: TableSchema;
  readonly arn: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** CREATING until then. */
  readonly activeAt: number;
  /** DELETING since the deletion was asked for, gone at this time. */
  goneAt = Number.POSITIVE_INFINITY;
  readonly settings: TableSettings;
  stream: TableStream | undefined;
  private readonly site: Site;
  private readonly items = new Map<string, Item>();
  private readonly primary: Ordering;
  private readonly secondary = new Map<string, Ordering>();
  private expiryAttribute: string | undefined;
  /** When each item that will expire is deleted, by item id. */
  private readonly deletions = new Map<string, number>();
  private nextDeletion = Number.POSITIVE_INFINITY;
  private alarm: Timer | undefined;

  constructor(site: Site, schema: TableSchema, settings: TableSettings, activeAt: number) {
    this.site = site;
    this.schema = schema;
    this.settings = settings;
    this.arn = site.arn('dynamodb', `table/${schema.name}`);
    this.id = site.world.random.fork(`dynamodb/${this.arn}/${site.world.clock.now()}`).uuid();
    this.createdAt = site.world.clock.now();
    this.activeAt = activeAt;
    this.primary = new Ordering(schema, schema);
    for (const index of schema.indexes) this.secondary.set(index.name, new Ordering(index, schema));
  }

  get count(): number {
    return this.items.size;
  }

  /** In bytes. */
  get size(): number {
    return this.items.values().reduce((size, item) => size + sizeOfItem(item), 0);
  }

  get(id: string): Item | undefined {
    return this.items.get(id);
  }

  /** The order of the table, or of one of its indexes. */
  ordering(indexName?: string): Ordering | undefined {
    return indexName === undefined ? this.primary : this.secondary.get(indexName);
  }

  /** Puts, replaces or (with undefined) deletes the item of this id. */
  write(id: string, after: Item | undefined, byTimeToLive = false): void {
    const before = this.items.get(id);
    for (const ordering of [this.primary, ...this.secondary.values()]) {
      if (before !== undefined) ordering.remove(before);
      if (after !== undefined) ordering.insert(after);
    }
    if (after === undefined) this.items.delete(id);
    else this.items.set(id, after);
    this.noteExpiry(id, after);
    this.stream?.write(this.schema, before, after, byTimeToLive);
    this.arm();
  }

  /** Write units that a change costs in each global index: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes */
  indexUnits(before: Item | undefined, after: Item | undefined): ReadonlyMap<string, number> {
    const units = new Map<string, number>();
    for (const index of this.schema.indexes) {
      const entry = (item: Item | undefined) =>
        item !== undefined && isIndexed(index, item) ? projected(this.schema, index, item) : undefined;
      const cost = changeUnits(index, entry(before), entry(after));
      if (cost > 0) units.set(index.name, cost);
    }
    return units;
  }

  addIndex(index: IndexSchema, schema: TableSchema): void {
    this.schema = schema;
    const ordering = new Ordering(index, schema);
    for (const item of this.items.values()) ordering.insert(item);
    this.secondary.set(index.name, ordering);
  }

  removeIndex(name: string, schema: TableSchema): void {
    this.schema = schema;
    this.secondary.delete(name);
  }

  startStream(view: StreamView): void {
    const { world, region } = this.site;
    this.stream = new TableStream({
      tableArn: this.arn,
      view,
      clock: world.clock,
      random: world.random.fork(`dynamodb/stream/${this.arn}`),
      region,
    });
  }

  get timeToLive(): string | undefined {
    return this.expiryAttribute;
  }

  /** Names the attribute that holds the time (seconds since the epoch) from which an item may be deleted. */
  set timeToLive(attribute: string | undefined) {
    this.expiryAttribute = attribute;
    this.deletions.clear();
    this.nextDeletion = Number.POSITIVE_INFINITY;
    for (const [id, item] of this.items) this.noteExpiry(id, item);
    this.arm();
  }

  /** Deletes what the time to live has deleted until now. Called before every operation, so that no timer is needed for it. */
  sweep(): void {
    const now = this.site.world.clock.now();
    if (this.nextDeletion > now) return;
    const due = [...this.deletions].filter(([, time]) => time <= now).sort(([, a], [, b]) => a - b);
    for (const [id] of due) this.write(id, undefined, true);
    this.nextDeletion = this.deletions.values().reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  }

  /** Only who listens to the stream can notice a deletion while nobody reads: then there is a timer for the next one. */
  arm(): void {
    if (this.stream?.listened !== true || this.nextDeletion === Number.POSITIVE_INFINITY) return;
    const { clock } = this.site.world;
    if (this.alarm !== undefined && this.alarm.due <= this.nextDeletion) return;
    if (this.alarm !== undefined) clock.cancel(this.alarm);
    this.alarm = clock.at(this.nextDeletion, `the time to live deletes from ${this.schema.name}`, bound(this, this.deleteDue));
  }

  private deleteDue(): void {
    this.alarm = undefined;
    this.sweep();
    this.arm();
  }

  private noteExpiry(id: string, item: Item | undefined): void {
    this.deletions.delete(id);
    const attribute = this.expiryAttribute;
    if (attribute === undefined || item === undefined || !has(item, attribute)) return;
    const value = item[attribute]!;
    if (!('N' in value)) return;
    const { clock, random } = this.site.world;
    const expiry = Number(value.N) * 1000;
    if (expiry < clock.now() - TOO_OLD) return;
    const time = Math.max(clock.now(), expiry) + random.fork(`dynamodb/expiry/${this.schema.name}/${id}/${value.N}`).next() * EXPIRY_DELAY;
    this.deletions.set(id, time);
    this.nextDeletion = Math.min(this.nextDeletion, time);
  }

  /** All items as JSON. */
  save(): readonly unknown[] {
    return [...this.items.values()].map((item) => mapValues(item, toJson));
  }

  /** Replaces all items, without records in the stream. */
  load(items: readonly unknown[]): void {
    const { stream } = this;
    this.stream = undefined;
    for (const id of this.items.keys()) this.write(id, undefined);
    for (const json of items) {
      const item = mapValues(json as Record<string, unknown>, fromJson);
      this.write(itemId(this.schema, item), item);
    }
    this.stream = stream;
    this.arm();
  }
}

/** Write units of a change: nothing for none, two for an index entry that moves. */
function changeUnits(index: IndexSchema, before: Item | undefined, after: Item | undefined): number {
  if (before === undefined && after === undefined) return 0;
  if (before !== undefined && after !== undefined) {
    if (equalItems(before, after)) return 0;
    if (itemId(index, before) !== itemId(index, after)) return writeUnits(before) + writeUnits(after);
  }
  return writeUnits(before, after);
}

/** Write units of one write: one for each started KB of the larger image. */
export function writeUnits(...images: readonly (Item | undefined)[]): number {
  const size = Math.max(...images.map((image) => (image === undefined ? 0 : sizeOfItem(image))));
  return Math.max(1, Math.ceil(size / 1024));
}

/** Items in partitions by hash key, sorted by range key within each. */
export class Ordering {
  readonly key: KeySchema;
  private readonly table: KeySchema;
  private readonly partitions = new Map<string, Item[]>();
  private scanOrder: readonly string[] | undefined;

  constructor(key: KeySchema, table: KeySchema) {
    this.key = key;
    this.table = table;
  }

  insert(item: Item): void {
    if (!isIndexed(this.key, item)) return;
    const text = keyText(item[this.key.hash]!);
    const items = this.partitions.get(text);
    if (items === undefined) {
      this.partitions.set(text, [item]);
      this.scanOrder = undefined;
    } else items.splice(this.position(items, item), 0, item);
  }

  remove(item: Item): void {
    if (!isIndexed(this.key, item)) return;
    const text = keyText(item[this.key.hash]!);
    const items = this.partitions.get(text)!;
    items.splice(this.position(items, item), 1);
    if (items.length > 0) return;
    this.partitions.delete(text);
    this.scanOrder = undefined;
  }

  /** The items of one partition in the order of the range key. */
  partition(hash: AttributeValue): readonly Item[] {
    return this.partitions.get(keyText(hash)) ?? [];
  }

  /** All items, in the order of the hash of their partition: as on AWS, one that means nothing and stays the same. */
  *scan(segment = 0, segments = 1): Generator<Item> {
    this.scanOrder ??= [...this.partitions.keys()].sort((a, b) => hashOf(a) - hashOf(b) || (a < b ? -1 : 1));
    for (const text of this.scanOrder)
      if (Math.floor((hashOf(text) / 2 ** 32) * segments) === segment) yield* this.partitions.get(text) ?? [];
  }

  /** Whether `item` comes after `other` when the whole ordering is scanned. */
  follows(item: Item, other: Item): boolean {
    const [a, b] = [keyText(item[this.key.hash]!), keyText(other[this.key.hash]!)];
    if (a !== b) return hashOf(a) !== hashOf(b) ? hashOf(a) > hashOf(b) : a > b;
    return this.compare(item, other) > 0;
  }

  /** The order of two items of one partition; in an index, equal range keys are told apart by the table's key. */
  compare(left: Item, right: Item): number {
    const { range } = this.key;
    const order = range === undefined ? 0 : (compareValues(left[range]!, right[range]!) ?? 0);
    if (order !== 0) return order;
    const [a, b] = [itemId(this.table, left), itemId(this.table, right)];
    return a < b ? -1 : a > b ? 1 : 0;
  }

  private position(items: readonly Item[], item: Item): number {
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(items[middle]!, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** FNV-1a with a final mix. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
