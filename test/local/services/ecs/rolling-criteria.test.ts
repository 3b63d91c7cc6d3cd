import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { type DeploymentConfiguration, DescribeServiceDeploymentsCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../../local/core/client.ts';
import { build, cluster, minutes, region, seconds } from './lab.ts';

type Lab = Awaited<ReturnType<typeof build>>;

const update = async (lab: Lab, taskDefinition: string, deploymentConfiguration: DeploymentConfiguration) => {
  await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition, deploymentConfiguration }));
};
const shown = async (lab: Lab) => {
  const [newest] = await lab.deployments();
  const arns = { serviceDeploymentArns: [newest!.serviceDeploymentArn!] };
  return (await lab.ecs.send(new DescribeServiceDeploymentsCommand(arns))).serviceDeployments![0]!;
};

describe('early success', () => {
  /** Four tasks, of which two are replaced at a time. */
  const early = (sourceServiceRevisionCleanup: 'BLOCKING' | 'DEFERRED'): DeploymentConfiguration => ({
    minimumHealthyPercent: 50,
    maximumPercent: 100,
    earlySuccessCriteria: { enable: true, healthyPercent: 50, sourceServiceRevisionCleanup },
  });
  /** What runs, of which revision, when the deployment counts as successful. */
  async function atSuccess(cleanup: 'BLOCKING' | 'DEFERRED') {
    const lab = await build();
    const v1 = await lab.revision('v1');
    await lab.create(v1, { desiredCount: 4, deploymentConfiguration: {} });
    await lab.pass(5 * minutes);
    const v2 = await lab.revision('v2');
    await update(lab, v2, early(cleanup));
    for (let waited = 0; (await shown(lab)).status !== 'SUCCESSFUL'; waited++) {
      expect(waited).toBeLessThan(1200);
      await lab.pass(seconds);
    }
    const ending = (await lab.tasks('STOPPED')).filter(({ lastStatus }) => !['DEPROVISIONING', 'STOPPED'].includes(lastStatus!));
    const old = [...(await lab.tasks()), ...ending].filter(({ taskDefinitionArn }) => taskDefinitionArn === v1).length;
    return { lab, v2, old, healthy: (await shown(lab)).targetServiceRevision!.runningTaskCount! };
  }

  it('with BLOCKING comes once enough new tasks are healthy and the old ones are gone', async () => {
    const { lab, v2, old, healthy } = await atSuccess('BLOCKING');
    expect(old).toBe(0);
    expect(healthy).toBeGreaterThanOrEqual(2);
    expect(healthy).toBeLessThan(4);
    await lab.pass(5 * minutes);
    expect(await lab.service()).toMatchObject({ taskDefinition: v2, runningCount: 4, deployments: [{ rolloutState: 'COMPLETED' }] });
  });

  it('with DEFERRED comes while old tasks still run, and ECS removes them afterwards', async () => {
    const { lab, v2, old, healthy } = await atSuccess('DEFERRED');
    expect([old, healthy]).toEqual([2, 2]);
    await lab.pass(5 * minutes);
    expect(await lab.service()).toMatchObject({ taskDefinition: v2, runningCount: 4, deployments: [{ rolloutState: 'COMPLETED' }] });
    expect((await lab.tasks()).every(({ taskDefinitionArn }) => taskDefinitionArn === v2)).toBe(true);
    expect(lab.deploymentEvents().filter(([name]) => name === 'SERVICE_DEPLOYMENT_COMPLETED')).toHaveLength(2);
  });

  it('is not there without its numbers, or with fewer healthy tasks than the minimum', async () => {
    const lab = await build();
    const v1 = await lab.revision('v1');
    for (const [criteria, message] of [
      [{ enable: true }, 'healthyPercent and sourceServiceRevisionCleanup must be specified'],
      [{ enable: true, healthyPercent: 50 }, 'healthyPercent and sourceServiceRevisionCleanup must be specified'],
      [{ enable: true, healthyPercent: 90, sourceServiceRevisionCleanup: 'BLOCKING' }, 'not less than minimumHealthyPercent'],
    ] as const)
      await expect(lab.create(v1, { deploymentConfiguration: { earlySuccessCriteria: criteria } })).rejects.toMatchObject({
        name: 'InvalidParameterException',
        message: expect.stringContaining(message),
      });
  });
});

describe('the circuit breaker', () => {
  /** Every task is healthy for a while, then ends. */
  const flaky = { 'local.aws.exit-code': '1', 'local.aws.exit-after': '30', 'local.aws.healthy-after': '5' };
  const breaker = (more: object): DeploymentConfiguration => ({
    deploymentCircuitBreaker: { enable: true, rollback: true, thresholdConfiguration: { type: 'COUNT', value: 4 }, ...more },
  });

  it('forgets failures when a task becomes healthy, unless it shall not', async () => {
    for (const resetOnHealthyTask of [true, false]) {
      const lab = await build();
      await lab.create(await lab.revision('v1'), { desiredCount: 2, deploymentConfiguration: {} });
      await lab.pass(5 * minutes);
      // An alarm that looks at ten minutes keeps the deployment open for as long.
      const cloudwatch = new CloudWatchClient(clientConfig(lab.world, { region, credentials: lab.iam.user('admin') }));
      await cloudwatch.send(
        new PutMetricAlarmCommand({
          AlarmName: 'errors',
          Namespace: 'Acme',
          MetricName: 'Errors',
          Statistic: 'Sum',
          Period: 60,
          EvaluationPeriods: 10,
          Threshold: 0,
          ComparisonOperator: 'GreaterThanThreshold',
          TreatMissingData: 'notBreaching',
        }),
      );
      const alarms = { alarmNames: ['errors'], enable: true, rollback: true };
      await update(lab, await lab.revision('v2', flaky), { alarms, ...breaker({ resetOnHealthyTask }) });
      await lab.pass(60 * minutes);
      const { status, deploymentCircuitBreaker } = await shown(lab);
      if (resetOnHealthyTask) expect([status, deploymentCircuitBreaker!.status]).toEqual(['SUCCESSFUL', 'MONITORING_COMPLETE']);
      else expect([status, deploymentCircuitBreaker!.failureCount]).toEqual(['ROLLBACK_SUCCESSFUL', 4]);
    }
  });

  it('takes its percentage of the newest desired count', async () => {
    const lab = await build();
    const percent = { thresholdConfiguration: { type: 'UNBOUNDED_PERCENT', value: 50 } };
    await lab.create(await lab.revision('v1'), { desiredCount: 4, deploymentConfiguration: breaker(percent) });
    expect((await shown(lab)).deploymentCircuitBreaker!.threshold).toBe(2);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 10 }));
    expect((await shown(lab)).deploymentCircuitBreaker!.threshold).toBe(5);
  });
});
