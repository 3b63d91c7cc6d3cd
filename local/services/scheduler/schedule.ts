/** What a schedule may say: when, in which zone, how flexible. */
import { ServiceError } from '../../core/service.ts';
import { parseSchedule, type ScheduleExpression } from './expression.ts';
import { isZone } from './zone.ts';

/** @throws ServiceError ValidationException */
export function validateSchedule(expression: string, zone: string): ScheduleExpression {
  if (!isZone(zone)) throw new ServiceError('ValidationException', `Invalid Timezone ${zone}.`);
  const parsed = parseSchedule(expression, zone);
  if (parsed === undefined) throw new ServiceError('ValidationException', `Invalid Schedule Expression ${expression}.`);
  return parsed;
}
