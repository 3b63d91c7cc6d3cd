/** Hands a payload to the target of a rule, a schedule or a failed invocation, with the rights of whoever sends it. */
import type { Principal } from '../../core/service.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';

/** What is sent where. */
export interface Delivery {
  readonly arn: string;
  /** JSON text, or plain text for queues and topics. */
  readonly body: string;
  /** Of a FIFO queue. */
  readonly messageGroupId?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Of a target that is an event bus. */
  readonly event?: { readonly source: string; readonly detailType: string };
}

/** The parts of an ARN. @throws ServiceError */
export function parseArn(arn: string): { service: string; region: string; account: string; resource: string } {
  const [prefix, , service, region, account, ...resource] = arn.split(':');
  if (prefix !== 'arn' || service === undefined || resource.length === 0)
    throw new ServiceError('ValidationException', `Provided Arn is not in correct format: ${arn}`);
  return { service, region: region!, account: account!, resource: resource.join(':') };
}

const attributes = (values: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]));

/** `https://sqs.<region>.amazonaws.com/<account>/<name>` */
export function queueUrl(arn: string): string {
  const { region, account, resource } = parseArn(arn);
  return `https://sqs.${region}.amazonaws.com/${account}/${resource}`;
}

/**
 * Sends as `principal`, by the service's own API.
 * @throws ServiceError what the target answers, or that it is none we know
 */
export async function deliver(site: Site, principal: Principal, { arn, body, ...more }: Delivery): Promise<unknown> {
  const { service, region, account, resource } = parseArn(arn);
  const there = region === '' || (region === site.region && account === site.account) ? site : site.world.site(account, region);
  switch (service) {
    case 'lambda':
      return there.call(principal, 'lambda', 'Invoke', {
        FunctionName: arn,
        InvocationType: 'Event',
        Payload: new TextEncoder().encode(body),
      });
    case 'states':
      return there.call(principal, 'states', 'StartExecution', { stateMachineArn: arn, input: body });
    case 'sqs':
      return there.call(principal, 'sqs', 'SendMessage', {
        QueueUrl: queueUrl(arn),
        MessageBody: body,
        ...(more.messageGroupId === undefined ? {} : { MessageGroupId: more.messageGroupId }),
        ...(more.attributes ? { MessageAttributes: attributes(more.attributes) } : {}),
      });
    case 'sns':
      return there.call(principal, 'sns', 'Publish', {
        TopicArn: arn,
        Message: body,
        ...(more.attributes ? { MessageAttributes: attributes(more.attributes) } : {}),
      });
    case 'events': {
      const entry = {
        EventBusName: arn,
        Source: more.event?.source ?? 'lambda',
        DetailType: more.event?.detailType ?? 'Event',
        Detail: body,
      };
      const { FailedEntryCount, Entries } = (await there.call(principal, 'events', 'PutEvents', { Entries: [entry] })) as {
        FailedEntryCount?: number;
        Entries?: { ErrorCode?: string; ErrorMessage?: string }[];
      };
      if (FailedEntryCount)
        throw new ServiceError(
          Entries?.[0]?.ErrorCode ?? 'InternalFailure',
          Entries?.[0]?.ErrorMessage ?? 'the bus refused the event',
          500,
        );
      return undefined;
    }
    case 'logs': {
      const group = resource.replace(/^log-group:/, '').replace(/:\*$/, '');
      const stream = `${site.world.random.uuid()}`;
      await there.call(principal, 'logs', 'CreateLogStream', { logGroupName: group, logStreamName: stream });
      const event = { timestamp: site.world.clock.now(), message: body };
      return there.call(principal, 'logs', 'PutLogEvents', { logGroupName: group, logStreamName: stream, logEvents: [event] });
    }
    default:
      throw new ServiceError('ValidationException', `local AWS does not deliver to ${service} (${arn})`);
  }
}
