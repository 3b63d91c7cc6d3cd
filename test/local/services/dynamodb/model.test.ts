import { type AttributeValue, GetItemCommand, QueryCommand, TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addNumbers, canonicalNumber, compareNumbers } from '../../../../local/services/dynamodb/decimal.ts';
import { createLab, LEDGER } from './lab.ts';

/** A versioned counter: what the ledger's conditional updates boil down to. */
interface Counter {
  readonly version: number;
  readonly total: number;
  readonly owner?: string;
}

type Guard =
  | { kind: 'new' }
  | { kind: 'version'; version: number }
  | { kind: 'owner'; owner: string }
  | { kind: 'free' }
  | { kind: 'at-most'; total: number };

interface Step {
  readonly id: string;
  readonly guards: readonly Guard[];
  readonly any: boolean;
  readonly negated: boolean;
  readonly add: number;
  readonly owner: string | undefined;
}

const guard: fc.Arbitrary<Guard> = fc.oneof(
  fc.constant({ kind: 'new' as const }),
  fc.record({ kind: fc.constant('version' as const), version: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant('owner' as const), owner: fc.constantFrom('ann', 'bob') }),
  fc.constant({ kind: 'free' as const }),
  fc.record({ kind: fc.constant('at-most' as const), total: fc.integer({ min: -5, max: 10 }) }),
);

const step: fc.Arbitrary<Step> = fc.record({
  id: fc.constantFrom('a', 'b', 'c'),
  guards: fc.array(guard, { minLength: 1, maxLength: 3 }),
  any: fc.boolean(),
  negated: fc.boolean(),
  add: fc.integer({ min: -3, max: 5 }),
  owner: fc.option(fc.constantFrom('ann', 'bob'), { nil: undefined }),
});

/** The naive model. A guard on what is missing does not hold. */
function holds(one: Guard, counter: Counter | undefined): boolean {
  switch (one.kind) {
    case 'new':
      return counter === undefined;
    case 'version':
      return counter?.version === one.version;
    case 'owner':
      return counter?.owner === one.owner;
    case 'free':
      return counter?.owner === undefined;
    case 'at-most':
      return counter !== undefined && counter.total <= one.total;
  }
}

function permits({ guards, any, negated }: Step, counter: Counter | undefined): boolean {
  const result = any ? guards.some((one) => holds(one, counter)) : guards.every((one) => holds(one, counter));
  return result !== negated;
}

function applied({ add, owner }: Step, counter: Counter | undefined): Counter {
  return { version: (counter?.version ?? 0) + 1, total: (counter?.total ?? 0) + add, ...(owner === undefined ? {} : { owner }) };
}

function expression(one: Guard, name: string, values: Record<string, AttributeValue>): string {
  switch (one.kind) {
    case 'new':
      return 'attribute_not_exists(pk)';
    case 'version':
      values[name] = { N: String(one.version) };
      return `version = ${name}`;
    case 'owner':
      values[name] = { S: one.owner };
      return `#owner = ${name}`;
    case 'free':
      return 'attribute_not_exists(#owner)';
    case 'at-most':
      values[name] = { N: String(one.total) };
      return `#total <= ${name}`;
  }
}

/** The same step as DynamoDB's expressions. */
function request({ id, guards, any, negated, add, owner }: Step) {
  const values: Record<string, AttributeValue> = { ':one': { N: '1' }, ':zero': { N: '0' }, ':add': { N: String(add) } };
  const conditions = guards.map((one, index) => expression(one, `:g${index}`, values));
  const joined = conditions.join(any ? ' OR ' : ' AND ');
  if (owner !== undefined) values[':owner'] = { S: owner };
  const change = owner === undefined ? ' REMOVE #owner' : '';
  const set = owner === undefined ? '' : ', #owner = :owner';
  return {
    TableName: 'ledger',
    Key: { pk: { S: 'counter' }, sk: { S: id } },
    UpdateExpression: `SET version = if_not_exists(version, :zero) + :one${set} ADD #total :add${change}`,
    ConditionExpression: negated ? `NOT (${joined})` : joined,
    ExpressionAttributeNames: { '#owner': 'owner', '#total': 'total' },
    ExpressionAttributeValues: values,
  };
}

const asItem = (id: string, { version, total, owner }: Counter) => ({
  pk: { S: 'counter' },
  sk: { S: id },
  version: { N: String(version) },
  total: { N: String(total) },
  ...(owner === undefined ? {} : { owner: { S: owner } }),
});

describe('conditional updates', () => {
  it('do what a naive model does, whatever the history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const lab = createLab();
        lab.table(LEDGER);
        const model = new Map<string, Counter>();
        for (const one of steps) {
          const outcome = await lab.client.send(new UpdateItemCommand(request(one))).then(
            () => true,
            (error: Error) => {
              expect(error.name).toBe('ConditionalCheckFailedException');
              return false;
            },
          );
          expect(outcome).toBe(permits(one, model.get(one.id)));
          if (outcome) model.set(one.id, applied(one, model.get(one.id)));
        }
        const { Items } = await lab.client.send(
          new QueryCommand({
            TableName: 'ledger',
            KeyConditionExpression: 'pk = :p',
            ExpressionAttributeValues: { ':p': { S: 'counter' } },
          }),
        );
        expect(Items).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, counter]) => asItem(id, counter)));
      }),
      { numRuns: 150 },
    );
  });

  it('in transactions happen all or not at all, as in the model', async () => {
    const transaction = fc.uniqueArray(step, { minLength: 1, maxLength: 3, selector: ({ id }) => id });
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { maxLength: 10 }), async (transactions) => {
        const lab = createLab();
        lab.table(LEDGER);
        const model = new Map<string, Counter>();
        for (const steps of transactions) {
          const expected = steps.map((one) => (permits(one, model.get(one.id)) ? 'None' : 'ConditionalCheckFailed'));
          const codes = await lab.client
            .send(new TransactWriteItemsCommand({ TransactItems: steps.map((one) => ({ Update: request(one) })) }))
            .then(
              () => steps.map(() => 'None'),
              (error) => error.CancellationReasons.map(({ Code }: { Code: string }) => Code),
            );
          expect(codes).toEqual(expected);
          if (expected.every((code) => code === 'None')) for (const one of steps) model.set(one.id, applied(one, model.get(one.id)));
        }
        for (const id of ['a', 'b', 'c']) {
          const { Item } = await lab.client.send(new GetItemCommand({ TableName: 'ledger', Key: { pk: { S: 'counter' }, sk: { S: id } } }));
          const counter = model.get(id);
          expect(Item).toEqual(counter === undefined ? undefined : asItem(id, counter));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('numbers', () => {
  /** At most 18 digits on either side of the point, so that sums stay within 38. */
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: 0, max: 18 }));
  const text = ([coefficient, places]: [bigint, number]) => `${coefficient}E-${places}`;
  const scaled = ([coefficient, places]: [bigint, number]) => coefficient * 10n ** BigInt(18 - places);

  it('add, subtract and compare exactly', () => {
    fc.assert(
      fc.property(decimal, decimal, (left, right) => {
        const [a, b] = [canonicalNumber(text(left)), canonicalNumber(text(right))];
        expect(addNumbers(a, b)).toBe(canonicalNumber(`${scaled(left) + scaled(right)}E-18`));
        expect(addNumbers(a, b, -1)).toBe(canonicalNumber(`${scaled(left) - scaled(right)}E-18`));
        expect(Math.sign(compareNumbers(a, b))).toBe(scaled(left) < scaled(right) ? -1 : scaled(left) > scaled(right) ? 1 : 0);
      }),
    );
  });

  it.each([
    ['007', '7'],
    ['-0', '0'],
    ['1.50', '1.5'],
    ['+2', '2'],
    ['1E3', '1000'],
    ['-12.5e-3', '-0.0125'],
    ['.5', '0.5'],
    ['9007199254740993', '9007199254740993'],
    ['12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
  ])('%s is kept as %s', (given, kept) => {
    expect(canonicalNumber(given)).toBe(kept);
  });

  it('differ where doubles do not', () => {
    expect(compareNumbers('9007199254740993', '9007199254740992')).toBe(1);
    expect(compareNumbers('0.1', '0.10000000000000000000001')).toBe(-1);
  });
});
