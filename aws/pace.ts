/** Slots for calls that AWS lets an account make only so often: whoever would be throttled knows beforehand when to come. */
import type { Table } from './table.ts';

export class Pace {
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  /**
   * Reserves `count` slots of a bucket that refills at one a second and holds `burst`: one conditional update where nobody has
   * reserved for a while, two otherwise. `tat` is when the bucket would be empty of debts.
   * @param now milliseconds since the epoch
   * @returns when the last of them may be used, in milliseconds since the epoch; `now` or earlier is at once
   */
  async reserve(bucket: string, count: number, burst: number, now: number): Promise<number> {
    const key = { pk: 'PACE', sk: bucket };
    const seconds = Math.ceil(now / 1000);
    const floor = seconds - burst;
    for (;;) {
      const taken =
        (await this.table.update<{ tat: number }>(key, 'SET tat = :start', {
          expression: 'attribute_not_exists(tat) OR tat < :floor',
          values: { ':start': floor + count, ':floor': floor },
        })) ??
        (await this.table.update<{ tat: number }>(key, 'SET tat = tat + :n', {
          expression: 'tat >= :floor',
          values: { ':n': count, ':floor': floor },
        }));
      if (taken) return taken.tat <= seconds ? now : taken.tat * 1000;
    }
  }
}
