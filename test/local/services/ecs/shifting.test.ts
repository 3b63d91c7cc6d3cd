import { ContinueServiceDeploymentCommand, DescribeServiceRevisionsCommand } from '@aws-sdk/client-ecs';
import { CreateRuleCommand, DescribeRulesCommand, ModifyListenerCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, it } from 'vitest';
import { minutes, seconds } from './lab.ts';
import { buildPair } from './traffic-lab.ts';

const only = (statuses: readonly number[]) => [...new Set(statuses)];

describe('a blue/green deployment', () => {
  it('of a new service goes through the stages, and traffic to the target group that was free', async () => {
    const lab = await buildPair();
    await lab.running();
    expect(await lab.deployment()).toMatchObject({
      status: 'SUCCESSFUL',
      lifecycleStage: 'CLEAN_UP',
      sourceServiceRevisions: [],
      targetServiceRevision: { requestedProductionTrafficWeight: 100, runningTaskCount: 2 },
    });
    expect(await lab.weights()).toEqual([0, 100]);
    expect((await lab.get(lab.host, '/orders')).status).toBe(200);
    expect((await lab.service()).deployments).toMatchObject([{ status: 'PRIMARY', rolloutState: 'COMPLETED', runningCount: 2 }]);
  });

  it('keeps both sides until the bake time is over, and no request fails', async () => {
    const lab = await buildPair();
    await lab.running();
    const v1 = await lab.answerer();
    lab.bus.events.length = 0;
    await lab.update(await lab.revision('v2'));
    const before = await lab.untilStage('POST_TEST_TRAFFIC_SHIFT');
    expect(only(before.statuses)).toEqual([200]);
    expect([...before.images.keys()]).toEqual([v1]);
    // Test traffic has moved, production has not.
    expect([await lab.weights(lab.testRule), await lab.weights()]).toEqual([
      [100, 0],
      [0, 100],
    ]);
    const v2 = await lab.answerer(lab.testHost);
    expect(v2).not.toBe(v1);
    expect(await lab.answerer()).toBe(v1);

    const shift = await lab.untilStage('BAKE_TIME');
    expect(only(shift.statuses)).toEqual([200]);
    expect(await lab.weights()).toEqual([100, 0]);
    expect(await lab.service()).toMatchObject({ runningCount: 4, desiredCount: 2 });
    expect(await lab.deployment()).toMatchObject({
      status: 'IN_PROGRESS',
      sourceServiceRevisions: [
        { requestedTaskCount: 2, runningTaskCount: 2, requestedProductionTrafficWeight: 0, requestedTestTrafficWeight: 0 },
      ],
      targetServiceRevision: {
        requestedTaskCount: 2,
        runningTaskCount: 2,
        requestedProductionTrafficWeight: 100,
        requestedTestTrafficWeight: 100,
      },
    });
    const baking = lab.clock.now();
    const rest = await lab.untilEnd();
    expect(only(rest.statuses)).toEqual([200]);
    expect([...rest.images.keys()]).toEqual([v2]);
    expect(lab.clock.now() - baking).toBeGreaterThanOrEqual(5 * minutes);
    expect(await lab.deployment()).toMatchObject({ status: 'SUCCESSFUL' });
    expect(await lab.service()).toMatchObject({ runningCount: 2, deployments: [{ status: 'PRIMARY', rolloutState: 'COMPLETED' }] });
    expect(lab.deploymentEvents().map(([name]) => name)).toEqual(['SERVICE_DEPLOYMENT_IN_PROGRESS', 'SERVICE_DEPLOYMENT_COMPLETED']);
  });

  it('says in which target group a revision runs', async () => {
    const lab = await buildPair();
    await lab.running();
    const { targetServiceRevision } = await lab.deployment();
    const { serviceRevisions } = await lab.ecs.send(
      new DescribeServiceRevisionsCommand({ serviceRevisionArns: [targetServiceRevision!.arn!] }),
    );
    expect(serviceRevisions![0]).toMatchObject({
      loadBalancers: lab.balancers(),
      resolvedConfiguration: { loadBalancers: [{ targetGroupArn: lab.alternate, productionListenerRule: lab.productionRule }] },
    });
  });
});

describe('a service that shifts traffic', () => {
  it('may be led to by the default rule of a listener', async () => {
    const lab = await buildPair();
    const { host, listenerArn } = await lab.balancer('acme-default');
    const [blue, green] = [await lab.group({ name: 'default-a' }), await lab.group({ name: 'default-b' })];
    const TargetGroups = [
      { TargetGroupArn: blue, Weight: 1 },
      { TargetGroupArn: green, Weight: 0 },
    ];
    await lab.elb.send(
      new ModifyListenerCommand({ ListenerArn: listenerArn, DefaultActions: [{ Type: 'forward', ForwardConfig: { TargetGroups } }] }),
    );
    const { Rules } = await lab.elb.send(new DescribeRulesCommand({ ListenerArn: listenerArn }));
    const more = { alternateTargetGroupArn: green, productionListenerRule: Rules![0]!.RuleArn!, testListenerRule: undefined };
    await lab.running('v1', { loadBalancers: lab.balancers(more).map((one) => ({ ...one, targetGroupArn: blue })) });
    expect((await lab.get(host, '/orders')).status).toBe(200);
    await lab.update(await lab.revision('v2'));
    expect(only((await lab.until(async () => (await lab.deployment()).finishedAt !== undefined, host)).statuses)).toEqual([200]);
    expect(await lab.deployment()).toMatchObject({
      status: 'SUCCESSFUL',
      targetServiceRevision: { requestedProductionTrafficWeight: 100 },
    });
  });

  it('moves behind all its load balancers alike', async () => {
    const lab = await buildPair();
    const { host, listenerArn } = await lab.balancer('acme-inner');
    const [blue, green] = [await lab.group({ name: 'inner-a' }), await lab.group({ name: 'inner-b' })];
    const { Rules } = await lab.elb.send(
      new CreateRuleCommand({
        ListenerArn: listenerArn,
        Priority: 1,
        Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
        Actions: [
          {
            Type: 'forward',
            ForwardConfig: {
              TargetGroups: [
                { TargetGroupArn: blue, Weight: 0 },
                { TargetGroupArn: green, Weight: 1 },
              ],
            },
          },
        ],
      }),
    );
    const inner = { alternateTargetGroupArn: green, productionListenerRule: Rules![0]!.RuleArn!, testListenerRule: undefined };
    const loadBalancers = [...lab.balancers(), ...lab.balancers(inner).map((one) => ({ ...one, targetGroupArn: blue }))];
    await lab.running('v1', { loadBalancers });
    const v1 = await lab.answerer();
    expect(await lab.answerer(host)).toBe(v1);
    await lab.update(await lab.revision('v2'));
    const { statuses, images } = await lab.until(async () => (await lab.deployment()).finishedAt !== undefined, host);
    expect([only(statuses), images.size]).toEqual([[200], 2]);
    expect(await lab.answerer(host)).toBe(await lab.answerer());
    expect(await lab.answerer()).not.toBe(v1);
  });

  it('needs no load balancer for blue/green: then only tasks change', async () => {
    const lab = await buildPair();
    await lab.running('v1', { loadBalancers: [] });
    const v2 = await lab.revision('v2');
    await lab.update(v2, lab.blueGreen({ bakeTimeInMinutes: 10 }));
    await lab.pass(5 * minutes);
    expect(await lab.service()).toMatchObject({ runningCount: 4 });
    await lab.pass(10 * minutes);
    expect(await lab.service()).toMatchObject({ runningCount: 2, taskDefinition: v2, deployments: [{ rolloutState: 'COMPLETED' }] });
  });
});

describe('a pause', () => {
  it('holds the deployment until somebody continues it', async () => {
    const lab = await buildPair();
    await lab.running();
    const v1 = await lab.answerer();
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [lab.pause('POST_TEST_TRAFFIC_SHIFT')] }));
    await lab.untilPaused();
    await lab.pass(60 * minutes);
    expect(await lab.answerer()).toBe(v1);
    const { lifecycleHookDetails, serviceDeploymentArn } = await lab.deployment();
    expect(lifecycleHookDetails).toEqual([
      {
        hookId: expect.stringMatching(/^ecs-pause-[\w-]{43}$/),
        targetType: 'PAUSE',
        status: 'AWAITING_ACTION',
        expiresAt: expect.any(Date),
        timeoutAction: 'ROLLBACK',
      },
    ]);
    const waiting = lab.bus.events.find((event) => event['detail-type'] === 'ECS Hook State Change')!;
    expect(waiting).toMatchObject({
      resources: [serviceDeploymentArn],
      detail: {
        eventType: 'INFO',
        eventName: 'HOOK_AWAITING_ACTION',
        hookId: lifecycleHookDetails![0]!.hookId,
        hookType: 'PAUSE',
        lifecycleStage: 'POST_TEST_TRAFFIC_SHIFT',
        expiresAt: new Date(waiting.time + 1440 * minutes).toISOString().replace('.000Z', 'Z'),
        serviceDeploymentArn,
      },
    });
    await lab.decide('CONTINUE');
    const { statuses } = await lab.untilEnd();
    expect(only(statuses)).toEqual([200]);
    expect(await lab.deployment()).toMatchObject({ status: 'SUCCESSFUL', lifecycleHookDetails: [{ status: 'SUCCEEDED' }] });
    expect(await lab.answerer()).not.toBe(v1);
    expect(lab.hookEvents()).toEqual([
      ['HOOK_AWAITING_ACTION', 'POST_TEST_TRAFFIC_SHIFT'],
      ['HOOK_SUCCEEDED', 'POST_TEST_TRAFFIC_SHIFT'],
    ]);
  });

  it('after the shift goes back at once when somebody says so', async () => {
    const lab = await buildPair();
    const definition = await lab.running();
    const v1 = await lab.answerer();
    lab.bus.events.length = 0;
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [lab.pause('POST_PRODUCTION_TRAFFIC_SHIFT')] }));
    await lab.untilPaused();
    expect(await lab.weights()).toEqual([100, 0]);
    await lab.decide('ROLLBACK');
    await lab.pass(5 * seconds);
    expect(await lab.answerer()).toBe(v1);
    expect(await lab.deployment()).toMatchObject({ status: 'ROLLBACK_IN_PROGRESS' });
    const { statuses, images } = await lab.untilEnd();
    expect([only(statuses), [...images.keys()]]).toEqual([[200], [v1]]);
    const reason = 'Service deployment rolled back because ROLLBACK was requested for the POST_PRODUCTION_TRAFFIC_SHIFT pause hook.';
    expect(await lab.deployment()).toMatchObject({
      status: 'ROLLBACK_SUCCESSFUL',
      statusReason: reason,
      rollback: { reason },
      lifecycleHookDetails: [{ status: 'FAILED' }],
      targetServiceRevision: { requestedProductionTrafficWeight: 0, requestedTestTrafficWeight: 0, runningTaskCount: 0 },
    });
    expect([await lab.weights(), await lab.weights(lab.testRule)]).toEqual([
      [0, 100],
      [0, 100],
    ]);
    expect(await lab.service()).toMatchObject({
      taskDefinition: definition,
      runningCount: 2,
      deployments: [{ rolloutState: 'COMPLETED' }],
    });
    expect(lab.deploymentEvents().map(([name]) => name)).toEqual([
      'SERVICE_DEPLOYMENT_IN_PROGRESS',
      'SERVICE_DEPLOYMENT_IN_PROGRESS',
      'SERVICE_DEPLOYMENT_COMPLETED',
    ]);
  });

  it('that nobody answers times out: it rolls back, or goes on where that was asked', async () => {
    for (const action of ['ROLLBACK', 'CONTINUE'] as const) {
      const lab = await buildPair();
      await lab.running();
      await lab.update(
        await lab.revision('v2'),
        lab.blueGreen({ lifecycleHooks: [lab.pause('POST_TEST_TRAFFIC_SHIFT', { timeoutInMinutes: 10, action })] }),
      );
      await lab.untilEnd();
      expect(await lab.deployment()).toMatchObject(
        action === 'CONTINUE'
          ? { status: 'SUCCESSFUL', lifecycleHookDetails: [{ status: 'TIMED_OUT', timeoutAction: action }] }
          : {
              status: 'ROLLBACK_SUCCESSFUL',
              statusReason: 'Service deployment rolled back because POST_TEST_TRAFFIC_SHIFT pause hook timed out.',
            },
      );
      expect(lab.hookEvents().at(-1)).toEqual(['HOOK_TIMED_OUT', 'POST_TEST_TRAFFIC_SHIFT']);
    }
  });

  it('of a first deployment waits too, and has nothing to go back to', async () => {
    const lab = await buildPair();
    await lab.running('v1', { deploymentConfiguration: lab.blueGreen({ lifecycleHooks: [lab.pause('PRE_SCALE_UP')] }) });
    expect(await lab.deployment()).toMatchObject({ status: 'IN_PROGRESS', lifecycleStage: 'PRE_SCALE_UP' });
    expect(await lab.tasks()).toEqual([]);
    await lab.decide('ROLLBACK');
    await lab.pass(seconds);
    expect(await lab.deployment()).toMatchObject({
      status: 'ROLLBACK_FAILED',
      statusReason: 'No rollback candidate was found to run the rollback.',
    });
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [] }));
    await lab.untilEnd();
    expect(await lab.deployment()).toMatchObject({ status: 'SUCCESSFUL' });
    expect((await lab.get(lab.host, '/orders')).status).toBe(200);
  });

  it('is continued by its own id, once', async () => {
    const lab = await buildPair();
    await lab.running('v1', { deploymentConfiguration: lab.blueGreen({ lifecycleHooks: [lab.pause('PRE_SCALE_UP')] }) });
    const { serviceDeploymentArn } = await lab.deployment();
    const go = (hookId: string, arn = serviceDeploymentArn) =>
      lab.ecs.send(new ContinueServiceDeploymentCommand({ serviceDeploymentArn: arn, hookId }));
    const gone = 'Provided hookId is either completed, unavailable, or not associated with the given Resource ARN';
    await expect(go('abc')).rejects.toThrow('Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}');
    await expect(go('ecs-pause-abc')).rejects.toThrow(gone);
    await expect(go('ecs-pause-abc', `${serviceDeploymentArn}x`)).rejects.toMatchObject({ name: 'ServiceDeploymentNotFoundException' });
    const hookId = await lab.decide('CONTINUE');
    await expect(go(hookId)).rejects.toThrow(gone);
    await lab.untilEnd();
    await expect(go(hookId)).rejects.toThrow('Continuing a service deployment is not allowed for service deployment in terminal states.');
  });
});
