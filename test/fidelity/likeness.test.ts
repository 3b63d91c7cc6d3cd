import { describe, expect, it } from 'vitest';
import { filled, Likeness } from './likeness.ts';

const differs = (recorded: unknown, got: unknown, ambiguous: string[] = []) =>
  new Likeness(ambiguous).difference(recorded, got) !== undefined;

describe('two values are alike', () => {
  it('only if they are the same, types included', () => {
    expect(differs(5, 5)).toBe(false);
    expect(differs(5, '5')).toBe(true);
    expect(differs('5', 5)).toBe(true);
    expect(differs('[1,2]', '[1,2]')).toBe(false);
    expect(differs('[1,2]', '[1, 2]')).toBe(true);
    expect(differs([1, 2], '[1,2]')).toBe(true);
    expect(differs(null, undefined)).toBe(true);
    expect(differs('', null)).toBe(true);
    expect(differs(0, false)).toBe(true);
  });

  it('only with the same members, whatever these are called', () => {
    expect(differs({ requestId: 'a' }, { requestId: 'b' })).toBe(true);
    expect(differs({ timestamp: 1 }, { timestamp: 2 })).toBe(true);
    expect(differs({}, { requestId: 'a' })).toBe(true);
    expect(differs({ a: 1 }, {})).toBe(true);
    expect(differs({ a: undefined }, {})).toBe(false);
  });

  it('if a text says the object that was recorded parsed', () => {
    expect(differs({ a: [1] }, '{"a":[1]}')).toBe(false);
    expect(differs({ a: [1] }, '{"a":["1"]}')).toBe(true);
  });

  it('if a time stands where the recording has the word for one', () => {
    expect(differs('timestamp', new Date())).toBe(false);
    expect(differs('datetime', '2024-01-01T00:00:00.000Z')).toBe(false);
    expect(differs('datetime', 'yesterday')).toBe(true);
    expect(differs('SUCCEEDED', new Date())).toBe(true);
  });
});

describe('a placeholder', () => {
  it('means one thing throughout a case', () => {
    expect(differs(['<uuid:1>', '<uuid:1>'], ['a', 'a'])).toBe(false);
    expect(differs(['<uuid:1>', '<uuid:1>'], ['a', 'b'])).toBe(true);
    expect(differs(['<uuid:1>', 'arn:<uuid:1>:x'], ['a', 'arn:b:x'])).toBe(true);
    const likeness = new Likeness();
    expect(likeness.difference('<name>', 'a')).toBeUndefined();
    expect(likeness.difference({ '<name>': 1 }, { a: 1 })).toBeUndefined();
    expect(likeness.difference('<name>', 'b')).toBeDefined();
  });

  it('with another number means another thing', () => {
    expect(differs(['<uuid:1>', '<uuid:2>'], ['a', 'a'])).toBe(true);
    expect(differs(['<uuid:1>', '<uuid:2>'], ['a', 'b'])).toBe(false);
  });

  it('that stood for several things means any', () => {
    expect(differs(['m <name>', '<name>'], ['m a', 'b'], ['<name>'])).toBe(false);
  });

  it('is no empty text', () => expect(differs('<uuid:1>', '')).toBe(true));

  it('that is known is replaced, the longest first', () => {
    const known = new Map([
      ['queue', 'q1'],
      ['queue_url', 'https://q1'],
    ]);
    expect(filled({ queue_url: ['queue_url', 'queue'] }, known)).toEqual({ 'https://q1': ['https://q1', 'q1'] });
  });
});
