/** The ledger's evidence of migrations: one run at a time for a database, and who waits for its end. */
import type { MigrationRecord, MigrationWaiter } from '../domain/database/migration.ts';
import { has, isAbsent, type Key, type Table } from './table.ts';

const keys = {
  run: ({ database, digest, releaseRun }: Pick<MigrationRecord, 'database' | 'digest' | 'releaseRun'>): Key => ({
    pk: `DATABASE#${database}`,
    sk: `MIGRATION#${digest}#${releaseRun}`,
  }),
  /** There while one runs: no second one of the same database begins. */
  busy: (database: string): Key => ({ pk: `DATABASE#${database}`, sk: 'BUSY' }),
  waiter: (database: string, promotion: string): Key => ({ pk: `DATABASE#${database}`, sk: `WAITER#${promotion}` }),
};

type RunKey = Pick<MigrationRecord, 'database' | 'digest' | 'releaseRun'>;

export class Migrations {
  private readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  /** Every run of a digest on a database: the evidence. */
  runs(database: string, digest: string): Promise<MigrationRecord[]> {
    return this.table.query<MigrationRecord>(`DATABASE#${database}`, `MIGRATION#${digest}#`);
  }

  /** The run that a database is busy with. */
  async holder(database: string): Promise<MigrationRecord | undefined> {
    const busy = await this.table.get<RunKey>(keys.busy(database));
    return busy && this.table.get(keys.run(busy));
  }

  /** Writes a run down before it begins. @returns false if the database is busy, or this run has migrated it before */
  begin(record: MigrationRecord): Promise<boolean> {
    const { database, digest, releaseRun } = record;
    return this.table.transact([
      { key: keys.busy(database), item: { database, digest, releaseRun }, when: isAbsent },
      { key: keys.run(record), item: record, when: isAbsent },
    ]);
  }

  /** What a run is known by in ECS, or why it is being stopped. @returns false if it has ended */
  note(record: MigrationRecord, fields: Partial<Pick<MigrationRecord, 'taskArn' | 'reason'>>): Promise<boolean> {
    return this.table.set(keys.run(record), fields, has({ state: 'running' }));
  }

  /** Ends a run and frees its database, both or neither. @returns false if somebody else was faster */
  end(record: MigrationRecord, fields: Partial<MigrationRecord> & Pick<MigrationRecord, 'state' | 'endedAt'>): Promise<boolean> {
    const { database, digest, releaseRun } = record;
    return this.table.transact([
      { key: keys.run(record), set: fields, when: has({ state: 'running' }) },
      { key: keys.busy(database), when: has({ digest, releaseRun }) },
    ]);
  }

  async park(waiter: MigrationWaiter): Promise<void> {
    for (const database of waiter.among) await this.table.put(keys.waiter(database, waiter.promotion), waiter);
  }

  async unpark(waiter: MigrationWaiter): Promise<void> {
    for (const database of waiter.among) await this.table.delete(keys.waiter(database, waiter.promotion));
  }

  waiters(database: string): Promise<MigrationWaiter[]> {
    return this.table.query<MigrationWaiter>(`DATABASE#${database}`, 'WAITER#');
  }
}
