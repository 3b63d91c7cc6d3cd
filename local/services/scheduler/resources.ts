/** The CloudFormation resource types of EventBridge Scheduler. */
import type { CreateScheduleInput, Target } from '@aws-sdk/client-scheduler';
import type { ResourceType } from '../../core/service.ts';
import type { SchedulerAccount } from './account.ts';

interface ScheduleProperties {
  readonly Name?: string;
  readonly GroupName?: string;
  readonly Description?: string;
  readonly ScheduleExpression: string;
  readonly ScheduleExpressionTimezone?: string;
  readonly StartDate?: string;
  readonly EndDate?: string;
  readonly State?: 'ENABLED' | 'DISABLED';
  readonly FlexibleTimeWindow: { readonly Mode: 'OFF' | 'FLEXIBLE'; readonly MaximumWindowInMinutes?: number | string };
  readonly Target: Target;
}

const number = (value: unknown) => (value === undefined ? undefined : Number(value));

/** The properties as the API takes them: dates from text, numbers from text. */
function inputFrom(
  name: string,
  { StartDate, EndDate, FlexibleTimeWindow, Target: target, ...properties }: ScheduleProperties,
): CreateScheduleInput {
  const { RetryPolicy } = target;
  const minutes = number(FlexibleTimeWindow.MaximumWindowInMinutes);
  return {
    ...properties,
    Name: name,
    ...(StartDate === undefined ? {} : { StartDate: new Date(StartDate) }),
    ...(EndDate === undefined ? {} : { EndDate: new Date(EndDate) }),
    FlexibleTimeWindow: { Mode: FlexibleTimeWindow.Mode, ...(minutes === undefined ? {} : { MaximumWindowInMinutes: minutes }) },
    Target: {
      ...target,
      ...(RetryPolicy === undefined
        ? {}
        : {
            RetryPolicy: {
              MaximumRetryAttempts: number(RetryPolicy.MaximumRetryAttempts),
              MaximumEventAgeInSeconds: number(RetryPolicy.MaximumEventAgeInSeconds),
            },
          }),
    },
  };
}

/** All types. */
export function schedulerResources(scheduler: SchedulerAccount): Readonly<Record<string, ResourceType>> {
  const schedule: ResourceType<ScheduleProperties> = {
    properties: [
      'Name',
      'GroupName',
      'Description',
      'ScheduleExpression',
      'ScheduleExpressionTimezone',
      'StartDate',
      'EndDate',
      'State',
      'FlexibleTimeWindow',
      'Target',
    ],
    inert: ['KmsKeyArn'],
    create: (properties, context) => {
      const made = scheduler.create(inputFrom(properties.Name ?? context.generatedName.slice(0, 64), properties));
      return { ref: made.name, attributes: { Arn: made.arn } };
    },
    update: (properties, before) => {
      scheduler.update(inputFrom(before.ref, properties));
      return before;
    },
    delete: (before) => scheduler.delete(before.ref, before.attributes?.Arn?.split('/')[1]),
  };
  return {
    'AWS::Scheduler::Schedule': schedule,
    'AWS::Scheduler::ScheduleGroup': {
      properties: ['Name'],
      inert: ['Tags'],
      create: ({ Name }: { Name?: string }, { generatedName }) => {
        const group = scheduler.createGroup(Name ?? generatedName.slice(0, 64));
        return { ref: group.name, attributes: { Arn: group.arn, State: 'ACTIVE' } };
      },
      delete: (before) => scheduler.deleteGroup(before.ref),
    },
  };
}
