import { type AttributeValue, GetItemCommand, PutItemCommand, type ReturnValue, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLab, type Lab, LEDGER } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = createLab();
  lab.table(LEDGER);
});

const key = { pk: { S: 'release' }, sk: { S: '1' } };
const N = (n: number | string) => ({ N: String(n) });
const S = (text: string) => ({ S: text });
const put = (item: Record<string, AttributeValue>) =>
  lab.client.send(new PutItemCommand({ TableName: 'ledger', Item: { ...key, ...item } }));

interface Options {
  readonly values?: Record<string, AttributeValue>;
  readonly names?: Record<string, string>;
  readonly condition?: string;
  readonly returns?: ReturnValue;
}

const update = (expression: string | undefined, { values, names, condition, returns }: Options = {}) =>
  lab.client.send(
    new UpdateItemCommand({
      TableName: 'ledger',
      Key: key,
      UpdateExpression: expression,
      ConditionExpression: condition,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
      ReturnValues: returns,
    }),
  );

/** The item's attributes without its key. */
async function stored(): Promise<Record<string, AttributeValue> | undefined> {
  const { Item } = await lab.client.send(new GetItemCommand({ TableName: 'ledger', Key: key, ConsistentRead: true }));
  if (Item === undefined) return undefined;
  const { pk: _pk, sk: _sk, ...rest } = Item;
  return rest;
}

describe('an update', () => {
  const cases: [before: Record<string, AttributeValue>, expression: string, values: Record<string, AttributeValue>, after: object][] = [
    [{}, 'SET a = :v', { ':v': S('x') }, { a: S('x') }],
    [{ a: N(1), b: N(2) }, 'SET a = b, b = a', {}, { a: N(2), b: N(1) }],
    [{ a: N(40) }, 'SET a = a + :v', { ':v': N(2) }, { a: N(42) }],
    [{ a: N('0.1') }, 'SET a = a + :v', { ':v': N('0.2') }, { a: N('0.3') }],
    [
      { a: N('99999999999999999999999999999999999998') },
      'SET a = a + :v',
      { ':v': N(1) },
      { a: N('99999999999999999999999999999999999999') },
    ],
    [{ a: N(1) }, 'SET a = a - :v', { ':v': N('1.5') }, { a: N('-0.5') }],
    [{ a: N(1) }, 'SET a = a - (a - :v)', { ':v': N(5) }, { a: N(5) }],
    [{}, 'SET a = if_not_exists(a, :v) + :w', { ':v': N(10), ':w': N(1) }, { a: N(11) }],
    [{ a: N(3) }, 'SET a = if_not_exists(a, :v) + :w', { ':v': N(10), ':w': N(1) }, { a: N(4) }],
    [{ l: { L: [S('a')] } }, 'SET l = list_append(l, :v)', { ':v': { L: [S('b')] } }, { l: { L: [S('a'), S('b')] } }],
    [{ l: { L: [S('a')] } }, 'SET l = list_append(:v, l)', { ':v': { L: [S('b')] } }, { l: { L: [S('b'), S('a')] } }],
    [{}, 'SET l = list_append(if_not_exists(l, :e), :v)', { ':v': { L: [S('b')] }, ':e': { L: [] } }, { l: { L: [S('b')] } }],
    [{ l: { L: [S('a')] } }, 'SET l[9] = :y, l[5] = :x', { ':x': S('x'), ':y': S('y') }, { l: { L: [S('a'), S('x'), S('y')] } }],
    [{ m: { M: { x: N(1) } } }, 'SET m.y = :v, m.x = m.x + :v', { ':v': N(1) }, { m: { M: { x: N(2), y: N(1) } } }],
    [{ l: { L: [{ M: {} }] } }, 'SET l[0].a = :v', { ':v': N(1) }, { l: { L: [{ M: { a: N(1) } }] } }],
    [{ a: N(1), b: N(1) }, 'REMOVE a, gone', {}, { b: N(1) }],
    [{ l: { L: [S('a'), S('b'), S('c'), S('d')] } }, 'REMOVE l[0], l[2]', {}, { l: { L: [S('b'), S('d')] } }],
    [{ m: { M: { x: N(1), y: N(2) } } }, 'REMOVE m.x', {}, { m: { M: { y: N(2) } } }],
    [{ a: N(1) }, 'ADD a :v, b :v', { ':v': N(5) }, { a: N(6), b: N(5) }],
    [{ s: { SS: ['a'] } }, 'ADD s :v', { ':v': { SS: ['a', 'b'] } }, { s: { SS: ['a', 'b'] } }],
    [{ s: { NS: ['1', '2'] } }, 'DELETE s :v', { ':v': { NS: ['2.0', '3'] } }, { s: { NS: ['1'] } }],
    [{ s: { SS: ['a'] } }, 'DELETE s :v', { ':v': { SS: ['a'] } }, {}],
    [{}, 'DELETE s :v', { ':v': { SS: ['a'] } }, {}],
    [
      { a: N(1), b: N(1), s: { SS: ['x', 'y'] } },
      'set a = :n remove b add n :n delete s :s',
      { ':n': N(7), ':s': { SS: ['x'] } },
      { a: N(7), n: N(7), s: { SS: ['y'] } },
    ],
  ];
  it.each(cases)('turns %o by %s with %o into %o', async (before, expression, values, after) => {
    await put(before);
    await update(expression, { values: Object.keys(values).length === 0 ? undefined : values });
    expect(await stored()).toEqual(after);
  });

  it('makes the item where there is none, even without an expression', async () => {
    await update(undefined);
    expect(await stored()).toEqual({});
    await lab.client.send(new UpdateItemCommand({ TableName: 'ledger', Key: { ...key, sk: S('2') }, UpdateExpression: 'REMOVE a' }));
    const { Item } = await lab.client.send(new GetItemCommand({ TableName: 'ledger', Key: { ...key, sk: S('2') } }));
    expect(Item).toEqual({ ...key, sk: S('2') });
  });

  it('whose condition fails changes nothing', async () => {
    await put({ a: N(1) });
    await expect(update('SET a = :v', { values: { ':v': N(2), ':w': N(9) }, condition: 'a = :w' })).rejects.toThrow(
      'The conditional request failed',
    );
    expect(await stored()).toEqual({ a: N(1) });
  });

  it('returns what ReturnValues asks for', async () => {
    const before = { a: N(1), m: { M: { x: N(1), y: N(2) } }, z: S('z') };
    const after = { a: N(2), m: { M: { x: N(9), y: N(2) } }, z: S('z') };
    const returned: Record<string, unknown> = {};
    for (const returns of ['NONE', 'ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATED_NEW'] as const) {
      await put(before);
      const { Attributes } = await update('SET a = :a, m.x = :x', { values: { ':a': N(2), ':x': N(9) }, returns });
      returned[returns] = Attributes;
    }
    expect(returned).toEqual({
      NONE: undefined,
      ALL_OLD: { ...key, ...before },
      UPDATED_OLD: { a: N(1), m: { M: { x: N(1) } } },
      ALL_NEW: { ...key, ...after },
      UPDATED_NEW: { a: N(2), m: { M: { x: N(9) } } },
    });
  });
});

describe('a wrong update is refused', () => {
  const invalid = (detail: string) => `Invalid UpdateExpression: ${detail}`;
  const cases: [expression: string, values: Record<string, AttributeValue> | undefined, message: string][] = [
    ['', undefined, invalid('The expression can not be empty;')],
    ['SET a = :v SET b = :v', { ':v': N(1) }, invalid('The "SET" section can only be used once in an update expression;')],
    ['SET a = :v,', { ':v': N(1) }, invalid('Syntax error; token: "<EOF>", near: ","')],
    ['SET a = size(b)', undefined, invalid('The function is not allowed in an update expression; function: size')],
    ['SET a = foo(b)', undefined, invalid('Invalid function name; function: foo')],
    [
      'SET a = :v, a.b = :v',
      { ':v': N(1) },
      invalid('Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]'),
    ],
    [
      'SET a[0] = :v, a.b = :v',
      { ':v': N(1) },
      invalid(
        'Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]',
      ),
    ],
    [
      'SET a = b + :v',
      { ':v': S('1') },
      invalid('Incorrect operand type for operator or function; operator or function: +, operand type: S'),
    ],
    [
      'ADD a :v',
      { ':v': S('1') },
      invalid('Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND'),
    ],
    [
      'SET pk = :v',
      { ':v': S('1') },
      'One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key',
    ],
    ['SET a = gone', undefined, 'The provided expression refers to an attribute that does not exist in the item'],
    ['SET a = gone + :v', { ':v': N(1) }, 'The provided expression refers to an attribute that does not exist in the item'],
    ['SET a = word + :v', { ':v': N(1) }, 'An operand in the update expression has an incorrect data type'],
    ['ADD word :v', { ':v': N(1) }, 'An operand in the update expression has an incorrect data type'],
    ['SET gone.a = :v', { ':v': N(1) }, 'The document path provided in the update expression is invalid for update'],
    ['REMOVE gone.a', undefined, 'The document path provided in the update expression is invalid for update'],
    ['SET #s = :v', { ':v': N(1) }, 'The update expression attempted to update the secondary index key to unsupported type'],
    ['SET a = :v', undefined, invalid('An expression attribute value used in expression is not defined; attribute value: :v')],
    ['SET big = :v', { ':v': S('x'.repeat(410_000)) }, 'Item size to update has exceeded the maximum allowed size'],
    [
      'SET n = word2 - :v',
      { ':v': N('1E125') },
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    ],
    ['SET n = one + :v', { ':v': N('1E-100') }, 'Attempting to store more than 38 significant digits in a Number'],
  ];
  it.each(cases)('%s: %#', async (expression, values, message) => {
    const before = { word: S('x'), one: N(1), word2: N('-9.9E125') };
    await put(before);
    const names = expression.includes('#s') ? { '#s': 'status' } : undefined;
    await expect(update(expression, { values, names })).rejects.toThrow(expect.objectContaining({ name: 'ValidationException', message }));
    expect(await stored()).toEqual({ word: S('x'), one: N(1), word2: N(`-99${'0'.repeat(124)}`) });
  });

  it('without an expression that its values could belong to', async () => {
    await expect(update(undefined, { values: { ':v': N(1) } })).rejects.toThrow(
      'ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null',
    );
  });
});
