/** How a write is refused that meets a transaction which is under way for the same item. */
import type { TransactWriteItemsInput } from '@aws-sdk/client-dynamodb';
import { ServiceError } from '../../core/service.ts';
import { cancelled } from './transactions.ts';

const MESSAGE = 'Transaction is ongoing for the item';

/**
 * A single write is refused as such; a transaction is cancelled, and its reasons name the item, here the first.
 * The SDK tries neither again.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
 */
export function conflict(operation: string, input: object): ServiceError {
  if (operation !== 'TransactWriteItems') return new ServiceError('TransactionConflictException', MESSAGE);
  const { TransactItems = [] } = input as TransactWriteItemsInput;
  return cancelled(TransactItems.map((_, index) => (index === 0 ? { Code: 'TransactionConflict', Message: MESSAGE } : { Code: 'None' })));
}
