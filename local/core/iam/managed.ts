/** The policies that AWS itself manages, as far as they are known here. */
import type { PolicyDocument, PolicyStatement } from '../service.ts';

const allow = (
  Action: readonly string[],
  Resource: string | readonly string[] = '*',
  Condition?: PolicyStatement['Condition'],
): PolicyStatement => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
});

/** By what follows `arn:aws:iam::aws:policy/`. Contents: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html */
const POLICIES: Readonly<Record<string, readonly PolicyStatement[]>> = {
  AdministratorAccess: [allow(['*'])],
  'service-role/AWSLambdaBasicExecutionRole': [allow(['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'])],
  'service-role/AmazonECSTaskExecutionRolePolicy': [
    allow([
      'ecr:GetAuthorizationToken',
      'ecr:BatchCheckLayerAvailability',
      'ecr:GetDownloadUrlForLayer',
      'ecr:BatchGetImage',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]),
  ],
  'service-role/AWSLambdaSQSQueueExecutionRole': [
    allow([
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]),
  ],
  'service-role/AWSLambdaDynamoDBExecutionRole': [
    allow([
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]),
  ],
  AmazonECSInfrastructureRolePolicyForLoadBalancers: [
    allow([
      'elasticloadbalancing:DescribeListeners',
      'elasticloadbalancing:DescribeRules',
      'elasticloadbalancing:DescribeTargetGroups',
      'elasticloadbalancing:DescribeTargetHealth',
    ]),
    allow(
      ['elasticloadbalancing:ModifyListener'],
      ['arn:aws:elasticloadbalancing:*:*:listener/app/*/*/*', 'arn:aws:elasticloadbalancing:*:*:listener/net/*/*/*'],
    ),
    allow(
      ['elasticloadbalancing:ModifyRule'],
      ['arn:aws:elasticloadbalancing:*:*:listener-rule/app/*/*/*/*', 'arn:aws:elasticloadbalancing:*:*:listener-rule/net/*/*/*/*'],
    ),
    allow(
      ['elasticloadbalancing:RegisterTargets', 'elasticloadbalancing:DeregisterTargets'],
      'arn:aws:elasticloadbalancing:*:*:targetgroup/*/*',
    ),
  ],
};

/** The document of an AWS managed policy; undefined where it is not known here. */
export function managedByAws(arn: string): PolicyDocument | undefined {
  const statements = POLICIES[arn.slice('arn:aws:iam::aws:policy/'.length)];
  return statements === undefined ? undefined : documents(arn, statements);
}

// One object for each policy, so that what was compiled from it is found again.
const made = new Map<string, PolicyDocument>();

function documents(arn: string, Statement: readonly PolicyStatement[]): PolicyDocument {
  let document = made.get(arn);
  if (document === undefined) {
    document = { Version: '2012-10-17', Statement };
    made.set(arn, document);
  }
  return document;
}
