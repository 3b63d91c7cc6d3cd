/** Several items of a table, each put by itself and without a condition, in one call. Apart from `table.ts`, as few functions need it. */
import { BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { type Key, marshalled, pause, type Table } from './table.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const WRITES_PER_CALL = 25;

export async function putMany({ client, name }: Pick<Table, 'client' | 'name'>, items: readonly (Key & object)[]): Promise<void> {
  let left = items.map((item): WriteRequest => ({ PutRequest: { Item: marshalled(item) } }));
  for (let attempt = 1; left.length > 0; attempt++) {
    const some = left.slice(0, WRITES_PER_CALL);
    const { UnprocessedItems = {} } = await client.send(new BatchWriteItemCommand({ RequestItems: { [name]: some } }));
    const again = UnprocessedItems[name] ?? [];
    left = [...again, ...left.slice(WRITES_PER_CALL)];
    // What is not processed is throttled, and comes back without an error.
    if (again.length > 0) await pause(attempt);
  }
}
