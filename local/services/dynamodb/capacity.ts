/** Read and write units of operations, for the meter and for ReturnConsumedCapacity. */
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import type { Site } from '../../core/site.ts';
import { type Item, sizeOfItem } from './attribute.ts';
import { type Table, writeUnits } from './table.ts';

/** Units by table, as an operation adds them up. */
export class Capacity {
  private readonly site: Site;
  private readonly wanted: string;
  private readonly tables = new Map<Table, { read: number; write: number; indexes: Map<string, number> }>();

  /** @param wanted ReturnConsumedCapacity */
  constructor(site: Site, wanted: string | undefined) {
    this.site = site;
    this.wanted = wanted ?? 'NONE';
  }

  /** @param bytes that were read */
  read(table: Table, bytes: number, how: 'eventual' | 'consistent' | 'transactional', index?: string): void {
    const units = Math.max(1, Math.ceil(bytes / 4096)) * { eventual: 0.5, consistent: 1, transactional: 2 }[how];
    const sums = this.sums(table);
    if (index === undefined) sums.read += units;
    else sums.indexes.set(index, (sums.indexes.get(index) ?? 0) + units);
    this.site.world.meter.record('dynamodb.read-unit', units, this.labels(table));
  }

  /** A write that was carried out, refused by its condition (`after` is then `before`), or only checked. */
  write(table: Table, before: Item | undefined, after: Item | undefined, transactional = false): void {
    const factor = transactional ? 2 : 1;
    const sums = this.sums(table);
    const units = writeUnits(before, after) * factor;
    sums.write += units;
    let total = units;
    for (const [name, one] of table.indexUnits(before, after)) {
      sums.indexes.set(name, (sums.indexes.get(name) ?? 0) + one * factor);
      total += one * factor;
    }
    this.site.world.meter.record('dynamodb.write-unit', total, this.labels(table));
  }

  /** ConsumedCapacity by table, if it was asked for. */
  get consumed(): readonly ConsumedCapacity[] | undefined {
    if (this.wanted === 'NONE') return undefined;
    return [...this.tables].map(([table, { read, write, indexes }]) => {
      const sum = read + write + [...indexes.values()].reduce((total, units) => total + units, 0);
      if (this.wanted !== 'INDEXES') return { TableName: table.schema.name, CapacityUnits: sum };
      const kind = (wanted: 'global' | 'local') => {
        const names = table.schema.indexes.filter((index) => index.kind === wanted && indexes.has(index.name)).map(({ name }) => name);
        return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, { CapacityUnits: indexes.get(name) }]));
      };
      return {
        TableName: table.schema.name,
        CapacityUnits: sum,
        Table: { CapacityUnits: read + write },
        GlobalSecondaryIndexes: kind('global'),
        LocalSecondaryIndexes: kind('local'),
      };
    });
  }

  private sums(table: Table) {
    let sums = this.tables.get(table);
    if (sums === undefined) {
      sums = { read: 0, write: 0, indexes: new Map() };
      this.tables.set(table, sums);
    }
    return sums;
  }

  private labels(table: Table) {
    return { table: table.schema.name, account: this.site.account, region: this.site.region };
  }
}

export const sizeOrZero = (item: Item | undefined) => (item === undefined ? 0 : sizeOfItem(item));
