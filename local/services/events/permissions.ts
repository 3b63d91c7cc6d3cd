/** The resource policy of an event bus: who else may put events on it. */
import type * as Api from '@aws-sdk/client-eventbridge';
import { type PolicyDocument, type PolicyStatement, ServiceError } from '../../core/service.ts';
import type { EventBus } from './bus.ts';
import { invalid } from './rule.ts';

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const LARGEST = 10_240;

const statementsOf = (policy: PolicyDocument | undefined): readonly PolicyStatement[] =>
  policy === undefined ? [] : [policy.Statement].flat();

/** PutPermission: one statement, or the whole policy. @throws ServiceError */
export function putPermission(bus: EventBus, input: Api.PutPermissionRequest): void {
  const single = [input.Action, input.Principal, input.StatementId, input.Condition];
  if (input.Policy !== undefined) {
    if (single.some((value) => value !== undefined)) throw invalid('Parameter Policy must not be specified together with others.');
    bus.policy = within(parse(input.Policy));
    return;
  }
  const { Action, Principal, StatementId, Condition } = input;
  if (Action === undefined || Principal === undefined || StatementId === undefined)
    throw invalid('Parameters Action, Principal and StatementId, or Policy, must be specified.');
  if (Action !== 'events:PutEvents') throw invalid("Provided value in parameter 'action' is not supported.");
  if (Principal !== '*' && !/^\d{12}$/.test(Principal)) throw invalid("Provided value in parameter 'principal' has to be 12 digits or *.");
  const statement: PolicyStatement = {
    Sid: StatementId,
    Effect: 'Allow',
    Principal: Principal === '*' ? '*' : { AWS: `arn:aws:iam::${Principal}:root` },
    Action,
    Resource: bus.arn,
    ...(Condition === undefined ? {} : { Condition: { [Condition.Type ?? '']: { [Condition.Key ?? '']: Condition.Value } } }),
  };
  const others = statementsOf(bus.policy).filter(({ Sid }) => Sid !== StatementId);
  bus.policy = within({ Version: '2012-10-17', Statement: [...others, statement] });
}

/** @throws ServiceError ResourceNotFoundException */
export function removePermission(bus: EventBus, { StatementId, RemoveAllPermissions }: Api.RemovePermissionRequest): void {
  if (RemoveAllPermissions === true) {
    bus.policy = undefined;
    return;
  }
  const all = statementsOf(bus.policy);
  const left = all.filter(({ Sid }) => Sid !== StatementId);
  if (left.length === all.length) throw new ServiceError('ResourceNotFoundException', 'Statement with the provided id does not exist.');
  bus.policy = left.length === 0 ? undefined : { Version: '2012-10-17', Statement: left };
}

function parse(text: string): PolicyDocument {
  try {
    const policy = JSON.parse(text) as PolicyDocument;
    if (typeof policy === 'object' && policy !== null && policy.Statement !== undefined) return policy;
  } catch {
    // Said below.
  }
  throw invalid('This policy contains invalid Json');
}

function within(policy: PolicyDocument): PolicyDocument {
  if (JSON.stringify(policy).length > LARGEST)
    throw new ServiceError('PolicyLengthExceededException', `The policy is larger than ${LARGEST} characters.`);
  return policy;
}
