/** The findings of cdk-nag that stay, each with its reason. There are at most ten; wildcards in policies have theirs in wildcards.ts. */
import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

export interface Acknowledgement {
  /** As in https://github.com/cdklabs/cdk-nag/blob/main/RULES.md */
  readonly id: string;
  readonly reason: string;
}

export const acknowledgements: readonly Acknowledgement[] = [
  {
    id: 'AwsSolutions-SF1',
    reason: 'Execution logs would hold task tokens. Step Functions keeps the history, the journal keeps what happened.',
  },
  {
    id: 'AwsSolutions-SF2',
    reason: 'Every step logs its execution and the journal tells what it did; traces would tell the same again, per trace paid.',
  },
  {
    id: 'AwsSolutions-SQS3',
    reason: 'Both queues are dead-letter queues: of event rules, schedules and functions, which the rule does not look at.',
  },
  { id: 'AwsSolutions-VPC7', reason: 'A network of load balancer and tasks; its flow logs would cost more than an environment at rest.' },
  { id: 'AwsSolutions-EC23', reason: 'The load balancer is where the world enters: port 80, and nothing else.' },
  { id: 'AwsSolutions-ELB2', reason: 'Access logs need a bucket of the account; who has one adds it to the load balancer.' },
  { id: 'AwsSolutions-ECS4', reason: 'Container Insights is paid by metric; the pipeline does not read it.' },
];

/** Checks every synthesis against the rules AwsSolutions. @param accepted the findings that stay */
export function checkRules(app: App, accepted: readonly Acknowledgement[] = acknowledgements): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  Validations.of(app).acknowledge(...accepted);
}
