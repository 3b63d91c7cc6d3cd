/** What every function may do, in one table. Nothing here ends in a wildcard that a name could replace. */
import * as names from '../domain/names.ts';
import type { Place } from './place.ts';
import type { Statement } from './policy.ts';

/** What a function needs, in words; {@link grants} says what that is in IAM. */
export type Need =
  | 'ledger'
  | 'journal'
  | 'look at images'
  | 'read image labels'
  | 'find repositories'
  | 'read parameters'
  | 'answer waiting steps'
  | 'look at executions'
  | 'start releases'
  | 'start wakes'
  | 'change environments'
  | 'report failures'
  | 'read the journal stream'
  | 'publish notices';

/** By function: the name of its file. */
export const needs: Readonly<Record<string, readonly Need[]>> = {
  'on-image-push': ['look at images', 'start releases', 'report failures'],
  'admit-release': ['ledger', 'journal', 'look at images', 'read image labels'],
  'request-approval': ['ledger', 'journal', 'answer waiting steps'],
  decide: ['ledger', 'journal', 'answer waiting steps'],
  'take-turn': ['ledger', 'journal', 'answer waiting steps', 'look at images', 'look at executions', 'start wakes'],
  'register-task-definitions': ['ledger', 'journal', 'look at images', 'find repositories', 'read parameters', 'change environments'],
  'deploy-services': ['ledger', 'journal', 'answer waiting steps', 'read parameters', 'change environments'],
  'on-ecs-event': ['ledger', 'journal', 'answer waiting steps', 'change environments', 'report failures'],
  'run-checks': ['ledger', 'read parameters'],
  'roll-back': ['ledger', 'journal', 'answer waiting steps', 'read parameters', 'change environments'],
  'complete-promotion': ['ledger', 'journal', 'answer waiting steps'],
  'complete-release': ['ledger', 'journal', 'answer waiting steps'],
  'wake-environment': ['ledger', 'journal', 'answer waiting steps', 'look at images', 'read parameters', 'change environments'],
  'teardown-environment': ['ledger', 'journal', 'answer waiting steps', 'read parameters', 'start wakes', 'change environments'],
  'on-execution-ended': [
    'ledger',
    'journal',
    'answer waiting steps',
    'look at executions',
    'read parameters',
    'change environments',
    'report failures',
  ],
  sweep: [
    'ledger',
    'journal',
    'look at images',
    'answer waiting steps',
    'look at executions',
    'start releases',
    'start wakes',
    'read parameters',
    'change environments',
    'report failures',
  ],
  notify: ['read the journal stream', 'publish notices', 'report failures'],
};

/** The functions that take on the deploy roles: they alone are trusted by them. */
export const deployers: readonly string[] = Object.entries(needs)
  .filter(([, list]) => list.includes('change environments'))
  .map(([name]) => name);

/** What a need is in IAM. Actions that know no resource, by the service authorization reference, get `*`. */
function grants(place: Place): Readonly<Record<Need, readonly Statement[]>> {
  const { name, ledgerArn, journalArn, repositoryArns } = place;
  return {
    ledger: [
      {
        Sid: 'Ledger',
        Action: ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'ConditionCheckItem'].map((action) => `dynamodb:${action}`),
        Resource: [ledgerArn, `${ledgerArn}/index/index`],
      },
    ],
    // Entries are only ever added, and the table has no other writer.
    journal: [{ Sid: 'Journal', Action: ['dynamodb:PutItem'], Resource: journalArn }],
    'look at images': [{ Sid: 'LookAtImages', Action: ['ecr:DescribeImages'], Resource: repositoryArns }],
    'read image labels': [
      { Sid: 'ReadImageLabels', Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'], Resource: repositoryArns },
    ],
    'find repositories': [{ Sid: 'FindRepositories', Action: ['ecr:DescribeRepositories'], Resource: repositoryArns }],
    'read parameters': [
      { Sid: 'ReadParameters', Action: ['ssm:GetParameters'], Resource: place.arn('ssm', `parameter/shiplock/${name}/*`) },
    ],
    'answer waiting steps': [{ Sid: 'AnswerWaitingSteps', Action: ['states:SendTaskSuccess', 'states:SendTaskFailure'], Resource: '*' }],
    'look at executions': [
      {
        Sid: 'LookAtExecutions',
        Action: ['states:DescribeExecution'],
        Resource: WORKFLOWS.map((workflow) => place.executionsArn(workflow)),
      },
    ],
    'start releases': [{ Sid: 'StartReleases', Action: ['states:StartExecution'], Resource: place.machineArn('release') }],
    'start wakes': [{ Sid: 'StartWakes', Action: ['states:StartExecution'], Resource: place.machineArn('wake') }],
    'change environments': [
      {
        Sid: 'ChangeEnvironments',
        Action: ['sts:AssumeRole'],
        Resource: place.environments.map((environment) => place.roleArn(names.deployRole(name, environment.name))),
      },
    ],
    'report failures': [{ Sid: 'ReportFailures', Action: ['sqs:SendMessage'], Resource: place.unhandledArn }],
    'read the journal stream': [
      {
        Sid: 'ReadJournalStream',
        Action: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
        Resource: `${journalArn}/stream/*`,
      },
      { Sid: 'FindJournalStream', Action: ['dynamodb:ListStreams'], Resource: '*' },
    ],
    'publish notices': [{ Sid: 'PublishNotices', Action: ['sns:Publish'], Resource: place.noticesArn }],
  };
}

const WORKFLOWS: readonly names.Workflow[] = ['release', 'promotion', 'wake', 'teardown'];

/**
 * The policy of a function's role, its own log included.
 * @throws Error for a function that is not in the table
 */
export function statementsFor(place: Place, file: string): Statement[] {
  const list = needs[file];
  if (list === undefined) throw new Error(`functions/${file}.ts: infra/permissions.ts does not say what it may do`);
  const byNeed = grants(place);
  const log = place.arn('logs', `log-group:/aws/lambda/${names.functionName(place.name, file)}:*`);
  return [{ Sid: 'Log', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: log }, ...list.flatMap((need) => byNeed[need])];
}

/** What people of the pipeline may do: decide, where the function itself looks who they are, and read. */
export function peopleStatements(place: Place): Statement[] {
  const decide = place.functionArn('decide');
  return [
    // Function URLs ask for both. https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    {
      Sid: 'Decide',
      Action: ['lambda:InvokeFunctionUrl'],
      Resource: decide,
      Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
    },
    {
      Sid: 'DecideByUrl',
      Action: ['lambda:InvokeFunction'],
      Resource: decide,
      Condition: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
    },
    { Sid: 'FindDecide', Action: ['lambda:GetFunctionUrlConfig'], Resource: decide },
    {
      Sid: 'Read',
      Action: ['dynamodb:GetItem', 'dynamodb:Query'],
      Resource: [place.ledgerArn, `${place.ledgerArn}/index/index`, place.journalArn, `${place.journalArn}/index/index`],
    },
  ];
}

/** What the deploy role of one environment may do: nothing outside it. */
export function deployStatements(place: Place, environment: string): Statement[] {
  const cluster = names.environmentName(place.name, environment);
  const under = (kind: string) => place.arn('ecs', `${kind}/${cluster}/*`);
  const families = familyNames(place, environment).map((family) => place.arn('ecs', `task-definition/${family}:*`));
  const clusterArn = place.arn('ecs', `cluster/${cluster}`);
  const inCluster = { ArnEquals: { 'ecs:cluster': clusterArn } };
  return [
    {
      Sid: 'ChangeServices',
      Action: ['ecs:CreateService', 'ecs:UpdateService', 'ecs:DeleteService', 'ecs:DescribeServices'],
      Resource: under('service'),
      Condition: inCluster,
    },
    {
      Sid: 'FollowDeployments',
      Action: ['ecs:ListServiceDeployments', 'ecs:DescribeServiceDeployments', 'ecs:StopServiceDeployment', 'ecs:DescribeServiceRevisions'],
      Resource: [under('service'), under('service-deployment'), under('service-revision')],
    },
    { Sid: 'OwnTheCluster', Action: ['ecs:CreateCluster', 'ecs:DeleteCluster', 'ecs:DescribeClusters'], Resource: clusterArn },
    { Sid: 'Register', Action: ['ecs:RegisterTaskDefinition'], Resource: families },
    {
      Sid: 'TagWhatIsMade',
      Action: ['ecs:TagResource'],
      Resource: [...families, under('service'), clusterArn],
      Condition: { StringEquals: { 'ecs:CreateAction': ['RegisterTaskDefinition', 'CreateService', 'CreateCluster'] } },
    },
    { Sid: 'LookAtRevisions', Action: ['ecs:DescribeTaskDefinition'], Resource: '*' },
    { Sid: 'FindStoppedTasks', Action: ['ecs:ListTasks'], Resource: under('container-instance'), Condition: inCluster },
    { Sid: 'LookAtTasks', Action: ['ecs:DescribeTasks'], Resource: under('task'), Condition: inCluster },
    {
      Sid: 'PassRolesOfTasks',
      Action: ['iam:PassRole'],
      Resource: [names.executionRole(place.name, environment), names.taskRole(place.name, environment)].map((role) => place.roleArn(role)),
      Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    },
    {
      Sid: 'LeadRequests',
      Action: ['elasticloadbalancing:CreateRule', 'elasticloadbalancing:DeleteRule'],
      Resource: [
        place.arn('elasticloadbalancing', `listener/app/${cluster}/*`),
        place.arn('elasticloadbalancing', `listener-rule/app/${cluster}/*`),
      ],
    },
    {
      Sid: 'LookAtRules',
      Action: [
        'elasticloadbalancing:DescribeRules',
        'elasticloadbalancing:DescribeTargetHealth',
        'elasticloadbalancing:DescribeTargetGroups',
      ],
      Resource: '*',
    },
    {
      Sid: 'ReadLogs',
      Action: ['logs:GetLogEvents', 'logs:FilterLogEvents'],
      Resource: place.arn('logs', `log-group:${names.logGroup(place.name, environment, '*')}`),
    },
  ];
}

/** Families by name, which `acme-test-*` is not quite: it also means those of an environment `test-eu`. Many services get the prefix. */
const familyNames = (place: Place, environment: string): string[] =>
  (place.services.length <= 30 ? place.services.map(({ name }) => name) : ['*']).map((service) =>
    names.family(place.name, environment, service),
  );
