/** Granted minus used: what a pipeline is allowed to and never does, once everything has happened that a journey can make happen. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shortDigest } from '../../domain/release/release.ts';
import { HOUR, integrator, Journey, MINUTE, manager } from './journey.ts';

let journey: Journey;
const order = (decision: object) => journey.local.decideAs(manager, decision);
const stop = (workflow: 'release' | 'promotion' | 'wake' | 'teardown', name: string) =>
  journey.call('states', 'StopExecution', {
    executionArn: `${journey.local.machine(workflow).replace(':stateMachine:', ':execution:')}:${name}`,
  });
const deploys = (service = 'gateway') =>
  journey.local.until('it deploys', async () => (await journey.local.ledger.wait('test', service))?.state === 'open', 10 * MINUTE);
const isClear = () => journey.local.until('all is recovered', async () => (await journey.local.ledger.waits('test')).length === 0, HOUR);
const failing = { '/catalog/smoke': 500 };

beforeAll(async () => {
  journey = await Journey.begin({ port: false });
  const { faults } = journey.local.world;
  all = journey.local.site.service('iam').unusedGrants();
  await journey.runRelease();
  // Two at once wait for a turn, and the one that goes in wakes nobody; one supersedes another at a gate.
  await journey.push({ labels: { 'local.aws.healthy-after': '30' } });
  await deploys();
  await journey.push();
  await journey.local.advance(10_000);
  const newest = await journey.push();
  await journey.untilAsked(newest, 'beta');

  // Every order that people give.
  await order({ verb: 'rollback', environment: 'test', reason: 'look' });
  await journey.local.advance(5 * MINUTE);
  await order({ verb: 'unpin', environment: 'test', repository: 'gateway' });
  await order({ verb: 'freeze', environment: 'test', reason: 'look' });
  await order({ verb: 'thaw', environment: 'test' });
  await order({ verb: 'restart', environment: 'test' });
  await journey.local.advance(5 * MINUTE);
  await order({ verb: 'promote', repository: 'gateway', digest: newest, to: 'test' });
  await journey.local.advance(5 * MINUTE);
  await order({ verb: 'teardown', environment: 'staging' });
  await order({ verb: 'teardown', environment: 'test' });
  // Whoever comes meanwhile wakes it again.
  await journey.local.advance(20_000);
  await journey.push();
  await journey.local.advance(10 * MINUTE);
  await order({ verb: 'wake', environment: 'staging' });
  await order({ verb: 'extend', environment: 'test', until: new Date(journey.local.clock.now() + 14 * HOUR).toISOString() });

  await journey.push({ platform: { os: 'linux', architecture: 'arm64' } });
  const no = await journey.push();
  await journey.untilAsked(no, 'beta');
  await journey.reject(no, 'beta', integrator, 'no');
  // A teardown waits for what is deployed, and is told when that has ended.
  await journey.push({ labels: { 'local.aws.healthy-after': '30' } });
  await deploys();
  await order({ verb: 'teardown', environment: 'test' });
  await journey.local.advance(1_000);
  await order({ verb: 'teardown', environment: 'test' });
  await journey.local.advance(10 * MINUTE);

  // What fails: a first release that goes away again, one that goes back, one that crashes.
  await journey.push({ repository: 'catalog', tag: 'build-1', labels: { 'local.aws.responses': JSON.stringify(failing) } });
  await journey.local.advance(10 * MINUTE);
  const good = await journey.push({ repository: 'catalog', tag: 'build-2' });
  await journey.untilAsked(good, 'beta', { repository: 'catalog' });
  await journey.push({ repository: 'catalog', tag: 'build-3', labels: { 'local.aws.responses': JSON.stringify(failing) } });
  await journey.local.advance(10 * MINUTE);
  await journey.push({ repository: 'catalog', tag: 'build-4', labels: { 'local.aws.exit-code': '1', 'local.aws.log': 'no' } });
  await journey.local.advance(15 * MINUTE);

  // What people abort: by order, in the console, before and after ECS was done; and what the sweep finds alone.
  const aborted = await journey.push({ labels: { 'local.aws.healthy-after': '40' } });
  await deploys();
  await order({ verb: 'abort', execution: `gateway-${shortDigest(aborted)}-1`, reason: 'look' });
  await isClear();
  for (const lost of [false, true]) {
    if (lost) faults.addEvent({ match: (event) => event['detail-type'].startsWith('Step Functions'), times: 100, deliver: [] });
    const cut = await journey.push({ labels: { 'local.aws.healthy-after': '40' } });
    await deploys();
    await stop('promotion', `test-gateway-${shortDigest(cut)}-1`);
    await isClear();
    const fresh = await journey.push({ repository: 'orders', tag: `git_${Number(lost)}` });
    await deploys('orders-web');
    await stop('promotion', `test-orders-${shortDigest(fresh)}-1`);
    await isClear();
  }
  faults.clear();
  const builds = await journey.push();
  await journey.local.until(
    'a build runs',
    async () => {
      const { ids = [] } = await journey.call<{ ids?: string[] }>('codebuild', 'ListBuilds', {});
      const { builds: [latest] = [] } = await journey.call<{ builds?: { buildStatus: string }[] }>('codebuild', 'BatchGetBuilds', {
        ids: ids.slice(0, 1),
      });
      return latest?.buildStatus === 'IN_PROGRESS';
    },
    HOUR,
  );
  await stop('release', `gateway-${shortDigest(builds)}-1`);
  await isClear();

  // A function that fails for good reports it.
  const last = await journey.push({ labels: { 'local.aws.healthy-after': '40' } });
  await deploys();
  for (const file of ['on-image-push', 'on-ecs-event', 'on-execution-ended', 'notify', 'sweep'])
    faults.add({ kind: 'error-500', match: ({ caller, invocation }) => invocation !== undefined && caller.endsWith(file), times: 100_000 });
  await journey.push();
  await stop('promotion', `test-gateway-${shortDigest(last)}-1`);
  await journey.local.advance(15 * MINUTE);
  faults.clear();

  // What people read.
  const people = journey.local.site.service('iam').rolePrincipal(`arn:aws:iam::${journey.local.site.account}:role/acme-people`, manager);
  await journey.local.site.call(people, 'lambda', 'GetFunctionUrlConfig', { FunctionName: 'acme-decide' });
  await journey.local.site.call(people, 'dynamodb', 'GetItem', { TableName: 'acme-ledger', Key: { pk: { S: 'x' }, sk: { S: 'y' } } });
  await journey.local.site.call(people, 'dynamodb', 'Query', {
    TableName: 'acme-journal',
    KeyConditionExpression: 'pk = :one',
    ExpressionAttributeValues: { ':one': { S: 'x' } },
  });
  const found = await journey.local.site.call(people, 'ecs', 'ListServiceDeployments', {
    cluster: 'acme-live',
    service: 'gateway',
  });
  const [{ serviceDeploymentArn, targetServiceRevisionArn }] = (
    found as { serviceDeployments: [{ serviceDeploymentArn: string; targetServiceRevisionArn: string }] }
  ).serviceDeployments;
  await journey.local.site.call(people, 'ecs', 'DescribeServiceDeployments', { serviceDeploymentArns: [serviceDeploymentArn] });
  await journey.local.site.call(people, 'ecs', 'DescribeServiceRevisions', { serviceRevisionArns: [targetServiceRevisionArn] });
  await journey.local.site.call(people, 'logs', 'FilterLogEvents', { logGroupName: '/shiplock/acme/live/gateway' });
  const { ids } = (await journey.local.site.call(people, 'codebuild', 'ListBuildsForProject', {
    projectName: 'acme-test-system-tests',
  })) as {
    ids: string[];
  };
  await journey.local.site.call(people, 'codebuild', 'BatchGetBuilds', { ids });
  await journey.local.site.call(people, 'logs', 'FilterLogEvents', { logGroupName: '/aws/codebuild/acme-test-system-tests' });
  await journey.local.site.call(people, 'ecs', 'ListClusters', {});
  await journey.local.site.call(people, 'ecs', 'ListServices', { cluster: 'acme-live' });
  await journey.local.site.call(people, 'ecs', 'DescribeServices', { cluster: 'acme-live', services: ['gateway'] });
  await journey.local.site.call(people, 'ecs', 'DescribeTaskDefinition', { taskDefinition: 'acme-live-gateway' });
  await journey.local.site.call(people, 'ecr', 'DescribeImages', { repositoryName: 'gateway' });
}, 120_000);
afterAll(() => journey.end());

/** The environments' roles are alike: what one of them uses, all may. */
const nameOf = (role: string) =>
  role
    .split('/')
    .at(-1)!
    .replace(/^acme-(test|beta|staging|live|sandbox)-/, 'acme-*-');
/** Everything that was granted, before anything was used. */
let all: readonly { readonly role: string; readonly sid?: string | undefined; readonly action: string }[] = [];

it('is what is explained here, and nothing else', () => {
  const unused = journey.local.site
    .service('iam')
    .unusedGrants()
    .map(({ role, sid, action }) => ({ role: nameOf(role), action: `${sid} ${action}` }));
  const places = new Map<string, number>();
  for (const { role, action } of unused) places.set(`${role} ${action}`, (places.get(`${role} ${action}`) ?? 0) + 1);
  const never = [...places].filter(([key, count]) => !key.startsWith('acme-*-') || count >= 5).map(([key]) => key);
  expect(never.filter((grant) => !explained.some(({ grants }) => grants.some((one) => one === grant))).toSorted()).toEqual([]);
});

it('refused our own functions nothing', () => {
  expect(journey.local.site.service('iam').denials.map(({ message }) => message)).toEqual([]);
});

it('explains nothing that is not granted', () => {
  const granted = new Set(all.map(({ role, sid, action }) => `${nameOf(role)} ${sid} ${action}`));
  expect(explained.flatMap(({ grants }) => grants).filter((grant) => !granted.has(grant))).toEqual([]);
});

/** What this journey does not come to, and why it is granted all the same. */
const explained: readonly { readonly why: string; readonly grants: readonly string[] }[] = [
  {
    why: 'ECS’s own, as AWS’s managed policy has it: local ECS asks for neither, and no old tasks leave a pair here; test/journeys/rollouts.test.ts comes to that.',
    grants: [
      ...['DescribeListeners', 'DescribeTargetGroups'].map((action) => `acme-*-ecs Describe elasticloadbalancing:${action}`),
      'acme-*-ecs MoveTargets elasticloadbalancing:DeregisterTargets',
    ],
  },
  {
    why: 'The example asks nobody to confirm at a test listener; test/journeys/rollouts.test.ts does.',
    grants: [
      'acme-request-confirmation AnswerWaitingSteps states:SendTaskFailure',
      'acme-request-confirmation Journal dynamodb:PutItem',
      ...['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'].map((action) => `acme-request-confirmation Ledger dynamodb:${action}`),
      ...['CreateLogStream', 'PutLogEvents'].map((action) => `acme-request-confirmation Log logs:${action}`),
    ],
  },
  {
    why: 'Asked where the event of a pause is lost, or what shifts is broken; test/journeys/rollouts.test.ts comes to both.',
    grants: ['acme-*-deploy DecideAtPauses ecs:DescribeServiceDeployments'],
  },
  {
    why: 'Traffic that a retry finds shifted already is answered for by the function itself.',
    grants: [
      'acme-shift-traffic AnswerWaitingSteps states:SendTaskFailure',
      'acme-shift-traffic AnswerWaitingSteps states:SendTaskSuccess',
      'acme-shift-traffic Ledger dynamodb:BatchGetItem',
    ],
  },
  {
    why: 'where the path of a service changes, or one comes between two others: a change of configuration',
    grants: [
      'acme-*-deploy LeadRequests elasticloadbalancing:ModifyRule',
      'acme-*-deploy LeadRequests elasticloadbalancing:SetRulePriorities',
    ],
  },
  {
    why: 'the agent of ECS asks for it as it pulls: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_ECS.html',
    grants: ['acme-*-execution Pull ecr:BatchCheckLayerAvailability'],
  },
  {
    why: 'where ECS was done before all waits stood, or a killed try had begun it: test/simulation kills at every call',
    grants: [
      'acme-deploy-services AnswerWaitingSteps states:SendTaskSuccess',
      'acme-deploy-services AnswerWaitingSteps states:SendTaskFailure',
      'acme-deploy-services Ledger dynamodb:UpdateItem',
      'acme-migrate-databases AnswerWaitingSteps states:SendTaskSuccess',
      'acme-migrate-databases AnswerWaitingSteps states:SendTaskFailure',
      'acme-migrate-databases Ledger dynamodb:DeleteItem',
      'acme-roll-back AnswerWaitingSteps states:SendTaskFailure',
      'acme-wake-environment Ledger dynamodb:UpdateItem',
    ],
  },
  {
    why: 'a question at a test listener whose deployment has come to its end: test/journeys/rollouts.test.ts',
    grants: ['acme-on-ecs-event Ledger dynamodb:DeleteItem', 'acme-on-ecs-event Ledger dynamodb:PutItem'],
  },
  {
    why: 'two who ask at one gate at the same moment: test/functions/request-approval.test.ts',
    grants: ['acme-request-approval Ledger dynamodb:GetItem'],
  },
  { why: 'a build that fails: test/journeys/listener.test.ts', grants: ['acme-run-checks ReadBuildLogs logs:GetLogEvents'] },
  {
    why: 'a migration that fails: test/journeys/migrations.test.ts',
    grants: ['acme-on-migration-ended AnswerWaitingSteps states:SendTaskFailure'],
  },
  {
    why: 'somebody waits behind what was cut off, or for a wake that was: test/journeys/aborts-*.test.ts',
    grants: [
      'acme-on-execution-ended AnswerWaitingSteps states:SendTaskSuccess',
      'acme-on-execution-ended AnswerWaitingSteps states:SendTaskFailure',
      'acme-on-execution-ended Ledger dynamodb:Query',
      'acme-sweep AnswerWaitingSteps states:SendTaskSuccess',
      'acme-sweep AnswerWaitingSteps states:SendTaskFailure',
      'acme-sweep StartWakes states:StartExecution',
      'acme-teardown-environment AnswerWaitingSteps states:SendTaskSuccess',
      'acme-wake-environment AnswerWaitingSteps states:SendTaskFailure',
    ],
  },
  { why: 'a push whose event was lost: test/journeys/week.test.ts', grants: ['acme-sweep StartReleases states:StartExecution'] },
  { why: 'an extension that is over: test/journeys/orders.test.ts', grants: ['acme-sweep StartTeardowns states:StartExecution'] },
  {
    why: 'a promotion through the gates of the path: test/journeys/orders.test.ts',
    grants: ['acme-decide StartReleases states:StartExecution'],
  },
  { why: 'evening and morning: test/journeys/troubles.test.ts', grants: ['acme-scheduler OpenAndClose states:StartExecution'] },
  {
    why: 'what nobody could deliver, or could not be carried out for hours',
    grants: [
      'acme-scheduler Undelivered sqs:SendMessage',
      'acme-on-migration-ended ReportFailures sqs:SendMessage',
      'acme-post-notice ReportFailures sqs:SendMessage',
    ],
  },
];
