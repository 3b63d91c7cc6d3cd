/** What the operations of Step Functions have in common: permissions on machines, pages of lists. */
import { type Call, type Operation, type Permission, ServiceError } from '../../core/service.ts';
import { machineParts } from './arn.ts';

/** A page of a list; the token is where the next one begins. @throws ServiceError InvalidToken */
export function page<Item>(
  items: readonly Item[],
  token: string | undefined,
  size: number | undefined,
  most = 1000,
  usual = 100,
): { readonly items: Item[]; readonly next: { nextToken?: string } } {
  const from = token === undefined ? 0 : Number(Buffer.from(token, 'base64').toString());
  if (!Number.isInteger(from)) throw new ServiceError('InvalidToken', `Invalid Token: 'Invalid token'`);
  const to = from + Math.min(size === undefined || size === 0 ? usual : size, most);
  return { items: items.slice(from, to), next: to < items.length ? { nextToken: Buffer.from(String(to)).toString('base64') } : {} };
}

/** One entry of a table of operations. */
export const operation = <Input extends object, Output>(
  authorize: (input: Input) => readonly Permission[],
  handle: (input: Input, call: Call) => Output | Promise<Output>,
): Operation => ({ authorize, handle });
/** IAM knows machines without version and alias; those are a condition key. */
export const onMachine =
  <Input>(action: string, arn: (input: Input) => string | undefined) =>
  (input: Input): Permission[] => {
    const { machine: resource, qualifier } = machineParts(arn(input) ?? '');
    const qualified = ['StartExecution', 'StartSyncExecution', 'DescribeStateMachine', 'ListExecutions'].includes(action);
    return [
      {
        action: `states:${action}`,
        resource,
        ...(qualifier !== undefined && qualified ? { context: { 'states:StateMachineQualifier': qualifier } } : {}),
      },
    ];
  };
