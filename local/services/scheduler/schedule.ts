/** A schedule: when, in which zone, how flexible, and what it calls. */
import type { CreateScheduleInput, GetScheduleOutput, ScheduleSummary } from '@aws-sdk/client-scheduler';
import type { Timer } from '../../core/clock.ts';
import { ServiceError } from '../../core/service.ts';
import { nextDue, parseSchedule, type ScheduleExpression } from './expression.ts';
import { isZone } from './zone.ts';

export const invalid = (message: string) => new ServiceError('ValidationException', message);

/** @throws ServiceError ValidationException */
export function validateSchedule(expression: string, zone: string): ScheduleExpression {
  if (!isZone(zone)) throw invalid(`Invalid ScheduleExpressionTimezone ${zone}.`);
  const parsed = parseSchedule(expression, zone);
  if (parsed === undefined) throw invalid(`Invalid Schedule Expression ${expression}.`);
  return parsed;
}

export class Schedule {
  readonly name: string;
  readonly group: string;
  readonly arn: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  modified: number;
  settings: CreateScheduleInput;
  expression: ScheduleExpression;
  /** The next time it comes due: one at a time. */
  timer: Timer | undefined;
  /** Invocations that wait in a flexible window. */
  readonly late = new Map<number, Timer>();

  /** @throws ServiceError ValidationException */
  constructor(arn: string, group: string, settings: CreateScheduleInput, now: number) {
    this.arn = arn;
    this.group = group;
    this.name = settings.Name!;
    this.created = now;
    this.modified = now;
    this.settings = settings;
    this.expression = check(settings, now);
  }

  /** Replaces all settings. @throws ServiceError ValidationException */
  change(settings: CreateScheduleInput, now: number): void {
    this.expression = check(settings, now);
    this.settings = settings;
    this.modified = now;
  }

  get enabled(): boolean {
    return this.settings.State !== 'DISABLED';
  }

  /** Milliseconds since the epoch of the next time after `after`, within start and end. */
  due(after: number): number | undefined {
    const { expression, settings } = this;
    if (expression.kind === 'at') return nextDue(expression, after, 0);
    const start = settings.StartDate?.getTime();
    // A rate without a start begins at once, and counts from when it was last set.
    const anchor = start ?? this.modified;
    const due = nextDue(expression, Math.max(after, (start ?? 0) - 1), anchor);
    const end = settings.EndDate?.getTime();
    return due === undefined || (end !== undefined && due > end) ? undefined : due;
  }

  describe(): GetScheduleOutput {
    const { ClientToken: _, ...settings } = this.settings;
    return {
      ...settings,
      Arn: this.arn,
      GroupName: this.group,
      State: settings.State ?? 'ENABLED',
      ScheduleExpressionTimezone: settings.ScheduleExpressionTimezone ?? 'UTC',
      ActionAfterCompletion: settings.ActionAfterCompletion ?? 'NONE',
      CreationDate: new Date(this.created),
      LastModificationDate: new Date(this.modified),
    };
  }

  summary(): ScheduleSummary {
    const { Arn, Name, GroupName, State, CreationDate, LastModificationDate, Target } = this.describe();
    return { Arn, Name, GroupName, State, CreationDate, LastModificationDate, Target: { Arn: Target?.Arn } };
  }
}

const knownOfTarget = ['Arn', 'RoleArn', 'Input', 'RetryPolicy', 'DeadLetterConfig', 'SqsParameters', 'EventBridgeParameters'];

/** How far back a start may lie, in milliseconds. */
const START_TOLERANCE = 5 * 60_000;

/** @throws ServiceError ValidationException */
function check(settings: CreateScheduleInput, now: number): ScheduleExpression {
  const {
    Name,
    ScheduleExpression = '',
    ScheduleExpressionTimezone = 'UTC',
    FlexibleTimeWindow: window,
    Target,
    StartDate,
    EndDate,
  } = settings;
  if (!/^[0-9a-zA-Z\-_.]{1,64}$/.test(Name ?? ''))
    throw invalid(
      `1 validation error detected: Value '${Name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9a-zA-Z-_.]+`,
    );
  const expression = validateSchedule(ScheduleExpression, ScheduleExpressionTimezone);
  const minutes = window?.MaximumWindowInMinutes;
  if (window?.Mode === 'FLEXIBLE' && !(minutes !== undefined && minutes >= 1 && minutes <= 1_440))
    throw invalid('MaximumWindowInMinutes must be between 1 and 1440 for a flexible time window.');
  if (window?.Mode === 'OFF' && minutes !== undefined)
    throw invalid('MaximumWindowInMinutes must not be set if FlexibleTimeWindow is OFF.');
  if (expression.kind === 'at') {
    // Start and end are ignored for one-time schedules. A moment in the past is taken, as recorded, and never comes.
    if (expression.moment === undefined)
      throw invalid(
        `Invalid Schedule Expression ${ScheduleExpression}. Clocks in ${ScheduleExpressionTimezone} skip that time, and local AWS knows of no documented time to run it at instead.`,
      );
  } else if (StartDate && StartDate.getTime() < now - START_TOLERANCE)
    throw invalid('The StartDate you specify cannot be earlier than 5 minutes ago.');
  else if (StartDate && EndDate && StartDate >= EndDate) throw invalid('The StartDate must be before the EndDate.');
  const foreign = Object.entries(Target ?? {}).find(([name, value]) => !knownOfTarget.includes(name) && value !== undefined)?.[0];
  if (foreign !== undefined) throw invalid(`local AWS does not know ${foreign} of a schedule's target`);
  return expression;
}
