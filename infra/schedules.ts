/** What happens by the clock: the sweep, and the hours of on-demand environments in their own time zones. */
import { type Stack, aws_scheduler as scheduler } from 'aws-cdk-lib';
import type { Hours } from '../domain/pipeline/pipeline.ts';
import { required } from './events.ts';
import type { StepFunction } from './functions.ts';
import { closingSchedule, openingSchedule, pascal, schedulerRole, sweepSchedule } from './names.ts';
import type { Place } from './place.ts';
import { role, serviceOf } from './policy.ts';
import type { Storage } from './storage.ts';

const DAYS = ['', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'];

/**
 * `cron(0 20 ? * MON,TUE *)` for 20:00 on ISO weekdays 1 and 2.
 * @param time `HH:MM`
 */
export function cron(days: readonly number[], time: string): string {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return `cron(${minute} ${hour} ? * ${days.map((day) => DAYS[day]).join(',')} *)`;
}

export function schedules(stack: Stack, place: Place, functions: ReadonlyMap<string, StepFunction>, storage: Storage): void {
  const sweep = required(functions, 'sweep').function.functionArn;
  const onDemand = place.environments.filter((environment) => environment.onDemand !== undefined);
  const ownRole = role(
    stack,
    'SchedulerRole',
    schedulerRole(place.name),
    'EventBridge Scheduler starts things with it',
    serviceOf('scheduler', place.account),
    [
      { Sid: 'Sweep', Action: ['lambda:InvokeFunction'], Resource: sweep },
      ...(onDemand.length > 0
        ? [{ Sid: 'OpenAndClose', Action: ['states:StartExecution'], Resource: [place.machineArn('wake'), place.machineArn('teardown')] }]
        : []),
      { Sid: 'Undelivered', Action: ['sqs:SendMessage'], Resource: storage.undelivered.attrArn },
    ],
  );
  const schedule = (
    id: string,
    name: string,
    description: string,
    expression: string,
    target: string,
    input: object,
    retries: number,
    zone?: string,
  ) =>
    new scheduler.CfnSchedule(stack, id, {
      name,
      description,
      scheduleExpression: expression,
      ...(zone === undefined ? {} : { scheduleExpressionTimezone: zone }),
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      target: {
        arn: target,
        roleArn: ownRole.attrArn,
        input: JSON.stringify(input),
        retryPolicy: { maximumEventAgeInSeconds: 3_600, maximumRetryAttempts: retries },
        deadLetterConfig: { arn: storage.undelivered.attrArn },
      },
    });

  const every = place.pipeline.sweepMinutes;
  // The next sweep does what a lost one would have done.
  schedule(
    'Sweeping',
    sweepSchedule(place.name),
    'Finds what events have lost',
    `rate(${every} minute${every === 1 ? '' : 's'})`,
    sweep,
    {},
    2,
  );
  for (const environment of onDemand) {
    const { days, from, to, timeZone }: Hours = environment.onDemand!.hours;
    const id = pascal(environment.name);
    const { name } = environment;
    const at = (time: string) => cron(days, time);
    schedule(
      `${id}Closing`,
      closingSchedule(place.name, name),
      `The hours of ${name} end`,
      at(to),
      place.machineArn('teardown'),
      { environment: name, cause: 'hours' },
      20,
      timeZone,
    );
    schedule(
      `${id}Opening`,
      openingSchedule(place.name, name),
      `The hours of ${name} begin`,
      at(from),
      place.machineArn('wake'),
      { environment: name, cause: 'morning' },
      20,
      timeZone,
    );
  }
}
