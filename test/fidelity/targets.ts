/** What the target of a rule receives: what `event-inputs` holds. */
import { ACCOUNT, Account, PLACE, REGION } from './account.ts';
import { filled, Likeness } from './likeness.ts';

export interface TargetCase {
  readonly name: string;
  readonly pattern: object;
  readonly inputPath?: string;
  readonly inputTransformer?: object;
  readonly entries: readonly object[];
  readonly received: readonly unknown[];
}

const OPEN = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }],
};

/** @returns why the case differs; undefined where it agrees */
export async function compareTarget(recorded: TargetCase): Promise<string | undefined> {
  const one = filled(recorded, PLACE);
  const account = new Account();
  const done = async (service: string, operation: string, request: object) => {
    const outcome = await account.call(service, operation, request);
    if ('refused' in outcome) throw new Error(`${operation}: ${outcome.refused.message}`);
    return outcome.answer;
  };
  const EventBusName = 'bus';
  await done('events', 'CreateEventBus', { Name: EventBusName });
  const { QueueUrl } = await done('sqs', 'CreateQueue', { QueueName: 'queue', Attributes: { Policy: JSON.stringify(OPEN) } });
  await done('events', 'PutRule', { Name: 'rule', EventBusName, EventPattern: JSON.stringify(one.pattern) });
  const target = {
    Id: 'target',
    Arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:queue`,
    InputPath: one.inputPath,
    InputTransformer: one.inputTransformer,
  };
  await done('events', 'PutTargets', { Rule: 'rule', EventBusName, Targets: [target] });
  await done('events', 'PutEvents', { Entries: one.entries.map((entry) => ({ ...entry, EventBusName })) });
  await account.pass(60);
  const { Messages = [] } = await done('sqs', 'ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10 });
  const bodies = (Messages as readonly { readonly Body: string }[]).map(({ Body }) => Body);
  // Inside a text the recordings have the word `date` for every time.
  return new Likeness([], true).difference(one.received, bodies.map(withoutTimes), 'received');
}

const withoutTimes = (body: string) => body.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'date');
