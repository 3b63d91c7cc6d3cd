import { type AttributeValue, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLab, type Lab, LEDGER } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = createLab();
  lab.table(LEDGER);
});

const key = { pk: { S: 'release' }, sk: { S: '1' } };
const ITEM: Record<string, AttributeValue> = {
  ...key,
  a: { N: '1' },
  b: { N: '2' },
  c: { N: '3' },
  word: { S: 'schleuse' },
  tags: { SS: ['git_1', 'latest'] },
  ports: { NS: ['80', '443'] },
  elements: { L: [{ S: 'x' }, { N: '7' }, { M: { deep: { S: 'y' } } }] },
  doc: { M: { piece: { M: { n: { N: '5' } } }, 'dotted.name': { S: 'd' } } },
  yes: { BOOL: true },
  nothing: { NULL: true },
  bytes: { B: Uint8Array.of(1, 2, 3) },
};

interface Placeholders {
  readonly names?: Record<string, string>;
  readonly values?: Record<string, AttributeValue>;
}

/** Replaces the item by itself on condition. */
async function attempt(condition: string, { names, values }: Placeholders = {}): Promise<string> {
  try {
    await lab.client.send(
      new PutItemCommand({
        TableName: 'ledger',
        Item: ITEM,
        ConditionExpression: condition,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values,
      }),
    );
    return 'holds';
  } catch (error) {
    const { name, message } = error as Error;
    return name === 'ConditionalCheckFailedException' ? 'fails' : `${name}: ${message}`;
  }
}

const N = (n: number) => ({ N: String(n) });
const S = (text: string) => ({ S: text });

describe('a condition on an item', () => {
  beforeEach(() => lab.client.send(new PutItemCommand({ TableName: 'ledger', Item: ITEM })));

  const cases: [condition: string, values: Record<string, AttributeValue>, outcome: string][] = [
    ['a = :v', { ':v': N(1) }, 'holds'],
    ['a = :v', { ':v': { N: '1.0' } }, 'holds'],
    ['a = :v', { ':v': S('1') }, 'fails'],
    ['a <> :v', { ':v': N(1) }, 'fails'],
    ['a < b', {}, 'holds'],
    ['b <= a', {}, 'fails'],
    ['b > a', {}, 'holds'],
    ['a >= b', {}, 'fails'],
    ['a < :v', { ':v': S('9') }, 'fails'],
    ['a BETWEEN :low AND :high', { ':low': N(1), ':high': N(1) }, 'holds'],
    ['b BETWEEN :low AND :high', { ':low': N(3), ':high': N(9) }, 'fails'],
    ['b IN (:x, :y)', { ':x': N(9), ':y': N(2) }, 'holds'],
    ['b IN (:x)', { ':x': N(9) }, 'fails'],
    ['attribute_exists(doc.piece.n)', {}, 'holds'],
    ['attribute_exists(doc.piece.m)', {}, 'fails'],
    ['attribute_not_exists(gone)', {}, 'holds'],
    ['attribute_not_exists(elements[2].deep)', {}, 'fails'],
    ['attribute_not_exists(elements[3])', {}, 'holds'],
    ['attribute_type(tags, :t)', { ':t': S('SS') }, 'holds'],
    ['attribute_type(tags, :t)', { ':t': S('L') }, 'fails'],
    ['begins_with(word, :p)', { ':p': S('schl') }, 'holds'],
    ['begins_with(word, :p)', { ':p': S('leuse') }, 'fails'],
    ['begins_with(a, :p)', { ':p': S('1') }, 'fails'],
    ['begins_with(bytes, :p)', { ':p': { B: Uint8Array.of(1, 2) } }, 'holds'],
    ['contains(word, :p)', { ':p': S('leu') }, 'holds'],
    ['contains(tags, :p)', { ':p': S('latest') }, 'holds'],
    ['contains(tags, :p)', { ':p': S('late') }, 'fails'],
    ['contains(ports, :p)', { ':p': { N: '443.0' } }, 'holds'],
    ['contains(elements, :p)', { ':p': { M: { deep: S('y') } } }, 'holds'],
    ['size(word) = :n', { ':n': N(8) }, 'holds'],
    ['size(elements) > :n', { ':n': N(3) }, 'fails'],
    ['size(bytes) = size(tags)', {}, 'fails'],
    ['size(a) > :n', { ':n': N(0) }, 'fails'],
    ['tags = :set', { ':set': { SS: ['latest', 'git_1'] } }, 'holds'],
    ['elements[1] = :v', { ':v': N(7) }, 'holds'],
    ['yes = :v', { ':v': { BOOL: true } }, 'holds'],
    ['nothing = :v', { ':v': { NULL: true } }, 'holds'],
    ['doc.piece = :v', { ':v': { M: { n: N(5) } } }, 'holds'],
    ['gone = :v', { ':v': N(1) }, 'fails'],
    ['gone < :v', { ':v': N(1) }, 'fails'],
    ['gone <> :v', { ':v': N(1) }, 'holds'],
    ['NOT gone = :v', { ':v': N(1) }, 'holds'],
    ['(a) = :v', { ':v': N(1) }, 'holds'],
  ];
  it.each(cases)('%s with %o %s', async (condition, values, outcome) => {
    expect(await attempt(condition, { values: Object.keys(values).length === 0 ? undefined : values })).toBe(outcome);
  });

  it('reads a name with a dot through a placeholder only', async () => {
    expect(await attempt('doc.#n = :v', { names: { '#n': 'dotted.name' }, values: { ':v': S('d') } })).toBe('holds');
    expect(await attempt('#n = :v', { names: { '#n': 'doc.piece' }, values: { ':v': S('d') } })).toBe('fails');
  });
});

describe('precedence', () => {
  beforeEach(() => lab.client.send(new PutItemCommand({ TableName: 'ledger', Item: ITEM })));
  const values = { ':1': N(1), ':2': N(2), ':9': N(9) };

  it('AND binds tighter than OR, on either side', async () => {
    expect(await attempt('a = :1 OR b = :9 AND c = :9', { values: { ':1': N(1), ':9': N(9) } })).toBe('holds');
    expect(await attempt('(a = :1 OR b = :9) AND c = :9', { values: { ':1': N(1), ':9': N(9) } })).toBe('fails');
    expect(await attempt('c = :9 AND b = :9 OR a = :1', { values: { ':1': N(1), ':9': N(9) } })).toBe('holds');
    expect(await attempt('c = :9 AND (b = :9 OR a = :1)', { values: { ':1': N(1), ':9': N(9) } })).toBe('fails');
  });

  it('NOT binds tighter than AND and OR', async () => {
    expect(await attempt('NOT a = :9 AND b = :2', { values: { ':9': N(9), ':2': N(2) } })).toBe('holds');
    expect(await attempt('NOT a = :1 AND b = :9', { values: { ':9': N(9), ':1': N(1) } })).toBe('fails');
    expect(await attempt('NOT (a = :1 AND b = :9)', { values: { ':9': N(9), ':1': N(1) } })).toBe('holds');
    expect(await attempt('NOT a = :1 OR b = :2', { values: { ':2': N(2), ':1': N(1) } })).toBe('holds');
    expect(await attempt('NOT (a = :1 OR b = :2)', { values: { ':2': N(2), ':1': N(1) } })).toBe('fails');
  });

  it("BETWEEN's AND is not the operator", async () => {
    expect(await attempt('a BETWEEN :1 AND :2 AND b = :9', { values })).toBe('fails');
    expect(await attempt('a BETWEEN :1 AND :2 OR b = :9', { values })).toBe('holds');
  });

  it('keywords are of any case, functions are not', async () => {
    expect(await attempt('a between :1 and :2 or not b in (:9)', { values })).toBe('holds');
    expect(await attempt('SIZE(word) = :9', { values: { ':9': N(9) } })).toBe(
      'ValidationException: Invalid ConditionExpression: Invalid function name; function: SIZE',
    );
  });
});

describe('an expression that is wrong', () => {
  const refusal = (detail: string) => `ValidationException: Invalid ConditionExpression: ${detail}`;

  const cases: [condition: string, placeholders: Placeholders, message: string][] = [
    ['', {}, refusal('The expression can not be empty;')],
    ['a = = :v', { values: { ':v': N(1) } }, refusal('Syntax error; token: "=", near: "= = :v"')],
    ['a', {}, refusal('Syntax error; token: "<EOF>", near: "a"')],
    ['a = :v b', { values: { ':v': N(1) } }, refusal('Syntax error; token: "b", near: ":v b"')],
    ['a ! :v', { values: { ':v': N(1) } }, refusal('Syntax error; token: "!", near: "a ! :v"')],
    ['_a = :v', { values: { ':v': N(1) } }, refusal('Syntax error; token: "_a", near: "_a ="')],
    ['status = :v', { values: { ':v': N(1) } }, refusal('Attribute name is a reserved keyword; reserved keyword: status')],
    ['a.Name = :v', { values: { ':v': N(1) } }, refusal('Attribute name is a reserved keyword; reserved keyword: Name')],
    [
      '#s = :v',
      { values: { ':v': N(1) } },
      refusal('An expression attribute name used in the document path is not defined; attribute name: #s'),
    ],
    ['a = :v', { values: { ':w': N(1) } }, refusal('An expression attribute value used in expression is not defined; attribute value: :v')],
    ['((a = :v))', { values: { ':v': N(1) } }, refusal('The expression has redundant parentheses;')],
    ['size(a)', {}, refusal('The function is not allowed to be used this way in an expression; function: size')],
    [
      'list_append(a, :v)',
      { values: { ':v': N(1) } },
      refusal('The function is not allowed in a condition expression; function: list_append'),
    ],
    [
      'begins_with(a)',
      {},
      refusal('Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1'),
    ],
    [
      'begins_with(a, :v)',
      { values: { ':v': N(1) } },
      refusal('Incorrect operand type for operator or function; operator or function: begins_with, operand type: N'),
    ],
    [
      'attribute_exists(:v)',
      { values: { ':v': N(1) } },
      refusal('Operator or function requires a document path; operator or function: attribute_exists'),
    ],
    [
      'attribute_type(a, :v)',
      { values: { ':v': S('X') } },
      refusal('Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}'),
    ],
    [
      'a = a',
      {},
      refusal(
        'The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]',
      ),
    ],
    [
      'a BETWEEN :v AND :w',
      { values: { ':v': N(2), ':w': N(1) } },
      refusal(
        'The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}',
      ),
    ],
    [
      'attribute_exists(a)',
      { names: { '#s': 'status', '#t': 'type' } },
      'ValidationException: Value provided in ExpressionAttributeNames unused in expressions: keys: {#s, #t}',
    ],
    [
      'attribute_exists(a)',
      { values: { ':v': N(1) } },
      'ValidationException: Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}',
    ],
    ['attribute_exists(a)', { names: {} }, 'ValidationException: ExpressionAttributeNames must not be empty'],
    ['attribute_exists(a)', { values: {} }, 'ValidationException: ExpressionAttributeValues must not be empty'],
    [
      'attribute_exists(a)',
      { names: { s: 'status' } },
      'ValidationException: ExpressionAttributeNames contains invalid key: Syntax error; key: "s"',
    ],
    [
      'a = :v',
      { values: { ':v': { SS: [] } } },
      'ValidationException: ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :v',
    ],
  ];
  it.each(cases)('%s with %o is refused: %s', async (condition, placeholders, message) => {
    expect(await attempt(condition, placeholders)).toBe(message);
  });

  it('is refused before any condition is looked at, so that a wrong expression never looks like a lost race', async () => {
    expect(await attempt('attribute_not_exists(pk) AND nonsense')).toMatch(/^ValidationException/);
  });
});
