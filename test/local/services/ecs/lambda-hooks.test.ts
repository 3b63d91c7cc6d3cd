import type { DeploymentLifecycleHook } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { written } from '../../runtime/bundles.ts';
import { allows, trusts } from '../double.ts';
import { minutes, seconds } from './lab.ts';
import { buildPair } from './traffic-lab.ts';

type Lab = Awaited<ReturnType<typeof buildPair>>;

/** Answers what ANSWERS says, one after another, counted in hookDetails; tells each event to its log. */
const CODE = written(`
  exports.handler = async (event) => {
    console.log('EVENT ' + JSON.stringify({ ...event, at: Date.now() }));
    const answers = JSON.parse(process.env.ANSWERS);
    const count = event.hookDetails?.count ?? 0;
    const answer = answers[Math.min(count, answers.length - 1)];
    if (answer === 'throws') throw new Error('broken');
    return answer.hookStatus === 'IN_PROGRESS' ? { ...answer, hookDetails: { count: count + 1 } } : answer;
  };
`);

interface HookEvent {
  readonly at: number;
  readonly executionId: string;
  readonly lifecycleStage: string;
  readonly resourceArn: string;
  readonly executionDetails: {
    readonly serviceArn: string;
    readonly targetServiceRevisionArn: string;
    readonly testTrafficWeights: Record<string, number>;
    readonly productionTrafficWeights: Record<string, number>;
  };
  readonly hookDetails?: Record<string, unknown>;
}

/** A function that ECS asks, with the role that lets it. */
function hooked(lab: Lab, answers: readonly unknown[], more: Partial<DeploymentLifecycleHook> = {}) {
  lab.logs.createGroup('/aws/lambda/check');
  const role = lab.iam.createRole({ name: 'check', trust: trusts('lambda.amazonaws.com') });
  role.inline.set('logs', allows(['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents']));
  const { arn } = lab.site.service('lambda').create('check', {
    code: CODE,
    handler: 'index.handler',
    runtime: 'nodejs24.x',
    role: role.arn,
    variables: { ANSWERS: JSON.stringify(answers) },
  });
  const invoker = lab.iam.createRole({ name: 'hooks', trust: trusts('ecs.amazonaws.com') });
  invoker.inline.set('invoke', allows('lambda:InvokeFunction', arn));
  const hook: DeploymentLifecycleHook = {
    hookTargetArn: arn,
    roleArn: invoker.arn,
    lifecycleStages: ['POST_TEST_TRAFFIC_SHIFT'],
    ...more,
  };
  const events = () =>
    lab.logs.lines
      .filter((line) => line.includes('EVENT {'))
      .map((line) => JSON.parse(line.slice(line.indexOf('EVENT {') + 6)) as HookEvent);
  return { arn, hook, invoker, events };
}

const STAGES: DeploymentLifecycleHook['lifecycleStages'] = [
  'RECONCILE_SERVICE',
  'PRE_SCALE_UP',
  'POST_SCALE_UP',
  'TEST_TRAFFIC_SHIFT',
  'POST_TEST_TRAFFIC_SHIFT',
  'PRE_PRODUCTION_TRAFFIC_SHIFT',
  'PRODUCTION_TRAFFIC_SHIFT',
  'POST_PRODUCTION_TRAFFIC_SHIFT',
];

describe('a Lambda hook', () => {
  it('is asked at each of its stages, with what AWS says of them', async () => {
    const lab = await buildPair();
    await lab.running();
    const blue = (await lab.deployment()).targetServiceRevision!.arn!;
    const { hook, events } = hooked(lab, [{ hookStatus: 'SUCCEEDED' }], { lifecycleStages: STAGES, hookDetails: { suite: 'smoke' } });
    await lab.update(await lab.revision('v2'), lab.blueGreen({ bakeTimeInMinutes: 0, lifecycleHooks: [hook] }));
    await lab.untilEnd();
    const { serviceDeploymentArn, status, targetServiceRevision, lifecycleHookDetails } = await lab.deployment();
    expect(status).toBe('SUCCESSFUL');
    const green = targetServiceRevision!.arn!;
    expect(
      events().map((event) => [
        event.lifecycleStage,
        event.executionDetails.testTrafficWeights,
        event.executionDetails.productionTrafficWeights,
      ]),
    ).toEqual([
      ['PRE_SCALE_UP', {}, {}],
      ['POST_SCALE_UP', {}, {}],
      ['TEST_TRAFFIC_SHIFT', { [green]: 100, [blue]: 0 }, {}],
      ['POST_TEST_TRAFFIC_SHIFT', {}, {}],
      ['PRE_PRODUCTION_TRAFFIC_SHIFT', {}, { [green]: 0, [blue]: 100 }],
      ['PRODUCTION_TRAFFIC_SHIFT', {}, { [green]: 100, [blue]: 0 }],
      ['POST_PRODUCTION_TRAFFIC_SHIFT', {}, {}],
    ]);
    expect(events()[0]).toEqual({
      at: expect.any(Number),
      executionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      lifecycleStage: 'PRE_SCALE_UP',
      resourceArn: serviceDeploymentArn,
      executionDetails: {
        serviceArn: (await lab.service()).serviceArn,
        targetServiceRevisionArn: green,
        testTrafficWeights: {},
        productionTrafficWeights: {},
      },
      hookDetails: { suite: 'smoke' },
    });
    expect(new Set(events().map(({ executionId }) => executionId)).size).toBe(7);
    expect(lifecycleHookDetails).toHaveLength(7);
    expect(lifecycleHookDetails![0]).toMatchObject({ targetType: 'AWS_LAMBDA', targetArn: hook.hookTargetArn, status: 'SUCCEEDED' });
    expect(lab.hookEvents().slice(0, 2)).toEqual([
      ['HOOK_IN_PROGRESS', 'PRE_SCALE_UP'],
      ['HOOK_SUCCEEDED', 'PRE_SCALE_UP'],
    ]);
  });

  it('that says IN_PROGRESS is asked again after 30 seconds, or when it likes, and gets its own details back', async () => {
    const lab = await buildPair();
    await lab.running();
    const { hook, events } = hooked(
      lab,
      [{ hookStatus: 'IN_PROGRESS' }, { hookStatus: 'IN_PROGRESS', callBackDelay: 300 }, { hookStatus: 'SUCCEEDED' }],
      { hookDetails: { suite: 'smoke' } },
    );
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [hook] }));
    await lab.untilEnd();
    expect((await lab.deployment()).status).toBe('SUCCESSFUL');
    const [first, second, third] = events();
    expect(events()).toHaveLength(3);
    expect(Math.round((second!.at - first!.at) / seconds)).toBe(30);
    expect(Math.round((third!.at - second!.at) / seconds)).toBe(300);
    expect(third!.hookDetails).toEqual({ suite: 'smoke', count: 2 });
    expect(third!.executionId).toBe(first!.executionId);
  });

  it('that says FAILED brings the old revision back, and hears of the way back', async () => {
    const lab = await buildPair();
    await lab.running();
    const blue = (await lab.deployment()).targetServiceRevision!.arn!;
    const v1 = await lab.answerer();
    const { hook, events, arn } = hooked(lab, [{ hookStatus: 'FAILED' }], { lifecycleStages: ['TEST_TRAFFIC_SHIFT'] });
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [hook] }));
    const { statuses } = await lab.untilEnd();
    expect([...new Set(statuses)]).toEqual([200]);
    const { status, statusReason, targetServiceRevision } = await lab.deployment();
    const reason = `Service deployment rolled back because TEST_TRAFFIC_SHIFT lifecycle hook(s) failed. Lifecycle hook target ${arn} returned FAILED status.`;
    expect([status, statusReason]).toEqual(['ROLLBACK_SUCCESSFUL', reason]);
    expect((await lab.service()).events!.some(({ message }) => message!.includes(`deployment failed: ${reason}`))).toBe(true);
    const green = targetServiceRevision!.arn!;
    expect(
      events().map(({ executionDetails }) => [executionDetails.targetServiceRevisionArn, executionDetails.testTrafficWeights]),
    ).toEqual([
      [green, { [green]: 100, [blue]: 0 }],
      [green, { [green]: 0, [blue]: 100 }],
    ]);
    expect(await lab.answerer()).toBe(v1);
    expect(lab.hookEvents().slice(0, 2)).toEqual([
      ['HOOK_IN_PROGRESS', 'TEST_TRAFFIC_SHIFT'],
      ['HOOK_FAILED', 'TEST_TRAFFIC_SHIFT'],
    ]);
  });

  it.each([
    ['throws', 'due to HookStatus must not be null.'],
    [{ hookStatus: 'PERHAPS' }, 'due to the unknown HookStatus "PERHAPS".'],
    [{}, 'due to HookStatus must not be null.'],
  ])('that answers %j brings the old revision back', async (answer, words) => {
    const lab = await buildPair();
    await lab.running();
    const { hook, arn } = hooked(lab, [answer], { lifecycleStages: ['PRE_SCALE_UP'] });
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [hook] }));
    await lab.untilEnd();
    expect(await lab.deployment()).toMatchObject({
      status: 'ROLLBACK_SUCCESSFUL',
      statusReason: `Service deployment rolled back because PRE_SCALE_UP lifecycle hook(s) failed. ECS was unable to parse the response from ${arn} ${words}`,
    });
  });

  it('that may not be invoked, or whose role does not trust ECS, brings the old revision back', async () => {
    for (const kind of ['invoke', 'trust'] as const) {
      const lab = await buildPair();
      await lab.running();
      const { hook, invoker, arn } = hooked(lab, [{ hookStatus: 'SUCCEEDED' }]);
      if (kind === 'invoke') invoker.inline.clear();
      else invoker.trust = trusts('lambda.amazonaws.com');
      await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [hook] }));
      await lab.untilEnd();
      expect((await lab.deployment()).statusReason).toContain(
        kind === 'invoke'
          ? `ECS was unable to invoke hook target ${arn} due to User: arn:aws:sts::111122223333:assumed-role/hooks/ECS-Lambda-Execution is not authorized to perform: lambda:InvokeFunction`
          : `ECS was unable to assume role ${invoker.arn}`,
      );
    }
  });

  it('that never decides times out', async () => {
    const lab = await buildPair();
    await lab.running();
    const { hook } = hooked(lab, [{ hookStatus: 'IN_PROGRESS' }], { timeoutConfiguration: { timeoutInMinutes: 5, action: 'CONTINUE' } });
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [hook] }));
    await lab.untilEnd();
    expect(await lab.deployment()).toMatchObject({ status: 'SUCCESSFUL', lifecycleHookDetails: [{ status: 'TIMED_OUT' }] });
  });

  it('and a pause at one stage both must agree; one that says no is enough', async () => {
    for (const answer of ['SUCCEEDED', 'FAILED']) {
      const lab = await buildPair();
      await lab.running();
      const { hook } = hooked(lab, [{ hookStatus: answer }]);
      await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [lab.pause('POST_TEST_TRAFFIC_SHIFT'), hook] }));
      if (answer === 'SUCCEEDED') {
        await lab.untilPaused();
        await lab.pass(10 * minutes);
        expect((await lab.deployment()).lifecycleHookDetails!.map(({ status }) => status)).toEqual(['AWAITING_ACTION', 'SUCCEEDED']);
        await lab.decide('CONTINUE');
      }
      await lab.untilEnd();
      expect((await lab.deployment()).status).toBe(answer === 'SUCCEEDED' ? 'SUCCESSFUL' : 'ROLLBACK_SUCCESSFUL');
    }
  });
});
