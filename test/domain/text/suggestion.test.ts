import { describe, expect, it } from 'vitest';
import { suggestion } from '../../../domain/text/suggestion.ts';

describe('a suggestion', () => {
  const known = ['rolling', 'blue-green', 'canary'];

  it('is the nearest of what is known, whatever the case', () => {
    expect(suggestion('rollin', known)).toBe(', did you mean "rolling"?');
    expect(suggestion('bluegreen', known)).toBe(', did you mean "blue-green"?');
    expect(suggestion('CANARY', known)).toBe(', did you mean "canary"?');
    expect(suggestion('lvie', ['live', 'beta'])).toBe(', did you mean "live"?');
    expect(suggestion('lvxe', ['live', 'beta'])).toBe('');
    expect(suggestion('lives', ['live', 'beta'])).toBe(', did you mean "live"?');
  });

  it('is silent where nothing is near, known or written', () => {
    expect(suggestion('recreate-all', known)).toBe('');
    expect(suggestion('rolling', [])).toBe('');
    expect(suggestion('', ['a', 'b'])).toBe('');
  });
});
