/** The rules of a load balancer as deployments keep them, against local AWS. */
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  ModifyRuleCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, it } from 'vitest';
import { ensureRule } from '../../aws/listener-rules.ts';
import { LoadBalancing } from '../../aws/load-balancing.ts';
import { clientConfig } from '../../local/core/client.ts';
import { VirtualClock } from '../../local/core/clock.ts';
import { World } from '../../local/core/world.ts';
import { factories } from '../../local/services/index.ts';

const region = 'eu-central-1';

async function build() {
  const world = new World(new VirtualClock(Date.parse('2026-11-23T08:00:00Z')), factories);
  const statement = { Effect: 'Allow' as const, Action: '*', Resource: '*' };
  const credentials = world
    .site('111122223333', region)
    .service('iam')
    .user('admin', { all: { Version: '2012-10-17', Statement: statement } });
  const connection = clientConfig(world, { region, credentials });
  const elb = new ElasticLoadBalancingV2Client(connection);
  const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: 'acme-test', Subnets: ['subnet-1', 'subnet-2'] }));
  const { Listeners } = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: LoadBalancers![0]!.LoadBalancerArn,
      Protocol: 'HTTP',
      Port: 80,
      DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
    }),
  );
  const listenerArn = Listeners![0]!.ListenerArn!;
  const group = async (Name: string) =>
    (await elb.send(new CreateTargetGroupCommand({ Name, TargetType: 'ip', Protocol: 'HTTP', Port: 80, VpcId: 'vpc-1' }))).TargetGroups![0]!
      .TargetGroupArn!;
  const rules = async () =>
    ((await elb.send(new DescribeRulesCommand({ ListenerArn: listenerArn }))).Rules ?? [])
      .filter(({ IsDefault }) => !IsDefault)
      .map(
        ({ Priority, Conditions, Actions }) =>
          `${Priority} ${Conditions?.[0]?.PathPatternConfig?.Values?.[0]} ${Actions?.[0]?.TargetGroupArn?.split('/')[1]}`,
      )
      .toSorted();
  return { elb, listenerArn, group, rules, loadBalancing: new LoadBalancing(connection) };
}

describe('the rule of a service', () => {
  it('that is added before others moves them behind it', async () => {
    const { loadBalancing, listenerArn, group, rules } = await build();
    const [orders, gateway, returns] = [await group('orders'), await group('gateway'), await group('returns')];
    const before = { '/orders*': 1, '/*': 2 };
    await ensureRule(loadBalancing, { listenerArn, targetGroupArn: orders, path: '/orders*', priority: 1, priorities: before });
    await ensureRule(loadBalancing, { listenerArn, targetGroupArn: gateway, path: '/*', priority: 2, priorities: before });
    const after = { '/orders*': 1, '/returns*': 2, '/*': 3 };
    await ensureRule(loadBalancing, { listenerArn, targetGroupArn: returns, path: '/returns*', priority: 2, priorities: after });
    expect(await rules()).toEqual(['1 /orders* orders', '2 /returns* returns', '3 /* gateway']);
  });

  it('is there once, however often it is asked for, and swaps its place with another', async () => {
    const { loadBalancing, listenerArn, group, rules } = await build();
    const [one, two] = [await group('one'), await group('two')];
    const ask = (targetGroupArn: string, path: string, priorities: Record<string, number>, priority: number) =>
      ensureRule(loadBalancing, { listenerArn, targetGroupArn, path, priority, priorities });
    await ask(one, '/one', { '/one': 1, '/two': 2 }, 1);
    await ask(two, '/two', { '/one': 1, '/two': 2 }, 2);
    await ask(two, '/two', { '/one': 1, '/two': 2 }, 2);
    await ask(two, '/two', { '/one': 2, '/two': 1 }, 1);
    expect(await rules()).toEqual(['1 /two two', '2 /one one']);
  });

  it('follows its path, and keeps where it leads', async () => {
    const { loadBalancing, listenerArn, group, rules, elb } = await build();
    const [blue, green] = [await group('orders'), await group('orders-green')];
    const ask = (path: string) =>
      ensureRule(loadBalancing, { listenerArn, targetGroupArn: blue, path, priority: 1, priorities: { '/v2/orders*': 1 } });
    await ask('/orders*');
    const [rule] = (await elb.send(new DescribeRulesCommand({ ListenerArn: listenerArn }))).Rules ?? [];
    const TargetGroups = [
      { TargetGroupArn: blue, Weight: 10 },
      { TargetGroupArn: green, Weight: 90 },
    ];
    await elb.send(new ModifyRuleCommand({ RuleArn: rule?.RuleArn, Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups } }] }));
    await ask('/v2/orders*');
    expect(await rules()).toMatchObject([expect.stringContaining('1 /v2/orders*')]);
    const [now] = (await elb.send(new DescribeRulesCommand({ ListenerArn: listenerArn }))).Rules ?? [];
    expect(now?.Actions?.[0]?.ForwardConfig?.TargetGroups).toMatchObject(TargetGroups);
  });

  it('is refused where somebody else has its priority, and says so', async () => {
    const { loadBalancing, listenerArn, group, elb } = await build();
    const [foreign, own] = [await group('foreign'), await group('own')];
    const Conditions = [{ Field: 'path-pattern', Values: ['/x'] }];
    const Actions = [{ Type: 'forward' as const, TargetGroupArn: foreign }];
    await elb.send(new CreateRuleCommand({ ListenerArn: listenerArn, Priority: 1, Conditions, Actions }));
    const ask = ensureRule(loadBalancing, { listenerArn, targetGroupArn: own, path: '/own', priority: 1, priorities: { '/own': 1 } });
    await expect(ask).rejects.toMatchObject({ name: 'PriorityInUseException' });
  });
});
