/** Filter policies of SNS: which are accepted, and which messages they let through. What `sns-filter-policies` holds. */
import { ACCOUNT, Account, PLACE, REGION } from './account.ts';
import { filled, Likeness } from './likeness.ts';

export interface FilterCase {
  readonly name: string;
  readonly scope: 'MessageAttributes' | 'MessageBody';
  readonly policyText: string;
  readonly operation?: 'sns:Subscribe' | 'sns:SetSubscriptionAttributes';
  readonly accepted?: boolean;
  readonly error?: string;
  readonly message?: string;
  readonly body?: string;
  readonly attributes?: object;
  readonly matches?: boolean;
}

const QUEUE = `arn:aws:sqs:${REGION}:${ACCOUNT}:queue`;
const OPEN = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }],
};

/** @returns why the case differs; undefined where it agrees */
export async function compareFilter(recorded: FilterCase): Promise<string | undefined> {
  const one = filled(recorded, PLACE);
  const account = new Account();
  const done = async (service: string, operation: string, request: object) => {
    const outcome = await account.call(service, operation, request);
    if ('refused' in outcome) throw new Error(`${operation}: ${outcome.refused.message}`);
    return outcome.answer;
  };
  const { TopicArn } = await done('sns', 'CreateTopic', { Name: 'topic' });
  const { QueueUrl } = await done('sqs', 'CreateQueue', { QueueName: 'queue', Attributes: { Policy: JSON.stringify(OPEN) } });
  const subscription = { TopicArn, Protocol: 'sqs', Endpoint: QUEUE, ReturnSubscriptionArn: true };
  const scope = one.scope === 'MessageBody' ? { FilterPolicyScope: one.scope } : {};
  const outcome =
    one.operation === 'sns:SetSubscriptionAttributes'
      ? await account.call('sns', 'SetSubscriptionAttributes', {
          SubscriptionArn: (await done('sns', 'Subscribe', { ...subscription, Attributes: scope })).SubscriptionArn,
          AttributeName: 'FilterPolicy',
          AttributeValue: one.policyText,
        })
      : await account.call('sns', 'Subscribe', { ...subscription, Attributes: { ...scope, FilterPolicy: one.policyText } });
  if ('refused' in outcome) {
    const { error, message } = outcome.refused;
    if (one.accepted !== false) return `refused with ${error}: ${message}`;
    const likeness = new Likeness([], true);
    return (
      (one.error === undefined ? undefined : likeness.difference(one.error, error, 'error')) ??
      (one.message === undefined ? undefined : likeness.difference(one.message, message, 'message'))
    );
  }
  if (one.accepted === false) return `accepted, recorded ${one.message}`;
  if (one.matches === undefined) return undefined;
  await done('sns', 'Publish', { TopicArn, Message: one.body, MessageAttributes: one.attributes });
  await account.pass(60);
  const { Messages = [] } = await done('sqs', 'ReceiveMessage', { QueueUrl });
  return new Likeness().difference(one.matches, (Messages as object[]).length > 0, 'arrives');
}
