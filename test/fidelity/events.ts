/** Measures event patterns and schedule expressions of local AWS against recordings of the real one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../local/core/service.ts';
import { validateRuleSchedule } from '../../local/services/events/rule.ts';
import { testEventPattern } from '../../local/services/events/verdict.ts';
import { validateSchedule } from '../../local/services/scheduler/schedule.ts';

/** How far local AWS agrees with the recordings of one topic. */
export interface Agreement {
  readonly topic: string;
  readonly total: number;
  readonly agreed: number;
  readonly differences: { readonly name: string; readonly why: string }[];
}

interface PatternCase {
  readonly name: string;
  readonly eventText?: string;
  readonly event?: unknown;
  readonly patternText?: string;
  readonly pattern?: unknown;
  readonly matches?: boolean;
  readonly invalid?: string;
  readonly message?: string;
}

interface ExpressionCase {
  readonly name: string;
  readonly operation: 'scheduler:CreateSchedule' | 'events:PutRule';
  readonly expression: string;
  readonly eventBusName?: string;
  readonly accepted: boolean;
  readonly error?: string;
  readonly message?: string;
}

function cases<Case>(folder: string): Case[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Case);
}

/** Compares every case; `compare` says why one differs, or nothing. */
function measure<Case extends { name: string }>(
  topic: string,
  all: readonly Case[],
  compare: (one: Case) => string | undefined,
): Agreement {
  const differences = all.flatMap((one) => {
    const why = compare(one);
    return why === undefined ? [] : [{ name: one.name, why }];
  });
  return { topic, total: all.length, agreed: all.length - differences.length, differences };
}

/** The words of a refusal with the placeholders that the recordings have. */
const recorded = (message: string) => message.replaceAll('arn:aws:events:us-east-1', 'arn:<partition>:events:<region>');

/** What a call gives: its value, or its error. */
function outcome<T>(run: () => T): { value: T } | { code: string; message: string } {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof ServiceError) return { code: error.code, message: recorded(error.message) };
    throw error;
  }
}

const differs = (got: { code: string; message: string }, error: string | undefined, message: string | undefined) => {
  if (error !== undefined && got.code !== error) return `refused with ${got.code}, recorded ${error}`;
  if (message !== undefined && got.message !== message) return `said ${JSON.stringify(got.message)}, recorded ${JSON.stringify(message)}`;
  return undefined;
};

/** @param folder the folder of all recordings */
export function eventPatterns(folder: string): Agreement[] {
  const all = cases<PatternCase>(join(folder, 'event-patterns'));
  return [
    measure('event-patterns', all, (one) => {
      const event = one.eventText ?? JSON.stringify(one.event);
      const pattern = one.patternText ?? JSON.stringify(one.pattern);
      const got = outcome(() => testEventPattern(event, pattern));
      if ('value' in got)
        return got.value === one.matches
          ? undefined
          : `${got.value ? 'matches' : 'does not match'}, recorded ${one.invalid ?? one.matches}`;
      return one.invalid === undefined ? `refused (${got.message}), recorded ${one.matches}` : differs(got, one.invalid, one.message);
    }),
  ];
}

/** @param folder the folder of all recordings */
export function scheduleExpressions(folder: string): Agreement[] {
  const all = cases<ExpressionCase>(join(folder, 'schedule-expressions'));
  return [
    measure('schedule-expressions', all, (one) => {
      const got = outcome(() => {
        if (one.operation === 'events:PutRule') validateRuleSchedule(one.expression, one.eventBusName ?? 'default');
        else validateSchedule(one.expression, 'UTC');
        return true;
      });
      if ('value' in got) return one.accepted ? undefined : 'accepted, recorded as refused';
      return one.accepted ? `refused (${got.message}), recorded as accepted` : differs(got, one.error, one.message);
    }),
  ];
}
