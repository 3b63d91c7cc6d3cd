/** A rule on a bus: what it matches or when it fires, and where that goes. */
import type { PutRuleRequest, Tag, Target } from '@aws-sdk/client-eventbridge';
import type { Timer } from '../../core/clock.ts';
import { ServiceError } from '../../core/service.ts';
import { parseRuleSchedule, type ScheduleExpression } from '../scheduler/expression.ts';
import { parseArn } from './delivery.ts';
import type { EventPattern } from './pattern.ts';
import { validPattern } from './verdict.ts';

export const invalid = (message: string) => new ServiceError('ValidationException', message);

/** @throws ServiceError ValidationException */
export function validateRuleSchedule(expression: string, bus: string): ScheduleExpression {
  const parsed = parseRuleSchedule(expression);
  if (parsed === undefined) throw invalid('Parameter ScheduleExpression is not valid.');
  if (bus !== 'default') throw invalid('ScheduleExpression is supported only on the default event bus.');
  return parsed;
}

/** Targets of a rule, at most. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const MAX_TARGETS = 5;
/** What local AWS delivers to. */
const deliverable = ['lambda', 'states', 'sqs', 'sns', 'events', 'logs'];

export class Rule {
  readonly name: string;
  readonly bus: string;
  readonly arn: string;
  readonly targets = new Map<string, Target>();
  tags: readonly Tag[];
  /** The next time a schedule comes due. */
  timer: Timer | undefined;
  /** From where a rate counts (milliseconds since the epoch). */
  anchor = 0;
  enabled = true;
  pattern: EventPattern | undefined;
  schedule: ScheduleExpression | undefined;
  private settings: PutRuleRequest;

  constructor(arn: string, bus: string, settings: PutRuleRequest) {
    this.arn = arn;
    this.bus = bus;
    this.name = settings.Name!;
    this.settings = settings;
    // Only a new rule takes tags: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
    this.tags = settings.Tags ?? [];
    this.change(settings);
  }

  /** @throws ServiceError ValidationException, InvalidEventPatternException */
  change(settings: PutRuleRequest): void {
    if (!settings.EventPattern && !settings.ScheduleExpression)
      throw invalid('Parameter(s) EventPattern or ScheduleExpression must be specified.');
    const pattern = settings.EventPattern ? validPattern(settings.EventPattern) : undefined;
    const schedule = settings.ScheduleExpression ? validateRuleSchedule(settings.ScheduleExpression, this.bus) : undefined;
    this.settings = settings;
    this.pattern = pattern;
    this.schedule = schedule;
    this.enabled = settings.State !== 'DISABLED';
  }

  describe() {
    const { Description, EventPattern, ScheduleExpression, RoleArn } = this.settings;
    return {
      Name: this.name,
      Arn: this.arn,
      State: this.enabled ? ('ENABLED' as const) : ('DISABLED' as const),
      EventBusName: this.bus,
      ...(Description === undefined ? {} : { Description }),
      ...(EventPattern === undefined ? {} : { EventPattern }),
      ...(ScheduleExpression === undefined ? {} : { ScheduleExpression }),
      ...(RoleArn === undefined ? {} : { RoleArn }),
    };
  }

  /** @throws ServiceError ValidationException, LimitExceededException */
  putTargets(targets: readonly Target[]): void {
    for (const target of targets) check(target);
    const ids = new Set([...this.targets.keys(), ...targets.map(({ Id }) => Id)]);
    if (ids.size > MAX_TARGETS)
      throw new ServiceError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
    for (const target of targets) this.targets.set(target.Id!, target);
  }
}

const known = ['Id', 'Arn', 'RoleArn', 'Input', 'InputPath', 'InputTransformer', 'SqsParameters', 'DeadLetterConfig', 'RetryPolicy'];

function check(target: Target): void {
  const { service } = parseArn(target.Arn ?? '');
  if (!deliverable.includes(service)) throw invalid(`local AWS does not deliver events to ${service} (${target.Arn})`);
  const foreign = Object.keys(target).find((name) => !known.includes(name) && target[name as keyof Target] !== undefined);
  if (foreign !== undefined) throw invalid(`local AWS does not know ${foreign} of a target`);
  if (service === 'states' && target.RoleArn === undefined) throw invalid(`RoleArn is required for target ${target.Arn}.`);
  const inputs = [target.Input, target.InputPath, target.InputTransformer].filter((input) => input !== undefined);
  if (inputs.length > 1) throw invalid(`Only one of Input, InputPath, or InputTransformer must be provided for target ${target.Id}.`);
  if (target.Input !== undefined) {
    try {
      JSON.parse(target.Input);
    } catch {
      throw invalid(`JSON syntax error in input for target ${target.Id}.`);
    }
  }
}
