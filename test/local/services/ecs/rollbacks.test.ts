import { CloudWatchClient, PutMetricAlarmCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  DeleteServiceCommand,
  type DeploymentConfiguration,
  StopServiceDeploymentCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../../local/core/client.ts';
import { cluster, minutes, region } from './lab.ts';
import { buildPair } from './traffic-lab.ts';

type Lab = Awaited<ReturnType<typeof buildPair>>;

const ok = (statuses: readonly number[]) => expect([...new Set(statuses)]).toEqual([200]);
const stop = async (lab: Lab) =>
  lab.ecs.send(
    new StopServiceDeploymentCommand({ serviceDeploymentArn: (await lab.deployment()).serviceDeploymentArn!, stopType: 'ROLLBACK' }),
  );
const crashing = { 'local.aws.exit-code': '3' };

/** An alarm that goes off when the function is called. */
async function alarm(lab: Lab) {
  const cloudwatch = new CloudWatchClient(clientConfig(lab.world, { region, credentials: lab.iam.user('admin') }));
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: 'errors',
      Namespace: 'Acme',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    }),
  );
  return () => cloudwatch.send(new PutMetricDataCommand({ Namespace: 'Acme', MetricData: [{ MetricName: 'Errors', Value: 1 }] }));
}
const watched = (rollback = true): DeploymentConfiguration => ({ alarms: { alarmNames: ['errors'], enable: true, rollback } });

describe('an alarm', () => {
  it('that goes off in the bake time brings the old revision back, and no request fails', async () => {
    const lab = await buildPair();
    const ring = await alarm(lab);
    await lab.running();
    const v1 = await lab.answerer();
    lab.bus.events.length = 0;
    await lab.update(await lab.revision('v2'), lab.blueGreen({ bakeTimeInMinutes: 30, ...watched() }));
    await lab.untilStage('BAKE_TIME');
    expect(await lab.answerer()).not.toBe(v1);
    await ring();
    const { statuses: seen } = await lab.untilEnd();
    ok(seen);
    expect(await lab.answerer()).toBe(v1);
    expect(await lab.deployment()).toMatchObject({
      status: 'ROLLBACK_SUCCESSFUL',
      statusReason: 'Service deployment rolled back because deployment alarms were triggered.',
      alarms: { status: 'TRIGGERED', triggeredAlarmNames: ['errors'] },
    });
    expect(lab.deploymentEvents().map(([name]) => name)).toEqual([
      'SERVICE_DEPLOYMENT_IN_PROGRESS',
      'SERVICE_DEPLOYMENT_FAILED',
      'SERVICE_DEPLOYMENT_IN_PROGRESS',
      'SERVICE_DEPLOYMENT_COMPLETED',
    ]);
  });

  it('that goes off between two steps brings the share back', async () => {
    const lab = await buildPair();
    const ring = await alarm(lab);
    await lab.running();
    await lab.update(await lab.revision('v2'), {
      strategy: 'CANARY',
      canaryConfiguration: { canaryPercent: 10, canaryBakeTimeInMinutes: 30 },
      ...watched(),
    });
    await lab.until(async () => (await lab.weights()).join() === '100,900');
    await ring();
    const { statuses: seen } = await lab.untilEnd();
    ok(seen);
    expect([await lab.weights(), (await lab.deployment()).status]).toEqual([[0, 100], 'ROLLBACK_SUCCESSFUL']);
  });

  it('without rollback stops the deployment where it is', async () => {
    const lab = await buildPair();
    const ring = await alarm(lab);
    await lab.running();
    await lab.update(await lab.revision('v2'), lab.blueGreen({ bakeTimeInMinutes: 30, ...watched(false) }));
    await lab.untilStage('BAKE_TIME');
    await ring();
    await lab.untilEnd();
    expect(await lab.deployment()).toMatchObject({ status: 'STOPPED' });
    await lab.pass(60 * minutes);
    expect(await lab.service()).toMatchObject({ runningCount: 4 });
    ok([(await lab.get(lab.host, '/orders')).status]);
    // The next deployment begins from what held last.
    await lab.update(await lab.revision('v3'), lab.blueGreen({ bakeTimeInMinutes: 0 }));
    const { statuses: seen } = await lab.untilEnd();
    ok(seen);
    expect(await lab.service()).toMatchObject({ runningCount: 2, deployments: [{ rolloutState: 'COMPLETED' }] });
  });
});

describe('StopServiceDeployment', () => {
  it('ends a green that crashes again and again, which nobody else would', async () => {
    const lab = await buildPair();
    const v1 = await lab.running();
    await lab.update(await lab.revision('v2', crashing));
    await lab.pass(30 * minutes);
    expect(await lab.deployment()).toMatchObject({
      status: 'IN_PROGRESS',
      lifecycleStage: 'SCALE_UP',
      deploymentCircuitBreaker: { status: 'DISABLED' },
    });
    const green = (await lab.service()).deployments!.find(({ status }) => status === 'PRIMARY')!;
    expect(green).toMatchObject({ rolloutState: 'IN_PROGRESS', desiredCount: 2 });
    expect(green.failedTasks).toBeGreaterThan(5);
    expect((await lab.service()).events!.some(({ message }) => message!.includes('unable to consistently start tasks'))).toBe(true);
    await stop(lab);
    const { statuses: seen } = await lab.untilEnd();
    ok(seen);
    expect(await lab.deployment()).toMatchObject({ status: 'ROLLBACK_SUCCESSFUL' });
    expect(await lab.service()).toMatchObject({ taskDefinition: v1, runningCount: 2, deployments: [{ rolloutState: 'COMPLETED' }] });
    expect(await lab.weights()).toEqual([0, 100]);
  });

  it('is called off by itself after 24 hours', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2', crashing));
    await lab.pass(25 * 60 * minutes);
    expect(await lab.deployment()).toMatchObject({
      status: 'ROLLBACK_SUCCESSFUL',
      statusReason: 'Service deployment rolled back because the SCALE_UP stage timed out.',
    });
  });

  it.each(['PRE_SCALE_UP', 'POST_TEST_TRAFFIC_SHIFT', 'BAKE_TIME', 'CLEAN_UP'])('at %s goes back, and no request fails', async (stage) => {
    const lab = await buildPair();
    await lab.running();
    const v1 = await lab.answerer();
    await lab.update(await lab.revision('v2'));
    ok((await lab.untilStage(stage)).statuses);
    await stop(lab);
    ok((await lab.untilEnd()).statuses);
    expect(await lab.deployment()).toMatchObject({
      status: 'ROLLBACK_SUCCESSFUL',
      statusReason: 'Service deployment rolled back because of a user request.',
    });
    expect(await lab.answerer()).toBe(v1);
    expect([await lab.weights(), await lab.weights(lab.testRule)]).toEqual([
      [0, 100],
      [0, 100],
    ]);
    // And forth again.
    await lab.update(await lab.revision('v3'));
    ok((await lab.untilEnd()).statuses);
    expect((await lab.deployment()).status).toBe('SUCCESSFUL');
    expect(await lab.weights()).toEqual([100, 0]);
  });

  it('of a paused deployment makes its hook void', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [lab.pause('POST_TEST_TRAFFIC_SHIFT')] }));
    await lab.untilPaused();
    await stop(lab);
    await lab.untilEnd();
    expect(await lab.deployment()).toMatchObject({ status: 'ROLLBACK_SUCCESSFUL', lifecycleHookDetails: [{ status: 'FAILED' }] });
  });
});

describe('a load balancer that does not answer', () => {
  it.each(['throttle', 'error-500', 'timeout-before', 'timeout-after'] as const)('(%s) is asked again', async (kind) => {
    const lab = await buildPair();
    await lab.running();
    lab.world.faults.add({ kind, match: { operation: 'ModifyRule' }, times: 3 });
    lab.world.faults.add({ kind, match: { operation: 'DescribeRules', caller: 'infrastructure' } });
    await lab.update(await lab.revision('v2'));
    ok((await lab.untilEnd()).statuses);
    expect(await lab.deployment()).toMatchObject({ status: 'SUCCESSFUL' });
    expect([await lab.weights(), await lab.weights(lab.testRule)]).toEqual([
      [100, 0],
      [100, 0],
    ]);
  });

  it('for long fails the stage', async () => {
    const lab = await buildPair();
    await lab.running();
    lab.world.faults.add({ kind: 'timeout-before', match: { operation: 'ModifyRule' }, times: 10 });
    await lab.update(await lab.revision('v2'));
    ok((await lab.untilEnd()).statuses);
    expect(await lab.deployment()).toMatchObject({
      status: 'ROLLBACK_SUCCESSFUL',
      statusReason: expect.stringContaining('TEST_TRAFFIC_SHIFT lifecycle hook(s) failed. Unable to execute HTTP request: ETIMEDOUT'),
    });
  });
});

describe('a service that replaced tasks one by one', () => {
  it('shifts traffic from where it is, once it is told how, and no request fails', async () => {
    const lab = await buildPair();
    const plain = lab.balancers().map((one) => ({ ...one, advancedConfiguration: undefined }));
    await lab.running('v1', { loadBalancers: plain, deploymentConfiguration: { strategy: 'ROLLING' } });
    const v2 = await lab.revision('v2');
    await expect(lab.update(v2)).rejects.toThrow('advancedConfiguration field is required for all loadBalancers');
    await lab.ecs.send(
      new UpdateServiceCommand({
        cluster,
        service: 'orders',
        taskDefinition: v2,
        deploymentConfiguration: lab.blueGreen({ lifecycleHooks: [lab.pause('POST_TEST_TRAFFIC_SHIFT')] }),
        loadBalancers: lab.balancers(),
      }),
    );
    ok((await lab.untilPaused()).statuses);
    expect(await lab.weights()).toEqual([100, 0]);
    await lab.decide('CONTINUE');
    ok((await lab.untilEnd()).statuses);
    expect([await lab.weights(), (await lab.deployment()).status]).toEqual([[0, 100], 'SUCCESSFUL']);
  });
});

describe('a service that shifts traffic', () => {
  it('scales both sides meanwhile', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'), lab.blueGreen({ bakeTimeInMinutes: 20 }));
    await lab.untilStage('BAKE_TIME');
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 3 }));
    await lab.pass(2 * minutes);
    expect((await lab.service()).deployments!.map(({ runningCount, desiredCount }) => [runningCount, desiredCount])).toEqual([
      [3, 3],
      [3, 3],
    ]);
    ok((await lab.untilEnd()).statuses);
    expect((await lab.service()).runningCount).toBe(3);
  });

  it('can be deleted in the middle, and the clock comes to rest', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'), lab.blueGreen({ lifecycleHooks: [lab.pause('POST_TEST_TRAFFIC_SHIFT')] }));
    await lab.untilPaused();
    const before = lab.clock.now();
    await lab.ecs.send(new DeleteServiceCommand({ cluster, service: 'orders', force: true }));
    await lab.clock.run();
    expect((await lab.service()).status).toBe('INACTIVE');
    expect(lab.clock.now() - before).toBeLessThan(10 * minutes);
  });
});
