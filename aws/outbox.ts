/** Answers to waiting steps: written down before they are sent, so that a crash between the two loses none. */
import { createHash } from 'node:crypto';
import type { Answer, StepFunctions } from './step-functions.ts';
import { type Key, OPEN, type Table, type Write } from './table.ts';

/** An answer that was written down and, unless a crash came between, is sent a moment later. */
export interface OutboxItem {
  readonly token: string;
  readonly answer: Answer;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

const keyOf = (token: string): Key => ({ pk: `OUTBOX#${createHash('sha256').update(token).digest('hex').slice(0, 32)}`, sk: 'ANSWER' });

export class Outbox {
  private readonly table: Table;
  private readonly workflows: StepFunctions;

  constructor(table: Table, workflows: StepFunctions) {
    this.table = table;
    this.workflows = workflows;
  }

  /** The write that puts an answer into the outbox, to go into the transaction of what it follows from. */
  write(token: string, answer: Answer, now: number): Write {
    return { key: keyOf(token), item: { token, answer, writtenAt: now, gpk: OPEN, gsk: `OUTBOX#${new Date(now).toISOString()}` } };
  }

  /** Sends an answer that is in the outbox and takes it out. @returns false if nobody waited any more */
  async send(token: string, answer: Answer): Promise<boolean> {
    const heard = await this.workflows.answer(token, answer);
    await this.table.delete(keyOf(token));
    return heard;
  }

  /** Sends an answer that follows from what stands in the ledger, from where it can be sent again. @returns false if nobody waited any more */
  tell(token: string, answer: Answer): Promise<boolean> {
    return this.workflows.answer(token, answer);
  }

  /** Writes, sends and takes out an answer that follows from nothing that needs a transaction. */
  async answer(token: string, answer: Answer, now: number): Promise<boolean> {
    const { key, item } = this.write(token, answer, now);
    await this.table.put(key, item ?? {});
    return this.send(token, answer);
  }
}
