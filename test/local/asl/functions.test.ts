import { describe, expect, it } from 'vitest';
import { machine, run } from './machines.ts';

/** The value of an expression, or the words of its error. */
const value = async (expression: string, seed?: number) => {
  const definition = machine({ A: { Type: 'Pass', Output: `{% ${expression} %}`, End: true } });
  const { output, cause } = await run(definition, {}, seed === undefined ? {} : { seed });
  return output ?? cause;
};

describe('the functions that Step Functions adds to JSONata', () => {
  it('parts arrays, and keeps the parts apart', async () => {
    expect(await value('$partition([1..5], 2)')).toEqual([[1, 2], [3, 4], [5]]);
    expect(await value('$partition([1, 2], 5)')).toEqual([[1, 2]]);
    expect(await value('$partition([1, 2], 0)')).toContain('The argument of function "partition" must be');
  });

  it('makes ranges, up and down, of at most a thousand', async () => {
    expect(await value('$range(0, 7, 3)')).toEqual([0, 3, 6]);
    expect(await value('$range(3, 1, -1)')).toEqual([3, 2, 1]);
    expect(await value('$count($range(1, 1000, 1))')).toBe(1000);
    expect(await value('$range(1, 1001, 1)')).toContain('at most 1000');
    expect(await value('$range(1, 2, 0)')).toContain('must not be zero');
  });

  it('hashes', async () => {
    expect(await value("$hash('a', 'SHA-256')")).toBe('ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb');
    expect(await value("$hash('a', 'MD5')")).toBe('0cc175b9c0f1b6a831c399e269772661');
    expect(await value("$hash('a', 'SHA-3')")).toContain('must be one of MD5, SHA-1');
  });

  it('parses JSON', async () => {
    expect(await value(`$parse('{"a":[1]}').a`)).toEqual([1]);
    expect(await value("$parse('{')")).toContain('must be JSON: {');
  });

  it('draws from the world’s chance, so that a seed repeats it', async () => {
    for (const expression of ['$uuid()', '$random()', '$shuffle([1..20])']) {
      expect(await value(expression, 1)).toEqual(await value(expression, 1));
      expect(await value(expression, 1)).not.toEqual(await value(expression, 2));
    }
    expect(await value('$uuid()')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(await value('$random(7)', 1)).toBe(await value('$random(7)', 1));
  });

  it('reads the world’s clock', async () => {
    expect(await value('$now()')).toBe('2026-11-02T09:00:00.000Z');
    expect(await value('$millis()')).toBe(Date.UTC(2026, 10, 2, 9));
    expect(await value("$now('[H01]:[m01]', '+0130')")).toBe('10:30');
  });

  it('has no $eval, and stops what never ends', async () => {
    const runaway = machine({ A: { Type: 'Pass', Output: '{% ($f := function($n){ 1 + $f($n) }; $f(1)) %}', End: true } });
    expect(await run(runaway)).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });
});
