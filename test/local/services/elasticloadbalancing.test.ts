import { Readable } from 'node:stream';
import { CloudWatchClient, GetMetricStatisticsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import {
  AddTagsCommand,
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  DeregisterTargetsCommand,
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyListenerCommand,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
  ModifyTargetGroupCommand,
  RegisterTargetsCommand,
  SetRulePrioritiesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { ConnectionError, type HttpResponse, textResponse } from '../../../local/core/http.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import type { CreatedResource, PolicyDocument, ResourceContext } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { CloudWatch } from '../../../local/services/cloudwatch.ts';
import { LoadBalancing } from '../../../local/services/elasticloadbalancing/index.ts';
import { allows } from './double.ts';

const account = '111122223333';
const region = 'eu-central-1';
const start = Date.parse('2026-11-23T08:00:00Z');
const seconds = 1000;

async function build(more: ConstructorParameters<typeof World>[1] = {}) {
  const clock = new VirtualClock(start);
  const world = new World(clock, { elasticloadbalancing: (site) => new LoadBalancing(site), ...more }, 7);
  const clientOf = (name: string, policy: PolicyDocument) =>
    new ElasticLoadBalancingV2Client(clientConfig(world, { region, credentials: identities(world, account).user(name, { policy }) }));
  const elb = clientOf('admin', allows('*'));
  const site = world.site(account, region);
  const service = site.service('elasticloadbalancing');

  const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: 'acme-test', Subnets: ['subnet-1', 'subnet-2'] }));
  const balancer = LoadBalancers![0]!;
  const host = balancer.DNSName!;
  const { Listeners } = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: balancer.LoadBalancerArn,
      Protocol: 'HTTP',
      Port: 80,
      DefaultActions: [
        { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404', ContentType: 'text/plain', MessageBody: 'no such service' } },
      ],
    }),
  );
  const ListenerArn = Listeners![0]!.ListenerArn!;

  const group = async (Name: string, more: object = {}) =>
    (
      await elb.send(
        new CreateTargetGroupCommand({
          Name,
          TargetType: 'ip',
          Protocol: 'HTTP',
          Port: 8080,
          VpcId: 'vpc-1',
          HealthCheckPath: '/health',
          HealthCheckIntervalSeconds: 10,
          HealthyThresholdCount: 2,
          UnhealthyThresholdCount: 3,
          ...more,
        }),
      )
    ).TargetGroups![0]!.TargetGroupArn!;
  const rule = async (Priority: number, path: string, actions: object) =>
    (
      await elb.send(
        new CreateRuleCommand({
          ListenerArn,
          Priority,
          Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: [path] } }],
          Actions: [actions as never],
        }),
      )
    ).Rules![0]!.RuleArn!;
  const lead = (Priority: number, path: string, TargetGroupArn: string) => rule(Priority, path, { Type: 'forward', TargetGroupArn });
  /** Something that answers its own name, from `after` seconds on. */
  const target = (arn: string, id: string, { after = 0, health = 200, name = id } = {}) =>
    service.registerTarget(arn, {
      id,
      port: 8080,
      startsHealthyAt: clock.now() + after * seconds,
      respond: ({ path }) => (path === '/health' ? textResponse(health, '') : textResponse(200, name)),
    });
  const state = async (TargetGroupArn: string, id: string) => {
    const { TargetHealthDescriptions } = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn, Targets: [{ Id: id }] }));
    const { State, Reason } = TargetHealthDescriptions![0]!.TargetHealth!;
    return Reason === undefined ? State : `${State} ${Reason}`;
  };
  const get = (path = '/', headers: Record<string, string> = {}, to = host) =>
    world.http({ method: 'GET', host: to, path, query: '', headers: { host: to, ...headers }, body: new Uint8Array() });
  const text = async (response: Promise<HttpResponse>) => {
    const { status, body } = await response;
    return `${status} ${new TextDecoder().decode(body)}`;
  };
  const pass = (duration: number) => clock.run({ until: clock.now() + duration * seconds });
  return { clock, world, site, service, elb, clientOf, balancer, host, ListenerArn, group, rule, lead, target, state, get, text, pass };
}

describe('a load balancer', () => {
  it('answers under its own name by its listener’s default action', async () => {
    const { get, text, host, world, balancer } = await build();
    expect(host).toMatch(/^acme-test-\d+\.eu-central-1\.elb\.amazonaws\.com$/);
    expect(await text(get('/orders'))).toBe('404 no such service');
    expect(await text(get('/orders', {}, `${host}:80`))).toBe('404 no such service');
    expect(balancer.LoadBalancerArn).toMatch(/:loadbalancer\/app\/acme-test\/[0-9a-f]{16}$/);
    expect(world.meter.total('elasticloadbalancing.request')).toBe(2);
  });

  it('refuses connections where it does not listen', async () => {
    const { elb, get } = await build();
    const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: 'idle', Subnets: ['subnet-1', 'subnet-2'] }));
    await expect(get('/', {}, LoadBalancers![0]!.DNSName!)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('exists once, with one listener for each port', async () => {
    const { elb, balancer } = await build();
    await expect(elb.send(new CreateLoadBalancerCommand({ Name: 'acme-test' }))).rejects.toMatchObject({
      name: 'DuplicateLoadBalancerNameException',
    });
    const listener = { LoadBalancerArn: balancer.LoadBalancerArn, Protocol: 'HTTP', Port: 80, DefaultActions: [] } as const;
    await expect(elb.send(new CreateListenerCommand({ ...listener, DefaultActions: [] }))).rejects.toMatchObject({
      name: 'DuplicateListenerException',
    });
  });

  it('redirects', async () => {
    const { rule, get, host } = await build();
    await rule(1, '/old*', { Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', Port: '443', Path: '/new', StatusCode: 'HTTP_301' } });
    const { status, headers } = await get('/old/1');
    expect([status, headers.location]).toEqual([301, `https://${host}:443/new`]);
  });
});

describe('rules', () => {
  it('are asked in the order of their priorities, the default last', async () => {
    const { rule, get, text, elb, ListenerArn } = await build();
    const answer = (MessageBody: string) => ({ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '200', MessageBody } });
    const all = await rule(20, '/*', answer('all'));
    const orders = await rule(10, '/orders*', answer('orders'));
    expect(await text(get('/orders/1'))).toBe('200 orders');
    expect(await text(get('/payments'))).toBe('200 all');
    await elb.send(
      new SetRulePrioritiesCommand({
        RulePriorities: [
          { RuleArn: all, Priority: 10 },
          { RuleArn: orders, Priority: 20 },
        ],
      }),
    );
    expect(await text(get('/orders/1'))).toBe('200 all');
    const { Rules } = await elb.send(new DescribeRulesCommand({ ListenerArn }));
    expect(Rules!.map(({ Priority, IsDefault }) => [Priority, IsDefault])).toEqual(
      expect.arrayContaining([
        ['10', false],
        ['20', false],
        ['default', true],
      ]),
    );
    await elb.send(new DeleteRuleCommand({ RuleArn: all }));
    await elb.send(new DeleteRuleCommand({ RuleArn: orders }));
    expect(await text(get('/orders/1'))).toBe('404 no such service');
    await expect(elb.send(new DeleteRuleCommand({ RuleArn: all }))).rejects.toMatchObject({ name: 'RuleNotFoundException' });
  });

  it('have a priority each, and lead to groups that exist', async () => {
    const { lead, group } = await build();
    const arn = await group('orders');
    await lead(10, '/orders*', arn);
    await expect(lead(10, '/other', arn)).rejects.toMatchObject({ name: 'PriorityInUseException' });
    await expect(lead(11, '/other', `${arn}0`)).rejects.toMatchObject({ name: 'TargetGroupNotFoundException' });
    await expect(lead(50_001, '/other', arn)).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it('look at paths, hosts and headers, all of which must hold', async () => {
    const { elb, ListenerArn, get, text, host } = await build();
    await elb.send(
      new CreateRuleCommand({
        ListenerArn,
        Priority: 1,
        Conditions: [
          { Field: 'host-header', HostHeaderConfig: { Values: ['ACME-*.elb.amazonaws.com'] } },
          { Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'X-Canary', Values: ['yes', 'maybe?'] } },
          { Field: 'path-pattern', PathPatternConfig: { Values: ['/v?/*'] } },
        ],
        Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '299' } }],
      }),
    );
    const statuses = await Promise.all(
      [
        get('/v1/orders', { 'x-canary': 'yes' }),
        get('/v2/', { 'x-canary': 'MAYBE1' }),
        get('/v1/orders'),
        get('/V1/orders', { 'x-canary': 'yes' }),
        get('/v10/orders', { 'x-canary': 'yes' }),
      ].map(async (response) => (await response).status),
    );
    expect(statuses).toEqual([299, 299, 404, 404, 404]);
    expect(await text(get('/v1/x', { 'x-canary': 'no' }, host))).toBe('404 no such service');
  });

  it('share requests out by weight', async () => {
    const { group, rule, target, get, pass, elb } = await build();
    const [blue, green] = [await group('blue'), await group('green')];
    const groups = (a: number, b: number) => ({
      TargetGroups: [
        { TargetGroupArn: blue, Weight: a },
        { TargetGroupArn: green, Weight: b },
      ],
    });
    const RuleArn = await rule(1, '/*', { Type: 'forward', ForwardConfig: groups(90, 10) });
    target(blue, '10.0.0.1', { name: 'blue' });
    target(green, '10.0.0.2', { name: 'green' });
    await pass(60);
    const count = async (times: number) => {
      let green = 0;
      for (let sent = 0; sent < times; sent++) if (new TextDecoder().decode((await get('/x')).body) === 'green') green++;
      return green;
    };
    const tenth = await count(1000);
    expect(tenth).toBeGreaterThan(60);
    expect(tenth).toBeLessThan(140);
    await elb.send(new ModifyRuleCommand({ RuleArn, Actions: [{ Type: 'forward', ForwardConfig: groups(0, 100) }] }));
    expect(await count(100)).toBe(100);
    await elb.send(new ModifyRuleCommand({ RuleArn, Actions: [{ Type: 'forward', ForwardConfig: groups(0, 0) }] }));
    expect((await get('/x')).status).toBe(503);
  });

  it('take whole weights up to 999, of at most five target groups, without stickiness', async () => {
    const { group, rule } = await build();
    const arn = await group('blue');
    const forward = (Weight: number, more: object = {}, times = 1) =>
      rule(1, '/*', {
        Type: 'forward',
        ForwardConfig: { TargetGroups: Array.from({ length: times }, () => ({ TargetGroupArn: arn, Weight })), ...more },
      });
    for (const weight of [-1, 1000, 1.5]) await expect(forward(weight)).rejects.toThrow('must be from 0 to 999');
    await expect(forward(1, {}, 6)).rejects.toMatchObject({ name: 'TooManyTargetGroupsException' });
    await expect(forward(1, { TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 60 } })).rejects.toMatchObject({
      name: 'NotImplemented',
    });
    await forward(999, { TargetGroupStickinessConfig: { Enabled: false } });
  });
});

describe('targets', () => {
  it('get requests in turn once they passed a check, and none while they drain', async () => {
    const { group, lead, target, get, text, pass, state, service } = await build();
    const arn = await group('orders');
    await lead(10, '/*', arn);
    expect(await text(get())).toMatch(/^503 .*<title>503 Service Temporarily Unavailable<\/title>/s);
    target(arn, '10.0.0.1', { after: 5 });
    target(arn, '10.0.0.2', { after: 5 });
    expect(await state(arn, '10.0.0.1')).toBe('initial Elb.InitialHealthChecking');
    expect((await get()).status).toBe(503);
    await pass(11);
    expect(await state(arn, '10.0.0.1')).toBe('healthy');
    const answers = [await text(get()), await text(get()), await text(get()), await text(get())];
    expect(new Set(answers)).toEqual(new Set(['200 10.0.0.1', '200 10.0.0.2']));
    expect(answers[0]).toBe(answers[2]);
    service.deregisterTarget(arn, '10.0.0.1', 8080);
    expect(await state(arn, '10.0.0.1')).toBe('draining Target.DeregistrationInProgress');
    expect(await text(get())).toBe('200 10.0.0.2');
    expect(await text(get())).toBe('200 10.0.0.2');
    await pass(301);
    expect(await state(arn, '10.0.0.1')).toBe('unused Target.NotRegistered');
  });

  it('that fail their checks become unhealthy after the threshold, and take requests only if no other does', async () => {
    const { group, lead, target, get, text, pass, state, clock } = await build();
    const arn = await group('orders');
    await lead(10, '/*', arn);
    target(arn, '10.0.0.1', { health: 500 });
    await pass(19);
    expect(await state(arn, '10.0.0.1')).toBe('initial Elb.InitialHealthChecking');
    await pass(2);
    expect(await state(arn, '10.0.0.1')).toBe('unhealthy Target.ResponseCodeMismatch');
    // Fail open: "if a target group contains only unhealthy registered targets, the load balancer routes requests to all those targets".
    expect(await text(get())).toBe('200 10.0.0.1');
    target(arn, '10.0.0.2');
    await pass(10);
    for (let sent = 0; sent < 4; sent++) expect(await text(get())).toBe('200 10.0.0.2');
    // When the sums of the last requests are sent, nothing goes on by itself.
    await pass(61);
    const before = clock.now();
    await clock.run();
    expect(clock.now()).toBe(before);
  });

  it('that start slowly are unhealthy meanwhile and recover', async () => {
    const { group, lead, target, pass, state, get } = await build();
    const arn = await group('orders');
    await lead(10, '/*', arn);
    target(arn, '10.0.0.1', { after: 60 });
    await pass(25);
    expect(await state(arn, '10.0.0.1')).toBe('unhealthy Target.FailedHealthChecks');
    expect((await get()).status).toBe(502);
    await pass(50);
    expect(await state(arn, '10.0.0.1')).toBe('healthy');
  });

  it('of a group that no rule leads to are unused, and are checked when one does', async () => {
    const { group, lead, target, pass, state, elb, service } = await build();
    const arn = await group('orders');
    const seen: string[] = [];
    service.onTargetHealth(arn, (id, now) => seen.push(`${id} ${now}`));
    target(arn, '10.0.0.1');
    await pass(120);
    expect(await state(arn, '10.0.0.1')).toBe('unused Target.NotInUse');
    expect(service.targetGroup(arn).loadBalancerArns).toEqual([]);
    const RuleArn = await lead(10, '/*', arn);
    await pass(10);
    expect(await state(arn, '10.0.0.1')).toBe('healthy');
    expect(service.targetGroup(arn).loadBalancerArns).toHaveLength(1);
    await expect(elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: arn }))).rejects.toMatchObject({ name: 'ResourceInUseException' });
    await elb.send(new DeleteRuleCommand({ RuleArn }));
    expect(await state(arn, '10.0.0.1')).toBe('unused Target.NotInUse');
    expect(seen).toEqual(['10.0.0.1 initial', '10.0.0.1 healthy', '10.0.0.1 unused']);
    await elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: arn }));
    await expect(elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }))).rejects.toMatchObject({
      name: 'TargetGroupNotFoundException',
    });
  });

  it('that reset the connection give 502', async () => {
    const { group, lead, service, clock, pass, get } = await build();
    const arn = await group('orders');
    await lead(10, '/*', arn);
    const respond = ({ path }: { path: string }) => {
      if (path !== '/health') throw new Error('reset');
      return textResponse(200, '');
    };
    service.registerTarget(arn, { id: '10.0.0.1', port: 8080, startsHealthyAt: clock.now(), respond });
    await pass(10);
    expect((await get()).status).toBe(502);
  });

  it('are not to blame where a visitor goes away while a request is sent', async () => {
    const { group, lead, service, clock, pass, world, host } = await build();
    const arn = await group('orders');
    await lead(10, '/*', arn);
    const stream = new Readable({ read: () => undefined });
    const respond = ({ path }: { path: string }) => {
      if (path === '/health') return textResponse(200, '');
      stream.destroy();
      throw new ConnectionError('ECONNRESET', '10.0.0.1');
    };
    service.registerTarget(arn, { id: '10.0.0.1', port: 8080, startsHealthyAt: clock.now(), respond });
    await pass(10);
    const counted: string[] = [];
    service.metrics.onVisits = (measured) => counted.push(...measured.map(({ name }) => name));
    const sent = { method: 'POST', host, path: '/', query: '', headers: { host }, body: new Uint8Array(), received: 1, stream };
    expect((await world.http(sent)).status).toBe(460);
    await pass(120);
    expect(counted).toEqual(['HTTPCode_ELB_4XX_Count']);
  });

  it('registered by address alone never answer', async () => {
    const { group, lead, elb, pass, state } = await build();
    const TargetGroupArn = await group('orders');
    await lead(10, '/*', TargetGroupArn);
    await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: '10.9.9.9' }] }));
    await pass(60);
    expect(await state(TargetGroupArn, '10.9.9.9')).toBe('unhealthy Target.FailedHealthChecks');
    await elb.send(new DeregisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: '10.9.9.9' }] }));
    await expect(elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: 'orders' }] }))).rejects.toMatchObject({
      name: 'InvalidTargetException',
    });
  });

  it('are judged anew when the check changes', async () => {
    const { group, lead, target, elb, pass, state } = await build();
    const TargetGroupArn = await group('orders');
    await lead(10, '/*', TargetGroupArn);
    target(TargetGroupArn, '10.0.0.1', { health: 204 });
    await pass(60);
    expect(await state(TargetGroupArn, '10.0.0.1')).toBe('unhealthy Target.ResponseCodeMismatch');
    await elb.send(new ModifyTargetGroupCommand({ TargetGroupArn, Matcher: { HttpCode: '200-299' } }));
    await pass(21);
    expect(await state(TargetGroupArn, '10.0.0.1')).toBe('healthy');
    await elb.send(new ModifyTargetGroupCommand({ TargetGroupArn, Matcher: { HttpCode: '200,201' } }));
    await pass(31);
    expect(await state(TargetGroupArn, '10.0.0.1')).toBe('unhealthy Target.ResponseCodeMismatch');
  });
});

describe('counts of hosts', () => {
  it('set an alarm off after five minutes with a sick one, end it when that is gone, and cost nothing while nothing changes', async () => {
    const { clock, world, site, service, balancer, group, lead, target, pass } = await build({ cloudwatch: (own) => new CloudWatch(own) });
    const arn = await group('orders');
    await lead(1, '/*', arn);
    const credentials = identities(world, account).user('watcher', { policy: allows('*') });
    const client = new CloudWatchClient(clientConfig(world, { region, credentials }));
    const Dimensions = [
      { Name: 'LoadBalancer', Value: balancer.LoadBalancerArn!.split(':loadbalancer/')[1] },
      { Name: 'TargetGroup', Value: arn.split(':').at(-1) },
    ];
    await client.send(
      new PutMetricAlarmCommand({
        AlarmName: 'unhealthy',
        Namespace: 'AWS/ApplicationELB',
        MetricName: 'UnHealthyHostCount',
        Dimensions,
        Statistic: 'Maximum',
        Period: 60,
        EvaluationPeriods: 5,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        TreatMissingData: 'notBreaching',
      }),
    );
    const seen: string[] = [];
    site.service('cloudwatch').onStateChange(({ to }) => seen.push(`${(clock.now() - start) / (60 * seconds)} ${to}`));
    target(arn, '10.0.0.1');
    target(arn, '10.0.0.2', { health: 500 });
    await pass(4.5 * 60);
    expect(seen).toEqual(['1 OK']);
    await clock.run();
    expect(seen).toEqual(['1 OK', '5 ALARM']);
    // It stays so, and nobody has to look any more.
    expect(clock.now() - start).toBeLessThan(12 * 60 * seconds);
    await pass(86_400);
    const counted = async (MetricName: string) => {
      const EndTime = new Date(clock.now());
      const StartTime = new Date(clock.now() - 3_600 * seconds);
      const command = { Namespace: 'AWS/ApplicationELB', MetricName, Dimensions, StartTime, EndTime, Period: 60 };
      const { Datapoints = [] } = await client.send(new GetMetricStatisticsCommand({ ...command, Statistics: ['Maximum'] }));
      return Datapoints.map(({ Maximum }) => Maximum);
    };
    expect(await counted('HealthyHostCount')).toEqual(Array.from({ length: 60 }, () => 1));
    service.deregisterTarget(arn, '10.0.0.2', 8080);
    await clock.run();
    expect(seen.slice(2)).toEqual([expect.stringMatching(/OK$/)]);
    service.deregisterTarget(arn, '10.0.0.1', 8080);
    await pass(7_200);
    // "Reported if there are registered targets."
    expect(await counted('HealthyHostCount')).toEqual([]);
  });
});

describe('settings', () => {
  it('of target groups are kept, checked and shown', async () => {
    const { group, elb } = await build();
    const TargetGroupArn = await group('orders');
    const { TargetGroups } = await elb.send(new DescribeTargetGroupsCommand({ Names: ['orders'] }));
    expect(TargetGroups![0]).toMatchObject({
      TargetGroupArn,
      TargetType: 'ip',
      Port: 8080,
      HealthCheckPath: '/health',
      HealthCheckIntervalSeconds: 10,
      Matcher: { HttpCode: '200' },
      LoadBalancerArns: [],
    });
    const delay = { Key: 'deregistration_delay.timeout_seconds', Value: '20' };
    await elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes: [delay] }));
    const { Attributes } = await elb.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn }));
    expect(Attributes).toContainEqual(delay);
    await expect(
      elb.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes: [{ ...delay, Value: '4000' }] })),
    ).rejects.toMatchObject({ name: 'ValidationError' });
    await expect(group('orders')).rejects.toMatchObject({ name: 'DuplicateTargetGroupNameException' });
    await expect(group('other', { HealthCheckIntervalSeconds: 1 })).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it('of a listener change under running targets without disturbing them', async () => {
    const { group, lead, target, pass, elb, ListenerArn, state, get, text } = await build();
    const arn = await group('orders');
    await lead(10, '/orders*', arn);
    target(arn, '10.0.0.1');
    await pass(10);
    const DefaultActions = [{ Type: 'fixed-response' as const, FixedResponseConfig: { StatusCode: '410', MessageBody: 'gone' } }];
    await elb.send(new ModifyListenerCommand({ ListenerArn, DefaultActions }));
    expect(await state(arn, '10.0.0.1')).toBe('healthy');
    expect(await text(get('/else'))).toBe('410 gone');
    expect(await text(get('/orders'))).toBe('200 10.0.0.1');
    const { Listeners } = await elb.send(new DescribeListenersCommand({ ListenerArns: [ListenerArn] }));
    expect(Listeners![0]!.DefaultActions).toEqual(DefaultActions);
  });

  it('carry tags', async () => {
    const { group, elb } = await build();
    const arn = await group('orders', { Tags: [{ Key: 'a', Value: '1' }] });
    await elb.send(new AddTagsCommand({ ResourceArns: [arn], Tags: [{ Key: 'b', Value: '2' }] }));
    const { TagDescriptions } = await elb.send(new DescribeTagsCommand({ ResourceArns: [arn] }));
    expect(TagDescriptions![0]!.Tags).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]);
  });
});

describe('permissions', () => {
  it('to make rules are given for listeners', async () => {
    const { clientOf, ListenerArn, group } = await build();
    const TargetGroupArn = await group('orders');
    const create = new CreateRuleCommand({
      ListenerArn,
      Priority: 1,
      Conditions: [{ Field: 'path-pattern', Values: ['/x'] }],
      Actions: [{ Type: 'forward', TargetGroupArn }],
    });
    const listeners = `arn:aws:elasticloadbalancing:${region}:${account}:listener/app/acme-test/*`;
    const { Rules } = await clientOf('deployer', allows('elasticloadbalancing:CreateRule', listeners)).send(create);
    const other = clientOf('other', allows('elasticloadbalancing:CreateRule', listeners.replace('test', 'live')));
    await expect(other.send(create)).rejects.toThrow(/not authorized to perform: elasticloadbalancing:CreateRule/);
    const deleter = clientOf('deleter', allows('elasticloadbalancing:DeleteRule', listeners.replace(':listener/', ':listener-rule/')));
    await deleter.send(new DeleteRuleCommand({ RuleArn: Rules![0]!.RuleArn }));
  });
});

describe('templates', () => {
  it('make all of it, change it in place, and take it away', async () => {
    const { site, service, pass, get, text, elb } = await build();
    const context = (logicalId: string): ResourceContext => ({
      site,
      stackName: 'acme',
      logicalId,
      generatedName: `acme-${logicalId}-1A2B3C`,
      asset: () => '',
    });
    const type = (name: string) => service.resources[`AWS::ElasticLoadBalancingV2::${name}`]!;
    const make = async (name: string, properties: object) => type(name).create(properties, context(name)) as CreatedResource;
    const balancer = await make('LoadBalancer', { Name: 'acme-beta', Type: 'application', Scheme: 'internet-facing' });
    const host = balancer.attributes!.DNSName!;
    expect(balancer.attributes).toMatchObject({
      LoadBalancerArn: balancer.ref,
      LoadBalancerFullName: balancer.ref.split(':loadbalancer/')[1],
    });
    const DefaultActions = [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }];
    const listenerProperties = { LoadBalancerArn: balancer.ref, Port: '80', Protocol: 'HTTP', DefaultActions };
    const listener = await make('Listener', listenerProperties);
    const groupProperties = {
      Name: 'beta-orders',
      TargetType: 'ip',
      Port: 8080,
      Protocol: 'HTTP',
      VpcId: 'vpc-1',
      HealthCheckPath: '/health',
    };
    const group = await make('TargetGroup', groupProperties);
    expect(group.attributes!.TargetGroupFullName).toMatch(/^targetgroup\/beta-orders\/[0-9a-f]{16}$/);
    const ruleProperties = {
      ListenerArn: listener.ref,
      Priority: '10',
      Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/orders*'] } }],
      Actions: [{ Type: 'forward', TargetGroupArn: group.ref }],
    };
    const rule = await make('ListenerRule', ruleProperties);
    service.registerTarget(group.ref, { id: '10.0.0.1', port: 8080, startsHealthyAt: 0, respond: () => textResponse(200, 'orders') });
    await pass(30);
    expect(await text(get('/orders', {}, host))).toBe('200 orders');

    const changed = { ...groupProperties, TargetGroupAttributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '5' }] };
    expect((await type('TargetGroup').update!(changed, group, context('TargetGroup'))).ref).toBe(group.ref);
    expect(service.deregistrationDelay(group.ref)).toBe(5);
    await expect(async () =>
      type('TargetGroup').update!({ ...groupProperties, Port: 9090 }, group, context('TargetGroup')),
    ).rejects.toThrow(/custom name/);
    await type('ListenerRule').update!({ ...ruleProperties, Priority: 20 }, rule, context('ListenerRule'));
    expect((await elb.send(new DescribeRulesCommand({ RuleArns: [rule.ref] }))).Rules![0]!.Priority).toBe('20');
    expect(await text(get('/orders', {}, host))).toBe('200 orders');

    await type('ListenerRule').delete!(rule, context('ListenerRule'));
    expect((await get('/orders', {}, host)).status).toBe(404);
    await type('TargetGroup').delete!(group, context('TargetGroup'));
    await type('LoadBalancer').delete!(balancer, context('LoadBalancer'));
    await expect(get('/', {}, host)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});
