/** EventBridge patterns against events: what `event-patterns` holds. */
import { Account, PLACE } from './account.ts';
import { filled, Likeness } from './likeness.ts';

export interface PatternCase {
  readonly name: string;
  readonly eventText?: string;
  readonly event?: unknown;
  readonly patternText?: string;
  readonly pattern?: unknown;
  readonly matches?: boolean;
  readonly invalid?: string;
  readonly message?: string;
}

/** @returns why the case differs; undefined where it agrees */
export async function comparePattern(recorded: PatternCase): Promise<string | undefined> {
  const one = filled(recorded, PLACE);
  const outcome = await new Account().call('events', 'TestEventPattern', {
    Event: one.eventText ?? JSON.stringify(one.event),
    EventPattern: one.patternText ?? JSON.stringify(one.pattern),
  });
  const likeness = new Likeness([], true);
  if ('answer' in outcome) return likeness.difference(one.invalid ?? one.matches, outcome.answer.Result, 'matches');
  const { error, message } = outcome.refused;
  if (one.invalid === undefined) return `refused with ${error}: ${message}`;
  return (
    likeness.difference(one.invalid, error, 'error') ??
    (one.message === undefined ? undefined : likeness.difference(one.message, message, 'message'))
  );
}
