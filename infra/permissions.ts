/** What every function may do, in one table. Nothing here ends in a wildcard that a name could replace. */
import { FAMILIES_BY_NAME } from '../domain/configuration/limits.ts';
import { homesOf } from '../domain/database/databases.ts';
import * as names from '../domain/pipeline/names.ts';
import type { Environment } from '../domain/pipeline/pipeline.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import type { Place } from './place.ts';
import type { Statement } from './policy.ts';

/** What a function needs, in words; {@link grants} says what that is in IAM. */
export type Need =
  | 'ledger: get'
  | 'ledger: get many'
  | 'ledger: put many'
  | 'ledger: check'
  | 'ledger: put'
  | 'ledger: update'
  | 'ledger: delete'
  | 'ledger: query'
  | 'ledger: query index'
  | 'journal'
  | 'look at images'
  | 'read image labels'
  | 'find repositories'
  | 'read parameters'
  | 'answer waiting steps'
  | 'let waiting steps go on'
  | 'fail waiting steps'
  | 'look at executions'
  | 'start releases'
  | 'start wakes'
  | 'start teardowns'
  | 'start promotions'
  | 'stop executions'
  | 'change environments'
  | 'report failures'
  | 'read the journal stream'
  | 'read build logs'
  | 'publish notices'
  | 'read webhooks';

/** Records of its own, and answers, which go through the outbox. */
const RECORDS: readonly Need[] = ['ledger: get', 'ledger: put', 'ledger: update', 'ledger: delete'];

/** The turns of an environment, whose next holders are told. Only who takes a turn, ends an environment's, or gives a wake up, fails others. */
const TURNS: readonly Need[] = [
  'ledger: get',
  'ledger: get many',
  'ledger: put',
  'ledger: delete',
  'ledger: query',
  'let waiting steps go on',
];

/** By function: the name of its file. */
export const needs: Readonly<Record<string, readonly Need[]>> = {
  'on-image-push': ['look at images', 'start releases', 'report failures'],
  'admit-release': ['ledger: get', 'ledger: put', 'journal', 'look at images', 'read image labels'],
  'request-approval': [...RECORDS, 'ledger: get many', 'journal', 'fail waiting steps'],
  decide: [
    ...RECORDS,
    'ledger: query',
    'ledger: query index',
    'journal',
    'answer waiting steps',
    'look at images',
    'start releases',
    'start promotions',
    'start wakes',
    'start teardowns',
    'stop executions',
  ],
  'take-turn': [...RECORDS, ...TURNS, 'ledger: check', 'fail waiting steps', 'journal', 'start wakes'],
  'register-task-definitions': [
    'ledger: get many',
    'ledger: query',
    'ledger: update',
    'journal',
    'look at images',
    'find repositories',
    'read parameters',
    'change environments',
  ],
  'migrate-databases': [...RECORDS, 'ledger: query', 'journal', 'answer waiting steps', 'read parameters', 'change environments'],
  'on-migration-ended': [...RECORDS, 'ledger: query', 'journal', 'answer waiting steps', 'change environments', 'report failures'],
  'deploy-services': ['ledger: get', 'ledger: get many', 'ledger: put', 'ledger: update', 'answer waiting steps', 'change environments'],
  'on-ecs-event': [...RECORDS, 'ledger: get many', 'answer waiting steps', 'change environments', 'report failures'],
  'run-checks': ['ledger: get', 'ledger: update', 'read build logs'],
  'request-confirmation': [...RECORDS, 'journal', 'fail waiting steps'],
  'shift-traffic': [
    'ledger: get',
    'ledger: get many',
    'ledger: put',
    'ledger: update',
    'journal',
    'answer waiting steps',
    'change environments',
  ],
  'roll-back': [...RECORDS, 'ledger: get many', 'journal', 'answer waiting steps', 'read parameters', 'change environments'],
  'complete-promotion': [...RECORDS, ...TURNS, 'ledger: check', 'journal'],
  'complete-release': [...RECORDS, 'journal'],
  'wake-environment': [...RECORDS, ...TURNS, 'fail waiting steps', 'journal', 'read parameters', 'change environments'],
  'teardown-environment': [...TURNS, 'fail waiting steps', 'journal', 'start wakes', 'read parameters', 'change environments'],
  'on-execution-ended': [
    ...RECORDS,
    ...TURNS,
    'ledger: check',
    'fail waiting steps',
    'journal',
    'read parameters',
    'change environments',
    'report failures',
  ],
  sweep: [
    ...RECORDS,
    ...TURNS,
    'ledger: check',
    'fail waiting steps',
    'ledger: query index',
    'journal',
    'look at images',
    'look at executions',
    'start releases',
    'start wakes',
    'start teardowns',
    'read parameters',
    'change environments',
    'report failures',
  ],
  notify: ['ledger: get many', 'ledger: put many', 'read the journal stream', 'publish notices', 'report failures'],
  'post-notice': ['ledger: get', 'ledger: put', 'read webhooks', 'report failures'],
};

/** The functions that take on the deploy roles: they alone are trusted by them. */
export const deployers: readonly string[] = Object.entries(needs)
  .filter(([, list]) => list.includes('change environments'))
  .map(([name]) => name);

/** What a need is in IAM. Actions that know no resource, by the service authorization reference, get `*`. */
function grants(place: Place): Readonly<Record<Need, readonly Statement[]>> {
  const { name, ledgerArn, journalArn, repositoryArns } = place;
  const onLedger = (action: string): Statement[] => [{ Sid: 'Ledger', Action: [`dynamodb:${action}`], Resource: ledgerArn }];
  return {
    'ledger: get': onLedger('GetItem'),
    'ledger: get many': onLedger('BatchGetItem'),
    'ledger: put many': onLedger('BatchWriteItem'),
    'ledger: check': onLedger('ConditionCheckItem'),
    'ledger: put': onLedger('PutItem'),
    'ledger: update': onLedger('UpdateItem'),
    'ledger: delete': onLedger('DeleteItem'),
    'ledger: query': onLedger('Query'),
    'ledger: query index': [{ Sid: 'LedgerIndex', Action: ['dynamodb:Query'], Resource: `${ledgerArn}/index/index` }],
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
    'let waiting steps go on': [{ Sid: 'AnswerWaitingSteps', Action: ['states:SendTaskSuccess'], Resource: '*' }],
    'fail waiting steps': [{ Sid: 'AnswerWaitingSteps', Action: ['states:SendTaskFailure'], Resource: '*' }],
    'look at executions': [
      {
        Sid: 'LookAtExecutions',
        Action: ['states:DescribeExecution'],
        Resource: WORKFLOWS.map((workflow) => place.executionsArn(workflow)),
      },
    ],
    'start releases': [{ Sid: 'StartReleases', Action: ['states:StartExecution'], Resource: place.machineArn('release') }],
    'start wakes': [{ Sid: 'StartWakes', Action: ['states:StartExecution'], Resource: place.machineArn('wake') }],
    'start teardowns': [{ Sid: 'StartTeardowns', Action: ['states:StartExecution'], Resource: place.machineArn('teardown') }],
    'start promotions': [{ Sid: 'StartPromotions', Action: ['states:StartExecution'], Resource: place.machineArn('promotion') }],
    'stop executions': [
      {
        Sid: 'StopExecutions',
        Action: ['states:StopExecution'],
        Resource: [place.executionsArn('release'), place.executionsArn('promotion')],
      },
    ],
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
    // The account's own key for parameters lets whoever may read them decrypt: nothing is said of KMS.
    'read webhooks': webhooks(place).map((parameters) => ({ Sid: 'ReadWebhooks', Action: ['ssm:GetParameters'], Resource: parameters })),
    // Of the builds of this pipeline's environments alone.
    'read build logs': builds(place).map((group) => ({ Sid: 'ReadBuildLogs', Action: ['logs:GetLogEvents'], Resource: group })),
    'publish notices': [{ Sid: 'PublishNotices', Action: ['sns:Publish'], Resource: place.noticesArn }],
  };
}

/** What builds say; nothing where no environment has one. */
function builds(place: Place): readonly string[][] {
  const own = buildProjects(place).map((project) => place.arn('logs', `log-group:/aws/codebuild/${project}:*`));
  return own.length > 0 ? [own] : [];
}

/** The projects by which environments are verified. */
const buildProjects = (place: Place): string[] =>
  place.environments.flatMap(({ name, verification: { build } }) => (build ? [names.buildProject(place.name, name, build)] : []));

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
  const own = { Sid: 'Log', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: log };
  return [own, ...together([...new Set(list)].flatMap((need) => byNeed[need]))];
}

/** Statements of one name differ in their actions only: they become one. */
function together(statements: readonly Statement[]): Statement[] {
  const byName = new Map<string | undefined, Statement>();
  for (const statement of statements) {
    const before = byName.get(statement.Sid);
    byName.set(statement.Sid, before ? { ...before, Action: [...before.Action, ...statement.Action] } : statement);
  }
  return [...byName.values()];
}

/** So that `status` shows the weight now, wherever traffic shifts. */
function followRollouts(place: Place): Statement[] {
  const shifting = place.environments.filter((environment) => place.services.some((service) => shiftingOf(environment, service)));
  const under = (kind: string) => shifting.map(({ name }) => place.arn('ecs', `${kind}/${names.environmentName(place.name, name)}/*`));
  if (shifting.length === 0) return [];
  return [
    { Sid: 'FindRollouts', Action: ['ecs:ListServiceDeployments'], Resource: under('service') },
    // AWS lists services and their deployments as required, both. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
    { Sid: 'FollowRollouts', Action: ['ecs:DescribeServiceDeployments'], Resource: [...under('service'), ...under('service-deployment')] },
    { Sid: 'TellDeployments', Action: ['ecs:DescribeServiceRevisions'], Resource: [...under('service'), ...under('service-revision')] },
  ];
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
    ...followRollouts(place),
    ...readWhatRuns(place),
  ];
}

/** For `logs`, `builds`, `export` and `plan`: what tasks and builds say and which revision a service runs, in the environments of this pipeline. */
function readWhatRuns(place: Place): Statement[] {
  const clusters = place.environments.map(({ name }) => names.environmentName(place.name, name));
  const projects = buildProjects(place);
  const logs = [
    place.arn('logs', `log-group:/shiplock/${place.name}/*`),
    ...projects.map((project) => place.arn('logs', `log-group:/aws/codebuild/${project}:*`)),
  ];
  return [
    { Sid: 'ReadLogs', Action: ['logs:FilterLogEvents'], Resource: logs },
    ...(projects.length > 0
      ? [
          {
            Sid: 'LookAtBuilds',
            Action: ['codebuild:ListBuildsForProject', 'codebuild:BatchGetBuilds'],
            Resource: projects.map((project) => place.arn('codebuild', `project/${project}`)),
          },
        ]
      : []),
    // Definitions and the names of clusters know no resource.
    { Sid: 'ReadDefinitions', Action: ['ecs:DescribeTaskDefinition', 'ecs:ListClusters'], Resource: '*' },
    {
      Sid: 'FindServices',
      Action: ['ecs:ListServices'],
      Resource: '*',
      Condition: { ArnEquals: { 'ecs:cluster': clusters.map((name) => place.arn('ecs', `cluster/${name}`)) } },
    },
    { Sid: 'LookAtServices', Action: ['ecs:DescribeServices'], Resource: clusters.map((name) => place.arn('ecs', `service/${name}/*`)) },
    { Sid: 'LookAtImages', Action: ['ecr:DescribeImages'], Resource: place.repositoryArns },
  ];
}

/** What the deploy role of one environment may do: nothing outside it. */
export function deployStatements(place: Place, own: Environment): Statement[] {
  const { name: environment, ...rest } = own;
  const shifts = place.services.some((service) => shiftingOf(own, service));
  // What shifts outlives the strategy that began it: it is decided where traffic could shift.
  const mayShift = place.services.some((service) => service.web !== undefined);
  const ownsCluster = !place.hasOwnCluster({ name: environment, ...rest });
  const cluster = names.environmentName(place.name, environment);
  const under = (kind: string) => place.arn('ecs', `${kind}/${cluster}/*`);
  const families = familyNames(place, environment).map((family) => place.arn('ecs', `task-definition/${family}:*`));
  const migrations = migrationNames(place, environment).map((family) => place.arn('ecs', `task-definition/${family}:*`));
  const clusterArn = place.arn('ecs', `cluster/${cluster}`);
  const inCluster = { ArnEquals: { 'ecs:cluster': clusterArn } };
  return [
    {
      Sid: 'ChangeServices',
      Action: ['ecs:CreateService', 'ecs:UpdateService', 'ecs:DeleteService'],
      Resource: under('service'),
      Condition: inCluster,
    },
    {
      Sid: 'FollowDeployments',
      Action: ['ecs:ListServiceDeployments', 'ecs:StopServiceDeployment'],
      Resource: [under('service'), under('service-deployment')],
    },
    {
      // A deployment is ours by what it deploys.
      Sid: 'TellDeployments',
      Action: ['ecs:DescribeServiceRevisions'],
      Resource: [under('service'), under('service-revision')],
    },
    ...(mayShift
      ? [
          {
            Sid: 'DecideAtPauses',
            Action: ['ecs:DescribeServiceDeployments', 'ecs:ContinueServiceDeployment'],
            Resource: [under('service'), under('service-deployment')],
          },
        ]
      : []),
    ...(shifts
      ? [
          {
            Sid: 'PassRoleThatShifts',
            Action: ['iam:PassRole'],
            Resource: place.roleArn(names.infrastructureRole(place.name, environment)),
            Condition: { StringEquals: { 'iam:PassedToService': 'ecs.amazonaws.com' } },
          },
        ]
      : []),
    ...(ownsCluster ? [{ Sid: 'OwnTheCluster', Action: ['ecs:CreateCluster', 'ecs:DeleteCluster'], Resource: clusterArn }] : []),
    { Sid: 'Register', Action: ['ecs:RegisterTaskDefinition'], Resource: [...families, ...migrations] },
    ...(migrations.length > 0
      ? [
          { Sid: 'Migrate', Action: ['ecs:RunTask'], Resource: migrations, Condition: inCluster },
          { Sid: 'StopMigrations', Action: ['ecs:StopTask'], Resource: under('task'), Condition: inCluster },
        ]
      : []),
    {
      Sid: 'TagWhatIsMade',
      Action: ['ecs:TagResource'],
      Resource: [...families, ...migrations, under('service'), ...(ownsCluster ? [clusterArn] : [])],
      Condition: {
        StringEquals: { 'ecs:CreateAction': ['RegisterTaskDefinition', 'CreateService', ...(ownsCluster ? ['CreateCluster'] : [])] },
      },
    },
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
      Action: [
        'elasticloadbalancing:CreateRule',
        'elasticloadbalancing:ModifyRule',
        'elasticloadbalancing:SetRulePriorities',
        'elasticloadbalancing:DeleteRule',
      ],
      Resource: [
        place.arn('elasticloadbalancing', `listener/app/${cluster}/*`),
        place.arn('elasticloadbalancing', `listener-rule/app/${cluster}/*`),
      ],
    },
    { Sid: 'LookAtRules', Action: ['elasticloadbalancing:DescribeRules'], Resource: '*' },
    {
      Sid: 'ReadLogs',
      Action: ['logs:GetLogEvents'],
      Resource: place.arn('logs', `log-group:${names.logGroup(place.name, environment, '*')}`),
    },
  ];
}

/** Families by name, which `acme-test-*` is not quite: many services get the prefix, and `check` sees that it means no other environment. */
const familyNames = (place: Place, environment: string): string[] =>
  (place.services.length <= FAMILIES_BY_NAME ? place.services.map(({ name }) => name) : ['*']).map((service) =>
    names.family(place.name, environment, service),
  );

/** Families of the migrations of what databases an environment has of its own. */
const migrationNames = (place: Place, environment: string): string[] =>
  homesOf(place.pipeline)
    .filter(({ owner }) => owner.name === environment)
    .map(({ database }) => names.family(place.name, environment, names.migrationService(database.name)));

/** The parameters that hold the addresses of chats, as one list; none without chats. */
function webhooks(place: Place): string[][] {
  const { slack, teams } = place.pipeline.notifications;
  const names_ = [slack, teams].filter((name) => name !== undefined);
  return names_.length === 0 ? [] : [names_.map((name) => place.arn('ssm', `parameter${name}`))];
}
