import { describe, expect, it } from 'vitest';
import { inWords } from '../../../domain/workflow/outcome.ts';

const error = (errorMessage: string) =>
  JSON.stringify({ errorType: 'Error', errorMessage, trace: ['Error: x', '    at t (/var/task/index.js:1:2}'] });

describe('a reason', () => {
  it('is left as it is where it is in words', () => expect(inWords('web: its tasks crash {2}')).toBe('web: its tasks crash {2}'));

  it('is the message of a function’s error, without its trace', () =>
    expect(inWords(`live: deploying: Error ${error('no promotion "p" in the ledger {yet}')}; more`)).toBe(
      'live: deploying: Error no promotion "p" in the ledger {yet}; more',
    ));

  it('is found in each of several', () =>
    expect(inWords(`live: ${error('one')}; sandbox: ${error('two')}`)).toBe('live: one; sandbox: two'));

  it('has the type where there is no message, and what is left of an error that was cut off', () => {
    expect(inWords('checks: {"errorType":"Sandbox.Timedout"}')).toBe('checks: Sandbox.Timedout');
    expect(inWords(error('too long').slice(0, -20))).toBe('too long');
    expect(inWords('{"errorType":"Runtime.ExitError","errorMess')).toBe('Runtime.ExitError');
  });
});
