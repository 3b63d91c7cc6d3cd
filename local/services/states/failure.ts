/** How the error of a call is named in a state machine: by the SDK for Java that Step Functions calls with. */
import { StateError } from '../../asl/error.ts';
import { LambdaKilled } from '../../core/faults.ts';
import { modelOf } from '../../core/protocols/model.ts';
import { ServiceError } from '../../core/service.ts';

interface Naming {
  /** What stands before the dot. */
  readonly prefix: string;
  /** The exception that stands for every error which the SDK has no class for, such as a refusal by IAM. */
  readonly other: string;
  /** As the SDK writes the service in messages. */
  readonly service: string;
}

/** Optimized integrations use version 1 of the SDK. */
const OPTIMIZED: Readonly<Record<string, Naming>> = {
  lambda: { prefix: 'Lambda', other: 'AWSLambdaException', service: 'AWSLambda' },
  states: { prefix: 'StepFunctions', other: 'AWSStepFunctionsException', service: 'AWSStepFunctions' },
  codebuild: { prefix: 'CodeBuild', other: 'AWSCodeBuildException', service: 'AWSCodeBuild' },
  ecs: { prefix: 'ECS', other: 'AmazonECSException', service: 'AmazonECS' },
  dynamodb: { prefix: 'DynamoDB', other: 'AmazonDynamoDBException', service: 'AmazonDynamoDBv2' },
  sns: { prefix: 'SNS', other: 'AmazonSNSException', service: 'AmazonSNS' },
  sqs: { prefix: 'SQS', other: 'AmazonSQSException', service: 'AmazonSQS' },
  events: { prefix: 'EventBridge', other: 'AmazonEventBridgeException', service: 'AmazonEventBridge' },
};

/** `aws-sdk:` integrations use version 2, whose clients are called so. */
const SDK: Readonly<Record<string, string>> = {
  applicationautoscaling: 'ApplicationAutoScaling',
  cloudwatch: 'CloudWatch',
  cloudwatchlogs: 'CloudWatchLogs',
  codebuild: 'CodeBuild',
  dynamodb: 'DynamoDb',
  ecr: 'Ecr',
  ecs: 'Ecs',
  elasticloadbalancingv2: 'ElasticLoadBalancingV2',
  eventbridge: 'EventBridge',
  lambda: 'Lambda',
  scheduler: 'Scheduler',
  sfn: 'Sfn',
  sns: 'Sns',
  sqs: 'Sqs',
  ssm: 'Ssm',
  sts: 'Sts',
};

function namingOf(service: string): Naming {
  const sdk = service.startsWith('aws-sdk:') ? SDK[service.slice('aws-sdk:'.length)] : undefined;
  if (sdk !== undefined) return { prefix: sdk, other: `${sdk}Exception`, service: sdk };
  return OPTIMIZED[service] ?? { prefix: service, other: `${service}Exception`, service };
}

/**
 * The error that a Task state gets for an error of its call.
 * @param service as the resource names it: `lambda`, `aws-sdk:ecs`
 * @param local the service as local AWS calls it
 */
export function failureOf(error: unknown, service: string, local: string, requestId: string): StateError {
  const { prefix, other, service: named } = namingOf(service);
  // A fault that would end a Lambda ends the connection of a service that calls.
  if (error instanceof LambdaKilled)
    return new StateError(`${prefix}.SdkClientException`, `Unable to execute HTTP request: ${error.message}`);
  if (!(error instanceof ServiceError)) throw error;
  const { code, status, message } = error;
  if (code === 'SdkClientException') return new StateError(`${prefix}.SdkClientException`, message);
  if (code === 'NotImplemented') return new StateError('States.Runtime', message);
  const known = modelOf(local)?.errorShapes.has(code) === true;
  const name = known ? (code.endsWith('Exception') ? code : `${code}Exception`) : other;
  const details = service.startsWith('aws-sdk:')
    ? `(Service: ${named}, Status Code: ${status}, Request ID: ${requestId})`
    : `(Service: ${named}; Status Code: ${status}; Error Code: ${code}; Request ID: ${requestId}; Proxy: null)`;
  return new StateError(`${prefix}.${name}`, `${message} ${details}`);
}
