/** Schedule expressions of EventBridge Scheduler and of rules: what `schedule-expressions` holds. */
import { ACCOUNT, Account, PLACE, REGION } from './account.ts';
import { filled, Likeness } from './likeness.ts';

export interface ExpressionCase {
  readonly name: string;
  readonly operation: 'scheduler:CreateSchedule' | 'events:PutRule';
  readonly expression: string;
  readonly flexibleTimeWindow?: object;
  readonly eventBusName?: string;
  readonly accepted: boolean;
  readonly error?: string;
  readonly message?: string;
}

const ROLE = `arn:aws:iam::${ACCOUNT}:role/schedules`;

/** @returns why the case differs; undefined where it agrees */
export async function compareExpression(recorded: ExpressionCase): Promise<string | undefined> {
  const one = filled(recorded, PLACE);
  const account = new Account();
  account.role(ROLE);
  const { expression, eventBusName } = one;
  if (eventBusName !== undefined && eventBusName !== 'default') await account.call('events', 'CreateEventBus', { Name: eventBusName });
  const outcome =
    one.operation === 'events:PutRule'
      ? await account.call('events', 'PutRule', { Name: 'rule', ScheduleExpression: expression, EventBusName: eventBusName })
      : await account.call('scheduler', 'CreateSchedule', {
          Name: 'schedule',
          ScheduleExpression: expression,
          FlexibleTimeWindow: one.flexibleTimeWindow ?? { Mode: 'OFF' },
          Target: { Arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:dummy`, RoleArn: ROLE },
        });
  if ('answer' in outcome) return one.accepted ? undefined : 'accepted, recorded as refused';
  const { error, message } = outcome.refused;
  if (one.accepted) return `refused with ${error}: ${message}`;
  const likeness = new Likeness();
  return (
    (one.error === undefined ? undefined : likeness.difference(one.error, error, 'error')) ??
    (one.message === undefined ? undefined : likeness.difference(one.message, message, 'message'))
  );
}
