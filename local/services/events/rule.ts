/** What a rule may say: its name, pattern and schedule. */
import { ServiceError } from '../../core/service.ts';
import { parseRuleSchedule, type ScheduleExpression } from '../scheduler/expression.ts';

/** @throws ServiceError ValidationException */
export function validateRuleSchedule(expression: string, bus: string): ScheduleExpression {
  const parsed = parseRuleSchedule(expression);
  if (parsed === undefined) throw new ServiceError('ValidationException', 'Parameter ScheduleExpression is not valid.');
  if (bus !== 'default') throw new ServiceError('ValidationException', 'ScheduleExpression is supported only on the default event bus.');
  return parsed;
}
