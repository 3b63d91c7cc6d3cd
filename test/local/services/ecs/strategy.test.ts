import type { DeploymentConfiguration } from '@aws-sdk/client-ecs';
import { UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { AddTagsCommand, CreateRuleCommand, ModifyRuleCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, it } from 'vitest';
import { stepsOf } from '../../../../local/services/ecs/strategy.ts';
import { weightsOf } from '../../../../local/services/ecs/traffic.ts';
import { allows } from '../double.ts';
import { account, cluster, minutes, region } from './lab.ts';
import { buildPair } from './traffic-lab.ts';

const lab = await buildPair();
const hook = (more: object) => ({ lifecycleHooks: [{ lifecycleStages: ['PRE_SCALE_UP' as const], ...more }] });
const lambda = { hookTargetArn: `arn:aws:lambda:${region}:${account}:function:check`, roleArn: `arn:aws:iam::${account}:role/hooks` };

describe('the steps of a strategy', () => {
  it.each([
    ['BLUE_GREEN', {}, [100]],
    ['CANARY', { canaryConfiguration: { canaryPercent: 12.5 } }, [12.5, 100]],
    ['CANARY', { canaryConfiguration: { canaryPercent: 100 } }, [100]],
    ['LINEAR', { linearConfiguration: { stepPercent: 20 } }, [20, 40, 60, 80, 100]],
    ['LINEAR', { linearConfiguration: { stepPercent: 30 } }, [30, 60, 90, 100]],
    ['LINEAR', { linearConfiguration: { stepPercent: 33.4 } }, [33.4, 66.8, 100]],
  ] as const)('%s %j are %j', (strategy, more, steps) => {
    expect(stepsOf({ strategy, ...more })).toEqual(steps);
  });

  it.each([
    [0, { green: 0, blue: 100 }],
    [100, { green: 100, blue: 0 }],
    [5, { green: 50, blue: 950 }],
    [12.5, { green: 125, blue: 875 }],
    [0.1, { green: 1, blue: 999 }],
    [99.9, { green: 999, blue: 1 }],
  ])('%d %% are whole weights', (percent, weights) => {
    expect(weightsOf(percent)).toEqual(weights);
  });
});

describe('a service is refused', () => {
  const create = async (deploymentConfiguration: DeploymentConfiguration, loadBalancers: object[] = lab.balancers()) =>
    lab.create(await lab.revision('v1'), { deploymentConfiguration, loadBalancers });

  it.each<[string, DeploymentConfiguration, string]>([
    ['blue/green without a bake time', { strategy: 'BLUE_GREEN' }, 'bakeTimeInMinutes must be specified'],
    ['a bake time of more than a day', { strategy: 'BLUE_GREEN', bakeTimeInMinutes: 1441 }, 'bakeTimeInMinutes must be from 0 to 1440'],
    ['a circuit breaker', lab.blueGreen({ deploymentCircuitBreaker: { enable: true, rollback: true } }), 'only be used with the ROLLING'],
    ['early success', lab.blueGreen({ earlySuccessCriteria: { enable: true } }), 'only be used with the ROLLING'],
    ['a canary of nothing', { strategy: 'CANARY', canaryConfiguration: { canaryPercent: 0 } }, 'canaryPercent must be a multiple of 0.1'],
    ['too fine a canary', { strategy: 'CANARY', canaryConfiguration: { canaryPercent: 1.25 } }, 'canaryPercent must be a multiple of 0.1'],
    ['too small steps', { strategy: 'LINEAR', linearConfiguration: { stepPercent: 2.9 } }, 'multiple of 0.1 from 3.0 to 100.0'],
    [
      'a long step',
      { strategy: 'LINEAR', linearConfiguration: { stepBakeTimeInMinutes: 1441 } },
      'stepBakeTimeInMinutes must be from 0 to 1440',
    ],
    ['canary settings for linear', { strategy: 'LINEAR', canaryConfiguration: {} }, 'canaryConfiguration is only valid with the CANARY'],
    ['linear settings for blue/green', lab.blueGreen({ linearConfiguration: {} }), 'linearConfiguration is only valid with the LINEAR'],
    [
      'a pause while traffic shifts',
      lab.blueGreen({ lifecycleHooks: [lab.pause('PRODUCTION_TRAFFIC_SHIFT')] }),
      'Invalid lifecycle stage provided for Pause Hook',
    ],
    [
      'a pause while test traffic shifts',
      lab.blueGreen({ lifecycleHooks: [lab.pause('TEST_TRAFFIC_SHIFT')] }),
      'Invalid lifecycle stage provided for Pause Hook',
    ],
    ['a pause with a target', lab.blueGreen(hook({ targetType: 'PAUSE', ...lambda })), 'Pause hooks do not use hookTargetArn or roleArn'],
    [
      'a pause of more than a fortnight',
      lab.blueGreen({ lifecycleHooks: [lab.pause('PRE_SCALE_UP', { timeoutInMinutes: 20_161 })] }),
      'must be from 1 to 20160 minutes',
    ],
    ['a hook without a function', lab.blueGreen(hook({ roleArn: lambda.roleArn })), 'must be the ARN of a Lambda function'],
    ['a hook without a role', lab.blueGreen(hook({ hookTargetArn: lambda.hookTargetArn })), 'roleArn must be specified'],
    ['a hook without a stage', lab.blueGreen({ lifecycleHooks: [{ ...lambda }] }), 'lifecycleStages must be specified'],
    [
      'a function that takes more than a day',
      lab.blueGreen(hook({ ...lambda, timeoutConfiguration: { timeoutInMinutes: 1441 } })),
      'must be from 1 to 1440 minutes',
    ],
    [
      'an eleventh pause',
      lab.blueGreen({ lifecycleHooks: Array.from({ length: 11 }, () => lab.pause('PRE_SCALE_UP')) }),
      'at most 10 lifecycle hooks of the type PAUSE',
    ],
  ])('with %s', async (_, configuration, message) => {
    await expect(create(configuration)).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining(message),
    });
  });

  it('with hooks or a bake time for rolling, which is not implemented here', async () => {
    for (const more of [{ lifecycleHooks: [lab.pause('PRE_SCALE_UP')] }, { bakeTimeInMinutes: 5 }])
      await expect(create({ strategy: 'ROLLING', ...more })).rejects.toMatchObject({ name: 'NotImplemented' });
  });

  it.each([
    [
      'no advancedConfiguration',
      () => lab.balancers().map((one) => ({ ...one, advancedConfiguration: undefined })),
      'advancedConfiguration field is required',
    ],
    ['no role', () => lab.balancers({ roleArn: undefined }), 'must have alternateTargetGroupArn, productionListenerRule and roleArn'],
    ['no alternate target group', () => lab.balancers({ alternateTargetGroupArn: undefined }), 'must have alternateTargetGroupArn'],
    ['the same target group twice', () => lab.balancers({ alternateTargetGroupArn: lab.primary }), 'Duplicate targetGroupArn found'],
    [
      'one rule for both',
      () => lab.balancers({ testListenerRule: lab.productionRule }),
      'cannot be used as both production and test listener rules',
    ],
    [
      'a listener in place of a rule',
      () => lab.balancers({ productionListenerRule: lab.productionRule.replace('listener-rule', 'listener') }),
      'productionListenerRule has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got:',
    ],
    ['a rule that is not there', () => lab.balancers({ productionListenerRule: `${lab.productionRule}0` }), 'One or more rules not found'],
    ['a target group that is not there', () => lab.balancers({ alternateTargetGroupArn: `${lab.alternate}0` }), 'target groups not found'],
  ])('with %s', async (_, balancers, message) => {
    await expect(create(lab.blueGreen(), balancers())).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining(message),
    });
  });

  it('without a test rule unless the production rule knows both target groups', async () => {
    const { listenerArn } = await lab.balancer('acme-other');
    const group = await lab.group({ name: 'other' });
    const { Rules } = await lab.elb.send(
      new CreateRuleCommand({
        ListenerArn: listenerArn,
        Priority: 5,
        Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
        Actions: [{ Type: 'forward', TargetGroupArn: group }],
      }),
    );
    const [one] = lab.balancers({ productionListenerRule: Rules![0]!.RuleArn!, testListenerRule: undefined });
    await expect(create(lab.blueGreen(), [{ ...one!, targetGroupArn: group }])).rejects.toThrow(
      'testListenerRule is required when productionListenerRule is not associated with both',
    );
  });

  it('with CANARY or LINEAR where there is no load balancer', async () => {
    await expect(create({ strategy: 'CANARY', bakeTimeInMinutes: 0 }, [])).rejects.toThrow('needs a service with load balancers');
  });

  it('to whoever may not pass its roles', async () => {
    const mine = await buildPair();
    const taskDefinition = await mine.running();
    const may = mine.clientOf('deployer', allows('ecs:*'));
    const change = (more: object) => may.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition, ...more }));
    await expect(change({ loadBalancers: mine.balancers() })).rejects.toThrow(`iam:PassRole on resource: ${mine.infrastructure.arn}`);
    await expect(change({ deploymentConfiguration: mine.blueGreen(hook(lambda)) })).rejects.toThrow(
      `iam:PassRole on resource: ${lambda.roleArn}`,
    );
    await change({ desiredCount: 2 });
  });
});

describe('a deployment goes back before it starts a task', () => {
  const spoil = async (what: (mine: Awaited<ReturnType<typeof buildPair>>) => unknown) => {
    const mine = await buildPair();
    await mine.running();
    const v1 = await mine.answerer();
    await what(mine);
    await mine.update(await mine.revision('v2'));
    await mine.pass(minutes);
    expect(await mine.deployment()).toMatchObject({ status: 'ROLLBACK_SUCCESSFUL', lifecycleStage: 'CLEAN_UP' });
    expect(await mine.answerer()).toBe(v1);
    return (await mine.deployment()).statusReason;
  };
  const forward = (mine: Awaited<ReturnType<typeof buildPair>>, ...groups: readonly (readonly [string, number])[]) =>
    mine.elb.send(
      new ModifyRuleCommand({
        RuleArn: mine.productionRule,
        Actions: [
          { Type: 'forward', ForwardConfig: { TargetGroups: groups.map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight })) } },
        ],
      }),
    );

  it('where the role does not trust ECS', async () => {
    expect(
      await spoil((mine) => {
        mine.infrastructure.trust = { Version: '2012-10-17', Statement: [] };
      }),
    ).toContain('ECS was unable to manage the ELB resources due to missing permissions on ECS Infrastructure Role');
  });

  it('where two target groups serve', async () => {
    expect(
      await spoil((mine) =>
        forward(mine, [mine.primary, 0], [mine.alternate, 100]).then(() => forward(mine, [mine.alternate, 50], [mine.alternate, 50])),
      ),
    ).toContain('should have exactly one target group serving traffic but found 2');
  });

  it('where a stranger serves', async () => {
    const mine = await buildPair();
    await mine.running();
    const stranger = await mine.group({ name: 'stranger' });
    await forward(mine, [mine.primary, 0], [stranger, 100]);
    await mine.update(await mine.revision('v2'));
    await mine.pass(minutes);
    expect((await mine.deployment()).statusReason).toContain(`forwarding traffic to unexpected target group ${stranger}.`);
  });

  it('where a target group is behind no rule', async () => {
    const mine = await buildPair();
    await mine.running();
    await forward(mine, [mine.primary, 100]);
    await mine.elb.send(new ModifyRuleCommand({ RuleArn: mine.testRule, Actions: [{ Type: 'forward', TargetGroupArn: mine.primary }] }));
    await mine.update(await mine.revision('v2'));
    await mine.pass(minutes);
    expect((await mine.deployment()).statusReason).toBe(
      `Service deployment rolled back because of invalid networking configuration: Target group ${mine.alternate} is not associated with either productionListenerRule or testListenerRule.`,
    );
  });

  it('where nobody may change the rules, at the stage that does it', async () => {
    const mine = await buildPair();
    await mine.running();
    mine.infrastructure.attached.clear();
    mine.infrastructure.inline.set('read', allows(['elasticloadbalancing:Describe*', 'elasticloadbalancing:*Targets']));
    await mine.update(await mine.revision('v2'));
    await mine.untilEnd();
    expect(await mine.deployment()).toMatchObject({
      status: 'ROLLBACK_FAILED',
      statusReason: expect.stringMatching(
        /TEST_TRAFFIC_SHIFT lifecycle hook\(s\) failed\. User: arn:aws:sts::.*infrastructure\/ECSNetworkingWithELB is not authorized to perform: elasticloadbalancing:ModifyRule/,
      ),
    });
  });

  it('registers targets where the tags of the group are those of the role’s condition, and nowhere else', async () => {
    const mine = await buildPair();
    mine.infrastructure.attached.clear();
    mine.infrastructure.inline.set('look', allows(['elasticloadbalancing:Describe*', 'elasticloadbalancing:ModifyRule']));
    mine.infrastructure.inline.set('move', {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['elasticloadbalancing:RegisterTargets', 'elasticloadbalancing:DeregisterTargets'],
          Resource: '*',
          Condition: { StringEquals: { 'aws:ResourceTag/shiplock:environment': 'live' } },
        },
      ],
    });
    await mine.elb.send(new AddTagsCommand({ ResourceArns: [mine.alternate], Tags: [{ Key: 'shiplock:environment', Value: 'live' }] }));
    await mine.running();
    expect((await mine.deployment()).status).toBe('SUCCESSFUL');
    await mine.update(await mine.revision('v2'));
    await mine.pass(10 * minutes);
    expect(await mine.deployment()).toMatchObject({ status: 'IN_PROGRESS', lifecycleStage: 'SCALE_UP' });
    const refused = (await mine.service()).events!.filter(({ message }) => message!.includes('failed to register targets'));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ message }) => message!.includes('target-group orders-a'))).toBe(true);
  });

  it('never registers a target that it may not', async () => {
    const mine = await buildPair();
    await mine.running();
    mine.infrastructure.attached.clear();
    mine.infrastructure.inline.set('some', allows(['elasticloadbalancing:Describe*', 'elasticloadbalancing:ModifyRule']));
    await mine.update(await mine.revision('v2'));
    await mine.pass(10 * minutes);
    expect(await mine.deployment()).toMatchObject({ status: 'IN_PROGRESS', lifecycleStage: 'SCALE_UP' });
    expect(
      (await mine.service()).events!.some(({ message }) =>
        message!.includes('failed to register targets in target-group orders-a with (error User: '),
      ),
    ).toBe(true);
  });
});
