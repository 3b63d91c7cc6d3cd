/** What a rehearsal plays and what it expects: data, typed, in the order of time. */
import type { Push } from './local-pipeline.ts';

/** Played at `at`: a weekday and a time in the script's time zone (`Mon 09:30`), never before the step before it. */
export type Step = { readonly at: string; readonly note?: string } & Act;

export type Act =
  /** Pushes an image. `as` names the release for later steps. */
  | { readonly push: Push; readonly as: string; readonly fault?: 'event-lost' | 'event-doubled' }
  /** A person decides at a gate. */
  | { readonly approve: string; readonly stage: string; readonly by: string; readonly answer: 'done' | 'refused' }
  | { readonly reject: string; readonly stage: string; readonly by: string; readonly reason: string; readonly answer: 'done' | 'refused' }
  /** The next ECS deployment event is lost: the backstop must find it. */
  | { readonly lose: 'ecs-event' }
  | { readonly expect: Expectation };

export type Expectation =
  /** The release stands so; `reason` is part of the words that say why. */
  | { readonly release: string; readonly state: string; readonly reason?: string }
  /** The environment runs these releases, by repository: exactly what is named is looked at. */
  | { readonly environment: string; readonly runs: Readonly<Record<string, string>> }
  /** Its cluster is gone (`down`), or there with so many services that have tasks. */
  | { readonly environment: string; readonly services: number | 'down' }
  /** So many executions of the release workflow have begun for this release. */
  | { readonly release: string; readonly executions: number };

export interface Script {
  /** The Monday of the week: `YYYY-MM-DD`. */
  readonly monday: string;
  readonly timeZone: string;
  /** Requests that go to an environment all week, once a release runs there; each must be answered. */
  readonly traffic?: { readonly environment: string; readonly path: string; readonly everySeconds: number };
  readonly steps: readonly Step[];
  /** When it is over: `Fri 21:00`. */
  readonly ends: string;
}

/** The script itself is wrong. */
export class ScriptError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ScriptError';
  }
}

/** Types a script. */
export const defineRehearsal = (script: Script): Script => script;

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/**
 * `Mon 09:30` of the script's week as milliseconds since the epoch.
 * @throws ScriptError if it is no such time
 */
export function timeOf(script: Pick<Script, 'monday' | 'timeZone'>, at: string): number {
  const match = /^([A-Za-z]{3}) (\d{2}):(\d{2})(?::(\d{2}))?$/.exec(at);
  const day = DAYS.indexOf(match?.[1]?.toLowerCase() ?? '');
  if (match === null || day < 0) throw new ScriptError(`"${at}": not a time of the week such as "Mon 09:30"`);
  const [, , hours, minutes, seconds = '00'] = match;
  const local = Date.parse(`${script.monday}T${hours}:${minutes}:${seconds}Z`) + day * 86_400_000;
  // Twice, as the first guess may lie on the other side of a change of the clocks.
  const guess = local - offsetAt(script.timeZone, local);
  return local - offsetAt(script.timeZone, guess);
}

/** Milliseconds that a zone is ahead of UTC at an instant. */
function offsetAt(timeZone: string, instant: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)?.value);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - instant;
}
