/** `npm run bench:calls`: every AWS call of one release through four environments, in order, with who makes it and on what. */
import type { ObservedCall } from '../local/core/faults.ts';
import { Bench } from './release.ts';

type Attribute = Readonly<Record<string, string>>;
type Keyed = { readonly Key?: Record<string, Attribute>; readonly Item?: Record<string, Attribute> };

/** Partition and sort key, shortened as far as they can be told apart. */
function keyOf({ Key, Item }: Keyed): string {
  const { pk, sk } = Key ?? Item ?? {};
  return `${pk?.S} / ${sk?.S}`.replaceAll(/[0-9a-f]{24,}/g, (hex) => `${hex.slice(0, 6)}…`);
}

/** What a call is about: the items of the tables; of other services the operation says it. */
function subjectOf({ service, input }: ObservedCall): string {
  if (service !== 'dynamodb') return '';
  const { TransactItems, ExpressionAttributeValues, ...single } = input as Keyed & {
    readonly TransactItems?: readonly Record<string, Keyed>[];
    readonly ExpressionAttributeValues?: Record<string, Attribute>;
  };
  if (TransactItems) return TransactItems.flatMap((one) => Object.entries(one).map(([verb, item]) => `${verb} ${keyOf(item)}`)).join(' + ');
  if (single.Key ?? single.Item) return keyOf(single);
  return Object.values(ExpressionAttributeValues ?? {})
    .map(({ S }) => S)
    .join(' / ');
}

const bench = await Bench.open();
try {
  // The first one makes what stays: connections, roles, queues.
  await bench.release(5, 0);
  const calls = await bench.calls();
  let invocation: string | undefined;
  const totals = new Map<string, number>();
  for (const call of calls) {
    if (call.invocation !== invocation) process.stdout.write('\n');
    invocation = call.invocation;
    const caller = call.caller.replace(/^bench-(lambda-)?/, '');
    process.stdout.write(`${caller}  ${call.service}:${call.operation}  ${subjectOf(call)}\n`);
    const name = `${caller}  ${call.service}:${call.operation}`;
    totals.set(name, (totals.get(name) ?? 0) + 1);
  }
  process.stdout.write('\n');
  for (const [name, count] of [...totals].toSorted()) process.stdout.write(`${String(count).padStart(4)}  ${name}\n`);
  process.stdout.write(`${String(calls.length).padStart(4)}  together\n`);
} finally {
  await bench.close();
}
