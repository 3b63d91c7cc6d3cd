/** What a schedule calls: a service's usual operation, or any operation of any service. */
import type { Target } from '@aws-sdk/client-scheduler';
import type { Principal } from '../../core/service.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { deliver, parseArn } from '../events/delivery.ts';

/** Services whose name in an ARN of the SDK is not the one of their endpoint. */
const names: Readonly<Record<string, string>> = {
  sfn: 'states',
  eventbridge: 'events',
  cloudwatchlogs: 'logs',
  applicationautoscaling: 'application-autoscaling',
  elasticloadbalancingv2: 'elasticloadbalancing',
};

/** `arn:aws:scheduler:::aws-sdk:<service>:<action>` */
export function universal(arn: string): { service: string; operation: string } | undefined {
  const found = /^arn:aws:scheduler:::aws-sdk:([a-z0-9-]+):([a-zA-Z0-9]+)$/.exec(arn);
  if (found === null) return undefined;
  const [, service, action] = found as unknown as [string, string, string];
  return { service: names[service] ?? service, operation: action[0]!.toUpperCase() + action.slice(1) };
}

/** Keywords that a target's input may hold. https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
export interface ScheduleFacts {
  readonly arn: string;
  /** ISO 8601. */
  readonly time: string;
  readonly executionId: string;
  readonly attempt: number;
}

export function withFacts(input: string, { arn, time, executionId, attempt }: ScheduleFacts): string {
  return input
    .replaceAll('<aws.scheduler.schedule-arn>', arn)
    .replaceAll('<aws.scheduler.scheduled-time>', time)
    .replaceAll('<aws.scheduler.execution-id>', executionId)
    .replaceAll('<aws.scheduler.attempt-number>', String(attempt));
}

/** Calls the target once. @throws ServiceError */
export async function call(site: Site, principal: Principal, target: Target, facts: ScheduleFacts): Promise<unknown> {
  const arn = target.Arn ?? '';
  const input = withFacts(target.Input ?? '{}', facts);
  const any = universal(arn);
  if (any) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(input);
    } catch {
      throw new ServiceError('ValidationException', `The input of ${arn} is not JSON.`);
    }
    return site.call(principal, any.service, any.operation, capitalised(parsed, any.service) as object);
  }
  const group = target.SqsParameters?.MessageGroupId;
  const { DetailType, Source } = target.EventBridgeParameters ?? {};
  return deliver(site, principal, {
    arn,
    body: input,
    ...(group === undefined ? {} : { messageGroupId: group }),
    ...(DetailType && Source ? { event: { source: Source, detailType: DetailType } } : {}),
  });
}

/** Services whose members start in lower case in their own API; universal targets are written in PascalCase for all. */
const lowerCase = new Set(['ecs', 'ecr', 'states', 'codebuild', 'logs']);

/** The members of an input as the service's own API names them: PascalCase or camelCase are both understood. */
function capitalised(input: unknown, service: string): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const first = lowerCase.has(service) ? (name: string) => name[0]!.toLowerCase() : (name: string) => name[0]!.toUpperCase();
  const named = Object.fromEntries(Object.entries(input).map(([name, value]) => [name === '' ? name : first(name) + name.slice(1), value]));
  // The one blob that schedules commonly send.
  if (service === 'lambda' && typeof named.Payload === 'string') named.Payload = new TextEncoder().encode(named.Payload);
  return named;
}

/** @throws ServiceError ValidationException for a target that is none */
export function checkTarget(arn: string): void {
  if (universal(arn) !== undefined) return;
  const { service } = parseArn(arn);
  if (!['lambda', 'states', 'sqs', 'sns', 'events'].includes(service))
    throw new ServiceError('ValidationException', `local AWS has no templated schedule target for ${service} (${arn})`);
}
