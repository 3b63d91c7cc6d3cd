/** The integrations that Step Functions offers: which patterns each knows, and which arguments it cannot do without. */
import type { Pattern, Resource } from './resource.ts';

interface Integration {
  readonly patterns: readonly Pattern[];
  readonly required: readonly string[];
}

const on = (patterns: string, ...required: string[]): Integration => ({ patterns: patterns.split(' ') as Pattern[], required });

/**
 * The optimized integrations. https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
 * Those that local AWS does not run are listed as well: a definition that uses them is right, running it says what is missing.
 */
const OPTIMIZED: Readonly<Record<string, Integration>> = {
  'lambda:invoke': on('request token', 'FunctionName'),
  'states:startExecution': on('request sync sync2 token', 'StateMachineArn'),
  'codebuild:startBuild': on('request sync', 'ProjectName'),
  'codebuild:stopBuild': on('request', 'Id'),
  'codebuild:batchDeleteBuilds': on('request', 'Ids'),
  'codebuild:batchGetReports': on('request', 'ReportArns'),
  'codebuild:startBuildBatch': on('request sync', 'ProjectName'),
  'codebuild:stopBuildBatch': on('request', 'Id'),
  'codebuild:retryBuildBatch': on('request sync'),
  'codebuild:deleteBuildBatch': on('request', 'Id'),
  'ecs:runTask': on('request sync token', 'TaskDefinition'),
  'dynamodb:getItem': on('request', 'TableName', 'Key'),
  'dynamodb:putItem': on('request', 'TableName', 'Item'),
  'dynamodb:updateItem': on('request', 'TableName', 'Key'),
  'dynamodb:deleteItem': on('request', 'TableName', 'Key'),
  'sns:publish': on('request token', 'Message'),
  'sqs:sendMessage': on('request token', 'QueueUrl', 'MessageBody'),
  'events:putEvents': on('request token', 'Entries'),
  'apigateway:invoke': on('request token', 'ApiEndpoint', 'Method'),
  'http:invoke': on('request', 'ApiEndpoint', 'Method'),
  'batch:submitJob': on('request sync token', 'JobName', 'JobQueue', 'JobDefinition'),
  'glue:startJobRun': on('request sync', 'JobName'),
  'databrew:startJobRun': on('request sync', 'Name'),
  'athena:startQueryExecution': on('request sync'),
  'athena:getQueryExecution': on('request', 'QueryExecutionId'),
  'athena:getQueryResults': on('request', 'QueryExecutionId'),
  'bedrock:invokeModel': on('request sync', 'ModelId'),
};

/** Services with further optimized actions, which are not looked at here. */
const UNCHECKED = new Set([
  'sagemaker',
  'elasticmapreduce',
  'emr-containers',
  'emr-serverless',
  'eks',
  'mediaconvert',
  'bedrock',
  'athena',
]);

/** Services of `aws-sdk:` by the name that Step Functions has for them, and local AWS's own name where it differs. */
export const SDK_SERVICES: Readonly<Record<string, string>> = {
  applicationautoscaling: 'application-autoscaling',
  cloudwatch: 'cloudwatch',
  cloudwatchlogs: 'logs',
  codebuild: 'codebuild',
  dynamodb: 'dynamodb',
  ecr: 'ecr',
  ecs: 'ecs',
  elasticloadbalancingv2: 'elasticloadbalancing',
  eventbridge: 'events',
  lambda: 'lambda',
  scheduler: 'scheduler',
  sfn: 'states',
  sns: 'sns',
  sqs: 'sqs',
  ssm: 'ssm',
  sts: 'sts',
};

/** Names that are taken for an `aws-sdk:` service and are none: what people write, and what Step Functions calls it. */
const MISNAMED: Readonly<Record<string, string>> = {
  events: 'eventbridge',
  states: 'sfn',
  stepfunctions: 'sfn',
  logs: 'cloudwatchlogs',
  elasticloadbalancing: 'elasticloadbalancingv2',
  'application-autoscaling': 'applicationautoscaling',
};

const UNKNOWN = 'The value is not a valid resource ARN, or the resource is not available in this region.';

/** Why AWS would refuse the resource; undefined if it would not. */
export function resourceProblem(
  resource: Resource | undefined,
  text: string,
  type: 'STANDARD' | 'EXPRESS' = 'STANDARD',
): string | undefined {
  const unknown = (why: string) => `The resource provided ${text} is not recognized. ${UNKNOWN}${why === '' ? '' : ` (${why})`}`;
  if (resource === undefined) return unknown('');
  if (resource.kind === 'activity' && type === 'EXPRESS') return 'Express state machine does not support Activity ARN';
  if (resource.kind !== 'integration') return undefined;
  const { service, action, pattern } = resource;
  // The space at the end is AWS's.
  if (type === 'EXPRESS' && pattern === 'token') return "Express state machine does not support '.waitForTaskToken' service integration ";
  if (type === 'EXPRESS' && pattern !== 'request')
    return `Express state machine does not support '${text.slice(text.indexOf(action) + action.length)}' service integration`;
  if (service.startsWith('aws-sdk:')) {
    const name = service.slice('aws-sdk:'.length);
    const right = MISNAMED[name];
    if (right !== undefined) return unknown(`the service is called ${right}`);
    if (!/^[a-z]/.test(action)) return unknown('the action starts with a small letter');
    if (pattern === 'sync' || pattern === 'sync2') return unknown('SDK integrations have no .sync');
    return undefined;
  }
  const integration = OPTIMIZED[`${service}:${action}`];
  if (integration === undefined) {
    if (UNCHECKED.has(service)) return undefined;
    const known = Object.keys(OPTIMIZED).filter((name) => name.startsWith(`${service}:`));
    return unknown(known.length === 0 ? `no optimized integration ${service}` : `${service} has ${known.join(', ')}`);
  }
  if (!integration.patterns.includes(pattern)) return unknown(`${service}:${action} has no such pattern`);
  return undefined;
}

/** The arguments that must be there. */
export function requiredArguments(resource: Resource | undefined): readonly string[] {
  if (resource?.kind !== 'integration') return [];
  return OPTIMIZED[`${resource.service}:${resource.action}`]?.required ?? [];
}
