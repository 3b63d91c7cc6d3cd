/** Stands in for a service that is not the subject of a test: answers each operation with what the test says, and remembers the calls. */
import { createHash } from 'node:crypto';
import {
  type Call,
  type Permission,
  type PolicyDocument,
  type Principal,
  type Service,
  ServiceError,
} from '../../../local/core/service.ts';

export interface Recorded {
  readonly operation: string;
  // biome-ignore lint/suspicious/noExplicitAny: the input of whatever operation was called.
  readonly input: any;
  readonly principal: Principal;
  readonly time: number;
}

type Answers = Readonly<Record<string, (input: never) => object | Promise<object>>>;

export class Double implements Service {
  readonly calls: Recorded[] = [];
  readonly operations: Service['operations'];

  /** @param permission what IAM is asked for an operation */
  constructor(answers: Answers, permission: (operation: string, input: never) => Permission) {
    this.operations = Object.fromEntries(
      Object.entries(answers).map(([operation, answer]) => [
        operation,
        {
          authorize: (input: unknown) => [permission(operation, input as never)],
          handle: (input: unknown, call: Call) => {
            this.calls.push({ operation, input, principal: call.principal, time: call.now });
            return answer(input as never);
          },
        },
      ]),
    );
  }
}

/** A queue service that takes messages; `policy` is every queue's own. */
export function queues(policy?: PolicyDocument): Double {
  let count = 0;
  return new Double(
    {
      SendMessage: ({ MessageBody }: { MessageBody: string }) => ({
        MessageId: `m${++count}`,
        MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
      }),
    },
    (operation, { QueueUrl }: { QueueUrl: string }) => {
      const [region, account, name] = /sqs\.([\w-]+)\.amazonaws\.com\/(\d+)\/(.+)/.exec(QueueUrl)!.slice(1);
      return {
        action: `sqs:${operation}`,
        resource: `arn:aws:sqs:${region}:${account}:${name}`,
        ...(policy ? { resourcePolicy: policy } : {}),
      };
    },
  );
}

/** State machines that start. */
export function machines(): Double {
  let count = 0;
  return new Double(
    { StartExecution: () => ({ executionArn: `arn:aws:states:eu-central-1:111111111111:execution:m:${++count}`, startDate: new Date(0) }) },
    (operation, { stateMachineArn }: { stateMachineArn: string }) => ({ action: `states:${operation}`, resource: stateMachineArn }),
  );
}

/** The part of CloudWatch Logs that Lambda writes to. */
export class Logs implements Service {
  readonly operations = {};
  readonly groups = new Set<string>();
  readonly lines: string[] = [];

  append(group: string, _stream: string, lines: readonly string[]): void {
    if (!this.groups.has(group)) throw new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.');
    this.lines.push(...lines);
  }

  createGroup(name: string): void {
    this.groups.add(name);
  }
}

/** A trust policy for a service. */
export const trusts = (service: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
});

export const allows = (Action: string | string[], Resource: string | string[] = '*'): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource }],
});
