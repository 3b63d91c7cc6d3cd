import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/asl/data.ts';
import { StateError } from '../../../local/asl/error.ts';
import { parseExpression } from '../../../local/asl/jsonpath/expression.ts';
import { find, NothingFound } from '../../../local/asl/jsonpath/path.ts';
import { parsePath } from '../../../local/asl/jsonpath/reader.ts';
import { lintDefinition } from '../../../local/asl/lint.ts';
import { begin, machine, run } from './machines.ts';

const store: Json = {
  store: {
    book: [
      { category: 'reference', author: 'Nigel Rees', price: 8.95 },
      { category: 'fiction', author: 'Evelyn Waugh', price: 12.99, isbn: null },
      { category: 'fiction', author: 'J. R. R. Tolkien', price: 22.99, isbn: '0-395' },
    ],
    bicycle: { color: 'red', price: 19.95 },
    'two words': 2,
  },
  limit: 10,
};

const at = (path: string, root: Json = store) => find(parsePath(path)!, root);
const missing = (path: string, root: Json = store): string => {
  try {
    return `found ${JSON.stringify(at(path, root))}`;
  } catch (error) {
    if (!(error instanceof NothingFound)) throw error;
    return error.message;
  }
};

describe('a path', () => {
  it('to one place gives what is there', () => {
    expect(at('$')).toBe(store);
    expect(at('$.store.bicycle.color')).toBe('red');
    expect(at("$['store']['two words']")).toBe(2);
    expect(at('$.store["bicycle"].color')).toBe('red');
    expect(at('$.store.book[0].author')).toBe('Nigel Rees');
    expect(at('$.store.book[-1].author')).toBe('J. R. R. Tolkien');
    expect(at('$.store.book[1].isbn')).toBeNull();
    expect(at("$.store.bicycle['color','price']")).toEqual({ color: 'red', price: 19.95 });
  });

  it('to several places gives the list of them, be it empty', () => {
    expect(at('$.store.book[*].price')).toEqual([8.95, 12.99, 22.99]);
    expect(at('$..author')).toEqual(['Nigel Rees', 'Evelyn Waugh', 'J. R. R. Tolkien']);
    expect(at('$.store..price')).toEqual([8.95, 12.99, 22.99, 19.95]);
    expect(at('$.store.book[0,2].price')).toEqual([8.95, 22.99]);
    expect(at('$.store.book[:2].price')).toEqual([8.95, 12.99]);
    expect(at('$.store.book[1:].price')).toEqual([12.99, 22.99]);
    expect(at('$.store.book[-2:].price')).toEqual([12.99, 22.99]);
    expect(at('$.store.bicycle.*')).toEqual(['red', 19.95]);
    expect(at('$..nothing')).toEqual([]);
    expect(at('$.store.book[*].publisher')).toEqual([]);
    expect(at('$.store.book[5:]')).toEqual([]);
  });

  it('with a filter gives what fits', () => {
    const prices = (filter: string) => at(`$.store.book[?(${filter})].price`);
    expect(prices('@.price < 10')).toEqual([8.95]);
    expect(prices("@.category == 'fiction' && @.price > 13")).toEqual([22.99]);
    expect(prices("@.category == 'reference' || @.price > 20")).toEqual([8.95, 22.99]);
    expect(prices('@.isbn')).toEqual([12.99, 22.99]);
    expect(prices('!@.isbn')).toEqual([8.95]);
    expect(prices('@.isbn == null')).toEqual([12.99]);
    expect(prices('@.price <= $.limit')).toEqual([8.95]);
    expect(prices('@.author =~ /.*REES/i')).toEqual([8.95]);
    expect(prices("@.category in ['fiction', 'poetry']")).toEqual([12.99, 22.99]);
    expect(prices("@.category nin ['fiction']")).toEqual([8.95]);
    expect(prices("!(@.category == 'fiction')")).toEqual([8.95]);
    expect(prices("@['price'] != 8.95")).toEqual([12.99, 22.99]);
    // Numbers and texts have no order between them.
    expect(prices("@.price > '1'")).toEqual([]);
  });

  it('that leads nowhere says so in the words of AWS’s reader', () => {
    expect(missing('$.nothing')).toBe("No results for path: $['nothing']");
    expect(missing('$.nothing.at.all')).toBe("Missing property in path $['nothing']");
    expect(missing('$.store.book[7]')).toBe("No results for path: $['store']['book'][7]");
    expect(missing('$.limit[0]')).toContain('can only be applied to arrays');
    expect(missing('$.nothing[*].x')).toBe("Missing property in path $['nothing']");
    expect(missing('$.limit.x')).toContain('Expected to find an object with property');
  });

  it('is one, or is none', () => {
    for (const text of [
      '$',
      '$.a',
      '$.a-b',
      "$['a b'].c[0]",
      '$..a',
      '$[0]',
      '$$',
      '$$.Map.Item.Value',
      '$name',
      '$name.a[1]',
      '$.a[?(@.b)]',
      '$.ä',
    ])
      expect(parsePath(text), text).toBeDefined();
    for (const text of [
      '',
      'a',
      '.a',
      '$.',
      '$.a.',
      '$.a[',
      '$.a[]',
      '$.a[x]',
      '$ .a',
      '$.a b',
      '$.a.length()',
      "$['a'",
      '$.a[?(@.b]',
      '$.a]',
    ])
      expect(parsePath(text), text).toBeUndefined();
  });
});

describe('an intrinsic function', () => {
  const given = {
    name: 'Ada',
    n: 4,
    list: [1, 2, 2, 3, 'a', { x: 1 }, { x: 1 }],
    json: '{"a":[1]}',
    object: { a: 1, b: 2 },
    other: { b: 3, c: 4 },
  };
  const call = async (expression: string, input: Json = given) =>
    run(machine({ A: { Type: 'Pass', Parameters: { 'it.$': expression }, End: true } }, { QueryLanguage: 'JSONPath' }), input);
  const value = async (expression: string) => {
    const { status, output, cause } = await call(expression);
    if (status !== 'SUCCEEDED') throw new Error(cause);
    return (output as { it: Json }).it;
  };

  it('gives what its documentation says', async () => {
    const expected: Readonly<Record<string, Json>> = {
      "States.Format('Hello {}, you have {} of {}', $.name, $.n, 5)": 'Hello Ada, you have 4 of 5',
      "States.Format('It\\'s \\{\\} {}', $.name)": "It's {} Ada",
      'States.Array(1, $.name, null, true)': [1, 'Ada', null, true],
      'States.Array()': [],
      'States.ArrayPartition($.list, 4)': [
        [1, 2, 2, 3],
        ['a', { x: 1 }, { x: 1 }],
      ],
      'States.ArrayContains($.list, 3)': true,
      "States.ArrayContains($.list, 'b')": false,
      'States.ArrayRange(1, 9, 2)': [1, 3, 5, 7, 9],
      'States.ArrayRange(3, 1, -1)': [3, 2, 1],
      'States.ArrayGetItem($.list, 4)': 'a',
      'States.ArrayLength($.list)': 7,
      'States.ArrayUnique($.list)': [1, 2, 3, 'a', { x: 1 }],
      "States.Base64Encode('Data to encode')": 'RGF0YSB0byBlbmNvZGU=',
      "States.Base64Decode('RGVjb2RlZCBkYXRh')": 'Decoded data',
      "States.Hash('input data', 'SHA-1')": 'aaff4a450a104cd177d28d18d74485e8cae074b7',
      'States.JsonMerge($.object, $.other, false)': { a: 1, b: 3, c: 4 },
      'States.StringToJson($.json)': { a: [1] },
      'States.JsonToString($.object)': '{"a":1,"b":2}',
      'States.MathAdd($.n, -1)': 3,
      'States.MathAdd(1.4, 1)': 2,
      "States.StringSplit('1,2,3', ',')": ['1', '2', '3'],
      "States.StringSplit('This.is+a,test=string', '.+,=')": ['This', 'is', 'a', 'test', 'string'],
      "States.Format('{}', States.JsonToString(States.Array($.n)))": '[4]',
    };
    for (const [expression, result] of Object.entries(expected)) expect(await value(expression), expression).toEqual(result);
    expect(await value('States.UUID()')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    for (let times = 0; times < 20; times++) expect([1, 2, 3]).toContain(await value('States.MathRandom(1, 4)'));
    expect(await value('States.MathRandom(1, 1000, 5)')).toBe(await value('States.MathRandom(1, 1000, 5)'));
  });

  it('fails the state where it cannot', async () => {
    for (const expression of [
      'States.ArrayGetItem($.list, 99)',
      'States.ArrayLength($.name)',
      'States.StringToJson($.name)',
      'States.ArrayRange(1, 5000, 1)',
      'States.JsonMerge($.object, $.other, true)',
      "States.Hash('x', 'MD4')",
      "States.Format('{} {}', 1)",
    ])
      expect(await call(expression), expression).toMatchObject({ status: 'FAILED', error: 'States.IntrinsicFailure' });
    expect((await call('States.Array($.nothing)', { a: 1 })).cause).toBe(
      "An error occurred while executing the state 'A' (entered at the event id #2). The function 'States.Array($.nothing)' had the following error: The JsonPath argument for the field '$.nothing' could not be found in the input '{\"a\":1}'",
    );
  });

  it('is known by its name and number of arguments', () => {
    for (const text of [
      'States.Nothing()',
      'States.UUID(1)',
      'States.Array(',
      'States.Hash($.a)',
      "States.Format('a'",
      'States.Array(a)',
      'Math.Add(1, 2)',
      "'text'",
      '5',
    ])
      expect(parseExpression(text), text).toBeUndefined();
  });
});

const byPath = (states: object, more: object = {}) => machine(states as never, { QueryLanguage: 'JSONPath', ...more });
const task = (more: object = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: 'work', 'Payload.$': '$' },
  End: true,
  ...more,
});
const outputOf = async (states: object, input: Json = {}, functions: Parameters<typeof run>[2] = {}) => {
  const { status, output, error, cause } = await run(byPath(states), input, functions);
  return status === 'SUCCEEDED' ? output : `${error}: ${cause}`;
};

describe('data on its way through a state', () => {
  const functions = { work: (payload: Json) => ({ got: payload, extra: 1 }) };

  it('is selected, handed over, selected again, put in its place and selected for the last time', async () => {
    const state = task({
      InputPath: '$.in',
      Parameters: { FunctionName: 'work', Payload: { 'a.$': '$.a', fixed: '$.a', deep: [{ 'b.$': '$.b' }] } },
      ResultSelector: { 'answer.$': '$.Payload.got', 'code.$': '$.StatusCode' },
      ResultPath: '$.result.of.it',
      OutputPath: '$.result',
    });
    expect(await outputOf({ A: state }, { in: { a: 1, b: 2 }, result: { kept: true } }, { functions })).toEqual({
      kept: true,
      of: { it: { answer: { a: 1, fixed: '$.a', deep: [{ b: 2 }] }, code: 200 } },
    });
  });

  it('is dropped by null, and put into the raw input whatever InputPath was', async () => {
    expect(await outputOf({ A: task({ ResultPath: null }) }, { x: 1 }, { functions })).toEqual({ x: 1 });
    expect(await outputOf({ A: task({ OutputPath: null }) }, { x: 1 }, { functions })).toEqual({});
    expect(await outputOf({ A: { Type: 'Pass', InputPath: null, End: true } }, { x: 1 })).toEqual({});
    expect(await outputOf({ A: { Type: 'Pass', InputPath: '$.x', ResultPath: '$.y', End: true } }, { x: 1 })).toEqual({ x: 1, y: 1 });
    expect(await outputOf({ A: { Type: 'Pass', Result: 5, ResultPath: '$.list[1]', End: true } }, { list: [1, 2, 3] })).toEqual({
      list: [1, 5, 3],
    });
    expect(await outputOf({ A: { Type: 'Pass', Result: { a: 1 }, Parameters: { b: 2 }, End: true } }, {})).toEqual({ a: 1 });
    expect(await outputOf({ A: { Type: 'Succeed', InputPath: '$.a', OutputPath: '$.b' } }, { a: { b: 7 } })).toBe(7);
    expect(await outputOf({ A: { Type: 'Wait', Seconds: 1, OutputPath: '$.a', End: true } }, { a: 7 })).toBe(7);
  });

  it('fails the state where a path finds nothing, and no Catch takes that', async () => {
    const where = "States.Runtime: An error occurred while executing the state 'A' (entered at the event id #2). ";
    expect(await outputOf({ A: { Type: 'Pass', Parameters: { 'x.$': '$.a.b' }, End: true } }, { a: {} })).toBe(
      `${where}The JSONPath '$.a.b' specified for the field 'x.$' could not be found in the input '{"a":{}}'`,
    );
    for (const field of ['InputPath', 'OutputPath'])
      expect(await outputOf({ A: { Type: 'Pass', [field]: '$.b', End: true } }, { a: 1 }), field).toBe(
        `${where}Invalid path '$.b' : No results for path: $['b']`,
      );
    expect(await outputOf({ A: { Type: 'Pass', ResultPath: '$.a.b', End: true } }, { a: 1 })).toContain('States.ResultPathMatchFailure');
    const caught = { A: task({ InputPath: '$.no', Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] }), B: { Type: 'Succeed' } };
    expect(await outputOf(caught, {}, { functions })).toContain('States.Runtime');
  });

  it('sees the context by two dollars, and variables by their names', async () => {
    const states = {
      A: { Type: 'Pass', Result: { answer: 42 }, Assign: { 'x.$': '$.answer', y: { z: [1] } }, Next: 'B' },
      B: {
        Type: 'Pass',
        Parameters: { 'x.$': '$x', 'z.$': '$y.z[0]', 'name.$': '$$.State.Name', 'in.$': '$$.Execution.Input.i' },
        End: true,
      },
    };
    expect(await outputOf(states, { i: 1 })).toEqual({ x: 42, z: 1, name: 'B', in: 1 });
    expect(await outputOf({ A: { Type: 'Pass', Parameters: { 'x.$': '$nobody' }, End: true } })).toContain('States.Runtime');
  });

  it('comes with the error where a Catch takes it', async () => {
    const failing = {
      work: () => {
        throw new StateError('Broken', 'because');
      },
    };
    const caught = (more: object) => ({
      A: task({ Catch: [{ ErrorEquals: ['Broken'], Next: 'B', Assign: { 'why.$': '$.Cause' }, ...more }] }),
      B: { Type: 'Pass', Parameters: { 'in.$': '$', 'why.$': '$why' }, End: true },
    });
    const error = { Error: 'Broken', Cause: 'because' };
    expect(await outputOf(caught({ ResultPath: '$.error' }), { x: 1 }, { functions: failing })).toEqual({
      in: { x: 1, error },
      why: 'because',
    });
    expect(await outputOf(caught({}), { x: 1 }, { functions: failing })).toEqual({ in: error, why: 'because' });
    expect(await outputOf(caught({ ResultPath: null }), { x: 1 }, { functions: failing })).toEqual({ in: { x: 1 }, why: 'because' });
  });
});

describe('a Choice', () => {
  const chosen = async (rule: object, input: Json) => {
    const states = {
      C: { Type: 'Choice', Choices: [{ ...rule, Next: 'Yes' }], Default: 'No' },
      Yes: { Type: 'Pass', Result: true, End: true },
      No: { Type: 'Pass', Result: false, End: true },
    };
    return outputOf(states, input);
  };

  it('compares as each operator says', async () => {
    const input = { s: 'b', n: 5, b: true, t: '2024-01-02T00:00:00Z', z: null, list: [1], same: 'b', later: '2025-01-01T01:00:00+01:00' };
    const rules: readonly (readonly [string, string, Json, boolean])[] = [
      ['$.s', 'StringEquals', 'b', true],
      ['$.s', 'StringEqualsPath', '$.same', true],
      ['$.s', 'StringLessThan', 'c', true],
      ['$.s', 'StringGreaterThan', 'c', false],
      ['$.s', 'StringLessThanEquals', 'b', true],
      ['$.s', 'StringGreaterThanEquals', 'c', false],
      ['$.n', 'NumericEquals', 5, true],
      ['$.n', 'NumericLessThan', 5, false],
      ['$.n', 'NumericGreaterThan', 4.5, true],
      ['$.n', 'NumericLessThanEquals', 5, true],
      ['$.n', 'NumericGreaterThanEqualsPath', '$.n', true],
      ['$.b', 'BooleanEquals', true, true],
      ['$.b', 'BooleanEqualsPath', '$.b', true],
      ['$.t', 'TimestampEquals', '2024-01-02T01:00:00+01:00', true],
      ['$.t', 'TimestampLessThanPath', '$.later', true],
      ['$.t', 'TimestampGreaterThan', '2024-01-02T00:00:00Z', false],
      ['$.t', 'IsTimestamp', true, true],
      ['$.s', 'IsTimestamp', false, true],
      ['$.z', 'IsNull', true, true],
      ['$.s', 'IsString', true, true],
      ['$.n', 'IsNumeric', true, true],
      ['$.b', 'IsBoolean', false, false],
      ['$.nothing', 'IsPresent', false, true],
      ['$.z', 'IsPresent', true, true],
      // Another type is no match, and no error.
      ['$.n', 'StringEquals', '5', false],
      ['$.s', 'NumericEquals', 5, false],
    ];
    for (const [Variable, operator, value, expected] of rules)
      expect(await chosen({ Variable, [operator]: value }, input), `${Variable} ${operator} ${JSON.stringify(value)}`).toBe(expected);
  });

  it('matches texts with stars, and takes one behind a backslash for itself', async () => {
    const matches = (pattern: string, s: string) => chosen({ Variable: '$.s', StringMatches: pattern }, { s });
    expect(await matches('foo*.log', 'foo123.log')).toBe(true);
    expect(await matches('*.log', 'foo.log.gz')).toBe(false);
    expect(await matches('a.c', 'abc')).toBe(false);
    expect(await matches('a\\*c', 'a*c')).toBe(true);
    expect(await matches('a\\*c', 'abc')).toBe(false);
  });

  it('combines rules', async () => {
    const a = { Variable: '$.a', NumericEquals: 1 };
    const b = { Variable: '$.b', NumericEquals: 1 };
    expect(await chosen({ And: [a, b] }, { a: 1, b: 2 })).toBe(false);
    expect(await chosen({ Or: [a, b] }, { a: 2, b: 1 })).toBe(true);
    expect(await chosen({ Not: { And: [a, b] } }, { a: 1, b: 2 })).toBe(true);
  });

  it('fails where its variable is not there', async () => {
    expect(await chosen({ Variable: '$.nothing', StringEquals: 'a' }, {})).toContain(
      "Invalid path '$.nothing': The choice state's condition path references an invalid value.",
    );
  });

  it('takes the first rule that fits, with its variables', async () => {
    const states = {
      C: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.n', NumericGreaterThan: 1, Assign: { 'seen.$': '$.n' }, Next: 'B' },
          { Variable: '$.n', NumericGreaterThan: 0, Next: 'F' },
        ],
        OutputPath: '$.n',
      },
      B: { Type: 'Pass', Parameters: { 'in.$': '$', 'seen.$': '$seen' }, End: true },
      F: { Type: 'Fail' },
    };
    expect(await outputOf(states, { n: 2 })).toEqual({ in: 2, seen: 2 });
  });
});

describe('states that take a value by path', () => {
  it('wait as long, or until', async () => {
    const waited = async (field: object, input: Json) => (await run(byPath({ A: { Type: 'Wait', ...field, End: true } }), input)).time;
    expect(await waited({ SecondsPath: '$.s' }, { s: 7 })).toBe(7000);
    expect(await waited({ TimestampPath: '$.t' }, { t: '2026-11-02T09:01:00Z' })).toBe(60_000);
    expect(await outputOf({ A: { Type: 'Wait', SecondsPath: '$.s', End: true } }, { s: 'x' })).toContain(
      'The SecondsPath parameter cannot be parsed as a long value: $.s == x',
    );
    expect(await outputOf({ A: { Type: 'Wait', TimestampPath: '$.t', End: true } }, {})).toContain(
      'The TimestampPath parameter does not reference an input value: $.t',
    );
  });

  it('fail with what is found', async () => {
    const state = { Type: 'Fail', ErrorPath: '$.e', CausePath: "States.Format('because of {}', $.c)" };
    expect(await outputOf({ A: state }, { e: 'Named', c: 5 })).toBe('Named: because of 5');
  });

  it('run out of time', async () => {
    const functions = { work: () => new Promise<Json>(() => {}) };
    const ended = await run(byPath({ A: task({ TimeoutSecondsPath: '$.t' }) }), { t: 9 }, { functions });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.Timeout', time: 9000 });
    expect(await outputOf({ A: task({ TimeoutSecondsPath: '$.t' }) }, { t: 0 }, { functions })).toContain('TimeoutSecondsPath');
  });
});

describe('a Map and a Parallel', () => {
  const inner = (state: object) => ({ StartAt: 'I', States: { I: { ...state, End: true } } });

  it('run over the items that a path finds, each with what is selected for it', async () => {
    const state = {
      Type: 'Map',
      InputPath: '$.in',
      ItemsPath: '$.items',
      ItemSelector: { 'index.$': '$$.Map.Item.Index', 'value.$': '$$.Map.Item.Value', 'common.$': '$.common' },
      ItemProcessor: inner({ Type: 'Pass', Parameters: { 'text.$': "States.Format('{}{}{}', $.common, $.index, $.value)" } }),
      ResultSelector: { 'texts.$': '$[*].text' },
      ResultPath: '$.out',
      End: true,
    };
    expect(await outputOf({ A: state }, { in: { items: ['a', 'b'], common: 'c' } })).toEqual({
      in: { items: ['a', 'b'], common: 'c' },
      out: { texts: ['c0a', 'c1b'] },
    });
  });

  it('take the old names of their fields', async () => {
    const state = {
      Type: 'Map',
      ItemsPath: '$.l',
      Parameters: { 'v.$': '$$.Map.Item.Value' },
      Iterator: inner({ Type: 'Pass' }),
      End: true,
    };
    expect(await outputOf({ A: state }, { l: [1, 2] })).toEqual([{ v: 1 }, { v: 2 }]);
  });

  it('need a list, and a number for what is one', async () => {
    const state = { Type: 'Map', ItemsPath: '$.l', ItemProcessor: inner({ Type: 'Pass' }), End: true };
    expect(await outputOf({ A: state }, { l: 5 })).toContain('Reference path "$.l" must point to array.');
    expect(await outputOf({ A: { ...state, MaxConcurrencyPath: '$.m' } }, { l: [], m: 'x' })).toContain('$.m');
    expect(await outputOf({ A: { ...state, MaxConcurrencyPath: '$.m' } }, { l: [1], m: 1 })).toEqual([1]);
  });

  it('hand the same parameters to every branch, and select of the list of results', async () => {
    const state = {
      Type: 'Parallel',
      Parameters: { 'x.$': '$.a' },
      Branches: [inner({ Type: 'Pass' }), inner({ Type: 'Pass', OutputPath: '$.x' })],
      ResultSelector: { 'first.$': '$[0]', 'second.$': '$[1]' },
      End: true,
    };
    expect(await outputOf({ A: state }, { a: 1 })).toEqual({ first: { x: 1 }, second: 1 });
  });
});

describe('a machine of both languages', () => {
  it('hands data and variables from one to the other', async () => {
    const states = {
      A: { Type: 'Pass', Parameters: { 'n.$': '$.n' }, Assign: { 'v.$': '$.n' }, Next: 'B' },
      B: {
        Type: 'Pass',
        QueryLanguage: 'JSONata',
        Output: { sum: '{% $states.input.n + $v %}' },
        Assign: { w: '{% $v * 10 %}' },
        Next: 'C',
      },
      C: { Type: 'Pass', Parameters: { 'sum.$': '$.sum', 'w.$': '$w' }, End: true },
    };
    expect(await outputOf(states, { n: 2 })).toEqual({ sum: 4, w: 20 });
  });

  it('has expressions in JSONata only: elsewhere they are text', async () => {
    expect(await outputOf({ A: { Type: 'Fail', Error: '{% "E" %}', Cause: '{% 1 %}' } })).toBe('{% "E" %}: {% 1 %}');
    expect(await outputOf({ A: { Type: 'Pass', Parameters: { a: '{% 1 %}' }, End: true } })).toEqual({ a: '{% 1 %}' });
  });

  it('does not take the one for the other', () => {
    const errors = (definition: object) =>
      lintDefinition(definition)
        .filter(({ severity }) => severity === 'ERROR')
        .map(({ location, message }) => `${location}: ${message}`);
    const jsonata = (state: object) => errors(machine({ A: { End: true, ...state } as never }));
    const jsonpath = (state: object) => errors(byPath({ A: { End: true, ...state } }));
    expect(jsonata({ Type: 'Pass', Parameters: {} })).toEqual([
      "/States/A: The field 'Parameters' is not supported when QueryLanguage is 'JSONata'",
    ]);
    expect(jsonpath({ Type: 'Pass', Output: {} })).toEqual([
      "/States/A: The field 'Output' is not supported when QueryLanguage is 'JSONPath'",
    ]);
    expect(jsonpath({ Type: 'Wait', Seconds: '{% 5 %}' })).toHaveLength(1);
    expect(jsonpath({ Type: 'Wait', Timestamp: '{% $now() %}' })).toHaveLength(1);
    expect(jsonpath({ Type: 'Wait', Seconds: 1, SecondsPath: '$.a' })).toHaveLength(1);
    expect(jsonata({ Type: 'Wait', Seconds: '{% 5 %}' })).toEqual([]);
    const retried = (field: string) => ({
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      [field]: { FunctionName: 'f' },
      Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: '{% 60 %}' }],
    });
    expect(jsonata(retried('Arguments'))).toHaveLength(1);
    expect(jsonpath(retried('Parameters'))).toHaveLength(1);
    expect(errors({ ...machine({ A: { Type: 'Pass', End: true } }), TimeoutSeconds: '{% 10 %}' })).toHaveLength(1);
    expect(jsonpath({ ...task(), TimeoutSeconds: '{% 5 %}' })).toHaveLength(1);
  });

  it('is refused where a path, a template or a rule makes no sense', () => {
    const wrong = (state: object) => lintDefinition(byPath({ A: { End: true, ...state } })).filter(({ severity }) => severity === 'ERROR');
    expect(wrong({ Type: 'Pass', Parameters: { 'x.$': 'a.b' } })).toMatchObject([
      {
        location: '/States/A/Parameters/x.$',
        message: "The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call",
      },
    ]);
    expect(wrong({ Type: 'Pass', Parameters: { 'x.$': '$.a', x: 1 } })).toHaveLength(1);
    expect(wrong({ Type: 'Pass', InputPath: 'a' })).toHaveLength(1);
    expect(wrong({ Type: 'Pass', ResultPath: '$.a[*]' })).toHaveLength(1);
    expect(wrong({ Type: 'Pass', ResultPath: '$$.a' })).toHaveLength(1);
    expect(wrong({ Type: 'Pass', OutputPath: '$.a[?(@.b)]' })).toEqual([]);
    expect(wrong({ Type: 'Wait', SecondsPath: '$..a' })).toHaveLength(1);
    expect(wrong({ ...task(), TimeoutSeconds: 5, TimeoutSecondsPath: '$.t' })).toHaveLength(1);
    const rule = (one: object) =>
      lintDefinition(byPath({ A: { Type: 'Choice', Choices: [one], Default: 'B' }, B: { Type: 'Succeed' } })).filter(
        ({ severity }) => severity === 'ERROR',
      );
    const next = { Next: 'B' };
    expect(rule({ Variable: '$.a', StringEquals: 'a', ...next })).toEqual([]);
    expect(rule({ Variable: '$.a', StringEquals: 5, ...next })).toHaveLength(1);
    expect(rule({ Variable: '$.a', StringEquals: 'a', NumericEquals: 5, ...next })).toHaveLength(1);
    expect(rule({ Variable: '$.a', ...next })).toHaveLength(1);
    expect(rule({ StringEquals: 'a', ...next })).toHaveLength(1);
    expect(rule({ And: [{ Variable: '$.a', StringEquals: 'a', Next: 'B' }], ...next })).toHaveLength(1);
    expect(rule({ Condition: '{% true %}', ...next }).length).toBeGreaterThan(0);
    expect(rule({ Variable: '$.a', TimestampEquals: 'noon', ...next })).toHaveLength(1);
  });
});

it('records a failing path as AWS does: nothing between the entry of the state and the end of the execution', async () => {
  const started = begin(byPath({ A: task({ TimeoutSecondsPath: '$.none' }) }), { a: 0 });
  await started.run();
  expect(started.types()).toEqual(['ExecutionStarted', 'TaskStateEntered', 'ExecutionFailed']);
});
