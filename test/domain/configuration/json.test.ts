/** Where a text stops being JSON, held against the parser of JavaScript. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonFault } from '../../../domain/configuration/json.ts';

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('a text that is no JSON', () => {
  it.each([
    ['', 1, 1, 'it ends too early'],
    ['{\n  "a": 1\n  "b": 2 }', 3, 3, '"," or "}" is missing'],
    ['{ "a": [1,\n 2,] }', 2, 3, 'no "," before "]"'],
    ['{ a: 1 }', 1, 3, 'a key in double quotes is needed'],
    ['{ "a" 1 }', 1, 7, '":" is missing'],
    ['{ "a": \'x\' }', 1, 8, 'a value is needed'],
    ['{ "a": "x }', 1, 8, 'this text does not end'],
    ['{ "a": 01 }', 1, 8, 'a value is needed'],
    ['[1', 1, 3, 'it ends too early: "]" is missing'],
    ['{} x', 1, 4, 'it should have ended'],
    ['// none\n{}', 1, 1, 'a value is needed'],
  ])('%j is told its place', (text, line, column, message) => {
    expect(jsonFault(text)).toEqual({ line, column, message });
  });

  it('is one exactly where JavaScript says so, however a text was broken', () => {
    const broken = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ']', ':', '0', '-', '.', 'e', '\\', '\n', '\u0001', ' ', 'null'),
        fc.nat(3),
      )
      .map(([text, at, piece, cut]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + piece + text.slice(place + cut);
      });
    fc.assert(
      fc.property(broken, (text) => (jsonFault(text) === undefined) === parses(text)),
      { numRuns: 2000 },
    );
  });
});
