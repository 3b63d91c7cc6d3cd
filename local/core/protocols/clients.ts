/** Which SDK client knows the schemas of a service, which protocol it speaks and how its common errors are called. */

export type Protocol = 'awsJson1_0' | 'awsJson1_1' | 'restJson1' | 'query' | 'rpcV2Cbor';

export interface Client {
  /** The npm package. */
  readonly client: string;
  readonly protocol: Protocol;
  /** Of the XML answers. */
  readonly namespace?: string;
  /** Formerly a query service: errors also travel under their old names in a header, and old clients still send forms. */
  readonly queryCompatible?: boolean;
  /** Also takes CBOR. */
  readonly cbor?: boolean;
  /** First labels of its host names, before the Region. @default the service's name */
  readonly hosts?: readonly string[];
  /** @default the service's name */
  readonly signingName?: string;
  readonly errors: {
    /** Of a request that makes no sense. */
    readonly invalid: string;
    /** Of a request that breaks a constraint of the API. @default that of `invalid` */
    readonly constraint?: string;
    /** How broken constraints are said. @default coral: all at once, as most of AWS's services do */
    readonly form?: 'coral' | 'ecr' | 'sqs';
    /** @default ThrottlingException, 400 */
    readonly throttled?: readonly [code: string, status: number];
    /** Of the service's own fault, with status 500. */
    readonly internal: string;
  };
}

/** By service name. Protocols and namespaces are those of each client's runtimeConfig; error names those of its error shapes. */
export const CLIENTS: Readonly<Record<string, Client>> = {
  ecs: {
    client: '@aws-sdk/client-ecs',
    protocol: 'awsJson1_1',
    errors: { invalid: 'InvalidParameterException', internal: 'ServerException' },
  },
  ecr: {
    client: '@aws-sdk/client-ecr',
    protocol: 'awsJson1_1',
    hosts: ['api.ecr', 'ecr'],
    errors: { invalid: 'InvalidParameterException', form: 'ecr', internal: 'ServerException' },
  },
  states: {
    client: '@aws-sdk/client-sfn',
    protocol: 'awsJson1_0',
    hosts: ['states', 'sync-states'],
    errors: { invalid: 'ValidationException', internal: 'InternalFailure' },
  },
  events: {
    client: '@aws-sdk/client-eventbridge',
    protocol: 'awsJson1_1',
    errors: { invalid: 'ValidationException', internal: 'InternalException' },
  },
  scheduler: {
    client: '@aws-sdk/client-scheduler',
    protocol: 'restJson1',
    errors: { invalid: 'ValidationException', throttled: ['ThrottlingException', 429], internal: 'InternalServerException' },
  },
  lambda: {
    client: '@aws-sdk/client-lambda',
    protocol: 'restJson1',
    errors: {
      invalid: 'InvalidParameterValueException',
      constraint: 'ValidationException',
      throttled: ['TooManyRequestsException', 429],
      internal: 'ServiceException',
    },
  },
  dynamodb: {
    client: '@aws-sdk/client-dynamodb',
    protocol: 'awsJson1_0',
    errors: { invalid: 'ValidationException', internal: 'InternalServerError' },
  },
  codebuild: {
    client: '@aws-sdk/client-codebuild',
    protocol: 'awsJson1_1',
    errors: { invalid: 'InvalidInputException', internal: 'InternalFailure' },
  },
  cloudwatch: {
    client: '@aws-sdk/client-cloudwatch',
    protocol: 'awsJson1_0',
    queryCompatible: true,
    cbor: true,
    namespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
    hosts: ['monitoring'],
    signingName: 'monitoring',
    errors: { invalid: 'InvalidParameterValueException', constraint: 'ValidationError', internal: 'InternalServiceFault' },
  },
  logs: {
    client: '@aws-sdk/client-cloudwatch-logs',
    protocol: 'awsJson1_1',
    errors: { invalid: 'InvalidParameterException', internal: 'ServiceUnavailableException' },
  },
  sns: {
    client: '@aws-sdk/client-sns',
    protocol: 'query',
    namespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
    errors: { invalid: 'InvalidParameterException', throttled: ['ThrottledException', 429], internal: 'InternalErrorException' },
  },
  sqs: {
    client: '@aws-sdk/client-sqs',
    protocol: 'awsJson1_0',
    queryCompatible: true,
    namespace: 'http://queue.amazonaws.com/doc/2012-11-05/',
    errors: { invalid: 'InvalidParameterValue', form: 'sqs', throttled: ['RequestThrottled', 403], internal: 'InternalError' },
  },
  ssm: {
    client: '@aws-sdk/client-ssm',
    protocol: 'awsJson1_1',
    errors: { invalid: 'ValidationException', internal: 'InternalServerError' },
  },
  sts: {
    client: '@aws-sdk/client-sts',
    protocol: 'query',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    errors: { invalid: 'ValidationError', throttled: ['Throttling', 400], internal: 'InternalFailure' },
  },
  elasticloadbalancing: {
    client: '@aws-sdk/client-elastic-load-balancing-v2',
    protocol: 'query',
    namespace: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
    errors: { invalid: 'ValidationError', throttled: ['Throttling', 400], internal: 'InternalFailure' },
  },
  'application-autoscaling': {
    client: '@aws-sdk/client-application-auto-scaling',
    protocol: 'awsJson1_1',
    errors: { invalid: 'ValidationException', internal: 'InternalServiceException' },
  },
};
