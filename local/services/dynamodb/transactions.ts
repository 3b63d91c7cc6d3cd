/** TransactWriteItems: all of its writes or none, and the same token means the same transaction. */
import type { TransactWriteItem, TransactWriteItemsInput } from '@aws-sdk/client-dynamodb';
import { ServiceError } from '../../core/service.ts';
import { type Item, invalid } from './attribute.ts';
import type { Table } from './table.ts';
import { type Change, checkWrite, commit, deleteWrite, evaluate, putWrite, updateWrite, type Write } from './writes.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
const MOST_ITEMS = 100;
const TOKEN_LIFE = 10 * 60_000;

interface Reason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: Item;
}

/** What a token stood for. */
interface Done {
  readonly time: number;
  readonly request: string;
}

export class Transactions {
  private readonly done = new Map<string, Done>();

  /**
   * @param find the table of a name. @throws ServiceError where there is none
   * @returns what was changed; empty for a repetition
   * @throws ServiceError TransactionCanceledException, ValidationException, IdempotentParameterMismatchException
   */
  write(input: TransactWriteItemsInput, now: number, find: (name: string | undefined) => Table): readonly Change[] {
    const items = input.TransactItems ?? [];
    if (items.length === 0 || items.length > MOST_ITEMS)
      throw invalid(
        `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length ${items.length === 0 ? 'greater than or equal to 1' : 'less than or equal to 100'}`,
      );
    const writes = items.map((item) => readWrite(item, find));
    const targets = new Set(writes.map(({ table, id }) => `${table.arn}/${id}`));
    if (targets.size < writes.length) throw invalid('Transaction request cannot include multiple operations on one item');
    if (this.repeats(input, now)) return [];
    const changes = evaluateAll(writes);
    for (const change of changes) commit(change);
    const token = input.ClientRequestToken;
    if (token !== undefined) this.done.set(token, { time: now, request: JSON.stringify(items, canonical) });
    return changes;
  }

  private repeats(input: TransactWriteItemsInput, now: number): boolean {
    for (const [token, { time }] of this.done) {
      if (now - time < TOKEN_LIFE) break;
      this.done.delete(token);
    }
    const earlier = input.ClientRequestToken === undefined ? undefined : this.done.get(input.ClientRequestToken);
    if (earlier === undefined) return false;
    if (earlier.request !== JSON.stringify(input.TransactItems, canonical))
      throw new ServiceError(
        'IdempotentParameterMismatchException',
        'The request uses the same client token as a previous, but non-identical request.',
      );
    return true;
  }
}

/** The same text for the same request, in whatever order its members were written. */
function canonical(_name: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readWrite(item: TransactWriteItem, find: (name: string | undefined) => Table): Write {
  const given = Object.values(item).filter((one) => one !== undefined);
  if (given.length !== 1) throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
  if (item.Put !== undefined) return putWrite(find(item.Put.TableName), item.Put);
  if (item.Delete !== undefined) return deleteWrite(find(item.Delete.TableName), item.Delete);
  if (item.ConditionCheck !== undefined) return checkWrite(find(item.ConditionCheck.TableName), item.ConditionCheck);
  return updateWrite(find(item.Update!.TableName), item.Update!);
}

/** All changes, or the exception with one reason for each write. */
function evaluateAll(writes: readonly Write[]): readonly Change[] {
  const outcomes = writes.map((write): Change | Reason => {
    try {
      return evaluate(write);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.code === 'ConditionalCheckFailedException')
        return { Code: 'ConditionalCheckFailed', Message: error.message, ...(error.fields as { Item?: Item }) };
      return { Code: 'ValidationError', Message: error.message };
    }
  });
  if (outcomes.every((outcome) => 'write' in outcome)) return outcomes;
  throw cancelled(outcomes.map((outcome) => ('write' in outcome ? { Code: 'None' } : outcome)));
}

/** Code relies on this message's form: the codes in the order of the items. */
export function cancelled(reasons: readonly Reason[]): ServiceError {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return new ServiceError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    400,
    { CancellationReasons: reasons },
  );
}
