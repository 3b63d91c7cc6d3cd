import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/core/clock.ts';
import { resourceOf } from '../../../../local/core/iam/actions.ts';
import type { Permission, PolicyDocument, PolicyStatement, Principal } from '../../../../local/core/service.ts';
import { World } from '../../../../local/core/world.ts';
import type { Iam } from '../../../../local/services/iam.ts';
import { factories } from '../../../../local/services/index.ts';

const account = '111122223333';
const other = '444455556666';
const region = 'eu-central-1';
const orders = `arn:aws:ecs:${region}:${account}:service/live/orders`;
const queue = `arn:aws:sqs:${region}:${account}:dead-letters`;
let world: World;
let iam: Iam;

beforeEach(() => {
  world = new World(new VirtualClock(Date.parse('2026-11-23T08:00:00Z')), factories, 7);
  iam = world.site(account, region).service('iam');
});

const policy = (...Statement: PolicyStatement[]): PolicyDocument => ({ Version: '2012-10-17', Statement });
const allow = (
  Action: string | string[],
  Resource: string | string[] = '*',
  Condition?: PolicyStatement['Condition'],
): PolicyStatement => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition ? { Condition } : {}),
});
const deny = (Action: string, Resource = '*'): PolicyStatement => ({ Effect: 'Deny', Action, Resource });
const lambdaTrust = policy({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' });

/** A session of a fresh role with these statements. */
function session(...statements: PolicyStatement[]): Principal {
  const role = iam.createRole('deployer', lambdaTrust, statements.length > 0 ? { own: policy(...statements) } : {});
  return iam.rolePrincipal(role.arn, 'run');
}

const update: Permission = {
  action: 'ecs:UpdateService',
  resource: orders,
  context: { 'ecs:cluster': `arn:aws:ecs:${region}:${account}:cluster/live` },
};

/** undefined if allowed, else the reason. */
function verdict(principal: Principal, permission: Permission): string | undefined {
  try {
    iam.authorize(principal, permission);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'AccessDeniedException', status: 403 });
    return /because.*|with an explicit.*/.exec((error as Error).message)?.[0];
  }
}

describe('identity policies', () => {
  it('allow what they name, in any case of the action, and nothing else', () => {
    const caller = session(allow(['ecs:updateservice', 'ecs:Run*'], `arn:aws:ecs:*:${account}:service/live/*`));
    expect(verdict(caller, update)).toBeUndefined();
    expect(verdict(caller, { ...update, resource: orders.replace('/live/', '/test/') })).toBe(
      'because no identity-based policy allows the ecs:UpdateService action',
    );
    expect(verdict(caller, { ...update, action: 'ecs:DeleteService' })).toContain('ecs:DeleteService');
  });

  it('lose against an explicit deny, wherever it stands', () => {
    expect(verdict(session(allow('*'), deny('ecs:*', orders)), update)).toBe('with an explicit deny in an identity-based policy');
    expect(iam.denials.at(-1)).toMatchObject({ explicit: true, statement: deny('ecs:*', orders) });
  });

  it('hold under their conditions only', () => {
    const only = (cluster: string) =>
      allow('ecs:UpdateService', '*', { ArnEquals: { 'ecs:cluster': `arn:aws:ecs:*:*:cluster/${cluster}` } });
    const caller = session(only('live'));
    expect(verdict(caller, update)).toBeUndefined();
    expect(verdict(caller, { ...update, context: { 'ecs:cluster': `arn:aws:ecs:${region}:${account}:cluster/test` } })).toBeDefined();
  });

  it('know NotAction and NotResource', () => {
    const caller = session({ Effect: 'Allow', NotAction: 'iam:*', NotResource: `arn:aws:ecs:*:*:service/live/*` });
    expect(verdict(caller, update)).toBeDefined();
    expect(verdict(caller, { ...update, resource: orders.replace('/live/', '/test/') })).toBeUndefined();
    expect(verdict(caller, { action: 'iam:PassRole', resource: `arn:aws:iam::${account}:role/x` })).toBeDefined();
  });

  it('match an action that knows no resource by * alone, as DescribeTaskDefinition', () => {
    const describeIt: Permission = { action: 'ecs:DescribeTaskDefinition', resource: '*' };
    expect(verdict(session(allow('ecs:DescribeTaskDefinition', 'arn:aws:ecs:*:*:task-definition/*')), describeIt)).toBeDefined();
    iam.role(`arn:aws:iam::${account}:role/deployer`).inline.set('own', policy(allow('ecs:DescribeTaskDefinition')));
    expect(verdict(iam.rolePrincipal(`arn:aws:iam::${account}:role/deployer`, 'run'), describeIt)).toBeUndefined();
  });

  it('are limited by a permissions boundary', () => {
    const caller = session(allow('*'));
    const boundary = world.site(account, region).find('iam').resources!['AWS::IAM::ManagedPolicy']!;
    const context = { generatedName: 'stack-boundary' } as never;
    return Promise.resolve(boundary.create({ PolicyDocument: policy(allow('ecs:Describe*')) }, context)).then(({ ref }) => {
      iam.role(caller.roleArn!).boundary = ref;
      expect(verdict(caller, update)).toBe('because no permissions boundary allows the ecs:UpdateService action');
      expect(verdict(caller, { action: 'ecs:DescribeServices', resource: orders })).toBeUndefined();
    });
  });

  it('do not bind the root user, and nothing allows a deleted role', () => {
    expect(verdict(iam.rootPrincipal(), update)).toBeUndefined();
    const caller = session(allow('*'));
    expect(verdict(caller, update)).toBeUndefined();
    void world.site(account, region).find('iam').resources!['AWS::IAM::Role']!.delete!(
      { ref: 'deployer', attributes: { Arn: caller.roleArn! } },
      {} as never,
    );
    expect(verdict(caller, update)).toBeDefined();
  });

  it('are one store for all Regions of an account', () => {
    const caller = session(allow('ecs:*'));
    const elsewhere = world.site(account, 'us-east-1').service('iam');
    expect(elsewhere.role(caller.roleArn!).name).toBe('deployer');
    expect(() => elsewhere.authorize(caller, update)).not.toThrow();
  });

  it('know the Region that is asked', () => {
    const caller = session(allow('ecs:*', '*', { StringEquals: { 'aws:RequestedRegion': region } }));
    expect(verdict(caller, update)).toBeUndefined();
    expect(() => world.site(account, 'us-east-1').service('iam').authorize(caller, update)).toThrow('not authorized');
  });

  it('know tags and names of the caller as variables', () => {
    const user = iam.user('ann', { own: policy(allow('sqs:SendMessage', `arn:aws:sqs:*:*:\${aws:username}-*`)) });
    const ann = iam.userPrincipal('ann');
    expect(user.arn).toBe(ann.arn);
    expect(verdict(ann, { action: 'sqs:SendMessage', resource: `arn:aws:sqs:${region}:${account}:ann-inbox` })).toBeUndefined();
    expect(verdict(ann, { action: 'sqs:SendMessage', resource: `arn:aws:sqs:${region}:${account}:bob-inbox` })).toBeDefined();
  });

  it('know no variables in policies of the old version', () => {
    const Statement = [allow('sqs:SendMessage', `arn:aws:sqs:*:*:\${aws:username}-*`)];
    iam.user('ann', { own: { Statement } });
    iam.user('bob', { own: { Version: '2008-10-17', Statement } });
    for (const name of ['ann', 'bob'])
      expect(
        verdict(iam.userPrincipal(name), { action: 'sqs:SendMessage', resource: `arn:aws:sqs:${region}:${account}:${name}-inbox` }),
      ).toBeDefined();
    const literal = `arn:aws:sqs:${region}:${account}:\${aws:username}-inbox`;
    expect(verdict(iam.userPrincipal('ann'), { action: 'sqs:SendMessage', resource: literal })).toBeUndefined();
  });
});

describe("a resource's own policy", () => {
  const send = (resourcePolicy?: PolicyDocument): Permission => ({ action: 'sqs:SendMessage', resource: queue, resourcePolicy });
  const rule = `arn:aws:events:${region}:${account}:rule/push`;
  const events: Principal = {
    kind: 'service',
    arn: 'events.amazonaws.com',
    account,
    context: { 'aws:SourceArn': rule, 'aws:SourceAccount': account },
  };
  const forEvents = (Condition?: PolicyStatement['Condition']) =>
    policy({
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queue,
      ...(Condition ? { Condition } : {}),
    });

  it('is what an AWS service needs, and its conditions see where the call comes from', () => {
    expect(verdict(events, send())).toBe('because no resource-based policy allows the sqs:SendMessage action');
    expect(verdict(events, send(forEvents()))).toBeUndefined();
    expect(verdict(events, send(forEvents({ ArnEquals: { 'aws:SourceArn': rule } })))).toBeUndefined();
    expect(verdict(events, send(forEvents({ ArnEquals: { 'aws:SourceArn': `${rule}-2` } })))).toBeDefined();
    expect(verdict({ ...events, arn: 'sns.amazonaws.com' }, send(forEvents()))).toBeDefined();
  });

  it('suffices within the account if it names the caller or everybody, not if it names the account', () => {
    const caller = session();
    const named = (AWS: string | string[]) => send(policy({ Effect: 'Allow', Principal: { AWS }, Action: 'sqs:*', Resource: '*' }));
    expect(verdict(caller, named(caller.roleArn!))).toBeUndefined();
    expect(verdict(caller, named(caller.arn))).toBeUndefined();
    expect(verdict(caller, named(['*']))).toBeUndefined();
    expect(verdict(caller, named(`arn:aws:iam::${account}:root`))).toBe(
      'because no identity-based policy allows the sqs:SendMessage action',
    );
    expect(verdict(caller, named(`arn:aws:iam::${account}:role/somebody`))).toBeDefined();
  });

  it('that names a role is limited by its boundary; one that names the session or everybody is not', async () => {
    const caller = session(allow('sqs:*'));
    const type = world.site(account, region).find('iam').resources!['AWS::IAM::ManagedPolicy']!;
    const bound = async (...statements: PolicyStatement[]) => {
      const name = `stack-boundary-${statements.length}-${statements[0]!.Effect}`;
      const { ref } = await type.create({ PolicyDocument: policy(...statements) }, { generatedName: name } as never);
      iam.role(caller.roleArn!).boundary = ref;
    };
    const named = (Principal: PolicyStatement['Principal']) => send(policy({ Effect: 'Allow', Principal, Action: 'sqs:*', Resource: '*' }));
    await bound(allow('ecs:*'));
    expect(verdict(caller, named({ AWS: caller.roleArn! }))).toBe('because no permissions boundary allows the sqs:SendMessage action');
    expect(verdict(caller, named({ AWS: account }))).toBe('because no permissions boundary allows the sqs:SendMessage action');
    expect(verdict(caller, named({ AWS: caller.arn }))).toBeUndefined();
    expect(verdict(caller, named('*'))).toBeUndefined();
    await bound(deny('sqs:SendMessage'), allow('*'));
    for (const Principal of [{ AWS: caller.roleArn! }, { AWS: caller.arn }, '*'] as const)
      expect(verdict(caller, named(Principal))).toBe('with an explicit deny in a permissions boundary');
  });

  it('that speaks of everybody but some spares those whose every name it lists', () => {
    const caller = session(allow('sqs:*'));
    const but = (...AWS: string[]) => send(policy({ ...deny('sqs:*'), NotPrincipal: { AWS } }));
    const root = `arn:aws:iam::${account}:root`;
    expect(verdict(caller, but(root, caller.roleArn!, caller.arn))).toBeUndefined();
    for (const names of [[caller.roleArn!, caller.arn], [root, caller.roleArn!], [root, caller.arn], [root]])
      expect(verdict(caller, but(...names))).toBe('with an explicit deny in a resource-based policy');
    expect(verdict(iam.userPrincipal('root') && { kind: 'user', arn: root, account }, but(root))).toBeUndefined();
    const service = send(
      policy(...(forEvents().Statement as PolicyStatement[]), { ...deny('sqs:*'), NotPrincipal: { Service: 'events.amazonaws.com' } }),
    );
    expect(verdict(events, service)).toBeUndefined();
  });

  it('is missed by another account also where the resource has none', () => {
    const theirs = world.site(other, region).service('iam');
    const role = theirs.createRole('sender', lambdaTrust, { own: policy(allow('*')) });
    expect(verdict(theirs.rolePrincipal(role.arn, 'run'), send())).toBe(
      'because no resource-based policy allows the sqs:SendMessage action',
    );
  });

  it('is needed beside an identity policy by a caller of another account', () => {
    const theirs = world.site(other, region).service('iam');
    const role = theirs.createRole('sender', lambdaTrust, { own: policy(allow('sqs:SendMessage')) });
    const caller = theirs.rolePrincipal(role.arn, 'run');
    const open = policy({ Effect: 'Allow', Principal: { AWS: other }, Action: 'sqs:SendMessage', Resource: queue });
    expect(verdict(caller, send(policy()))).toBe('because no resource-based policy allows the sqs:SendMessage action');
    expect(verdict(caller, send(open))).toBeUndefined();
    role.inline.clear();
    expect(verdict(caller, send(open))).toBe('because no identity-based policy allows the sqs:SendMessage action');
  });

  it('may deny what the identity is allowed', () => {
    const closed = policy({ ...deny('sqs:*'), Principal: '*' });
    expect(verdict(session(allow('sqs:*')), send(closed))).toBe('with an explicit deny in a resource-based policy');
  });

  it('is all that opens a door to somebody unknown', () => {
    const nobody: Principal = { kind: 'anonymous', arn: '*', account };
    const url: Permission = {
      action: 'lambda:InvokeFunctionUrl',
      resource: `arn:aws:lambda:${region}:${account}:function:decide`,
      context: { 'lambda:FunctionUrlAuthType': 'NONE' },
    };
    expect(verdict(nobody, url)).toBeDefined();
    const open = policy({
      Effect: 'Allow',
      Principal: '*',
      Action: 'lambda:InvokeFunctionUrl',
      Resource: url.resource,
      Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } },
    });
    expect(verdict(nobody, { ...url, resourcePolicy: open })).toBeUndefined();
    expect(verdict(nobody, { ...url, resourcePolicy: open, context: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } })).toBeDefined();
  });
});

describe('roles', () => {
  const task = `arn:aws:iam::${account}:role/task`;

  it('are passed to the service that the policy names', () => {
    const caller = session(allow('iam:PassRole', task, { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } }));
    expect(verdict(caller, iam.passRole(task, 'ecs-tasks.amazonaws.com'))).toBeUndefined();
    expect(verdict(caller, iam.passRole(task, 'lambda.amazonaws.com'))).toBeDefined();
    expect(verdict(caller, iam.passRole(`${task}-2`, 'ecs-tasks.amazonaws.com'))).toBeDefined();
  });

  it('are assumed by the services that they trust', () => {
    const { arn } = iam.createRole('worker', lambdaTrust);
    expect(() => iam.assertAssumable(arn, 'lambda.amazonaws.com')).not.toThrow();
    expect(() => iam.assertAssumable(arn, 'ecs-tasks.amazonaws.com')).toThrow('not authorized to perform: sts:AssumeRole');
    expect(() => iam.assertAssumable(`${arn}-2`, 'lambda.amazonaws.com')).toThrow('cannot be found');
  });

  it('are trusted under conditions', () => {
    const trust = policy({
      Effect: 'Allow',
      Principal: { Service: 'scheduler.amazonaws.com' },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    });
    const { arn } = iam.createRole('nightly', trust);
    expect(() => iam.assertAssumable(arn, 'scheduler.amazonaws.com', { 'aws:SourceAccount': account })).not.toThrow();
    expect(() => iam.assertAssumable(arn, 'scheduler.amazonaws.com', { 'aws:SourceAccount': other })).toThrow('not authorized');
    expect(() => iam.assertAssumable(arn, 'scheduler.amazonaws.com')).toThrow('not authorized');
  });
});

describe('the account of what was asked', () => {
  it('names the statement that is missing', () => {
    const caller = session();
    verdict(caller, update);
    expect(iam.denials).toEqual([
      {
        time: Date.parse('2026-11-23T08:00:00Z'),
        principal: caller.arn,
        role: caller.roleArn,
        action: 'ecs:UpdateService',
        resource: orders,
        message: `User: ${caller.arn} is not authorized to perform: ecs:UpdateService on resource: ${orders} because no identity-based policy allows the ecs:UpdateService action`,
        statement: {
          Effect: 'Allow',
          Action: 'ecs:UpdateService',
          Resource: orders,
          Condition: { StringEquals: { 'ecs:cluster': `arn:aws:ecs:${region}:${account}:cluster/live` } },
        },
        explicit: false,
      },
    ]);
    // Added to the role, that very statement allows the call.
    iam.role(caller.roleArn!).inline.set('missing', policy(iam.denials[0]!.statement));
    expect(verdict(caller, update)).toBeUndefined();
  });

  it('tells which granted actions nobody needed', () => {
    const caller = session(allow(['ecs:UpdateService', 'ecs:DeleteService', 'sqs:*']), deny('iam:*'));
    expect(verdict(caller, update)).toBeUndefined();
    verdict(caller, { action: 'sqs:SendMessage', resource: queue, resourcePolicy: policy({ ...deny('sqs:*'), Principal: '*' }) });
    expect(iam.unusedGrants().map(({ role, policy: name, statement, action }) => [role.split('/')[1], name, statement, action])).toEqual([
      ['deployer', 'own', 0, 'ecs:DeleteService'],
      ['deployer', 'own', 0, 'sqs:*'],
    ]);
    expect(iam.usedActions).toEqual([{ role: caller.roleArn, action: 'ecs:UpdateService' }]);
  });
});

describe('the service authorization reference', () => {
  it.each([
    ['an action', { action: 'ecs:UpdateServices', resource: '*' }, 'IAM knows no action "ecs:UpdateServices"'],
    ['a spelling of an action', { action: 'ecs:updateService', resource: orders }, 'IAM knows no action'],
    ['a service', { action: 'shiplock:Deploy', resource: '*' }, 'IAM knows no service "shiplock"'],
    ['a condition key', { ...update, context: { 'ecs:colour': 'red' } }, 'does not know the condition key "ecs:colour"'],
    ['a kind of resource', { ...update, resource: queue }, `ecs:UpdateService knows no resource like ${queue}`],
  ])('calls %s that AWS does not have a bug of the service that asks', (_, permission, message) => {
    expect(() => resourceOf(permission)).toThrow(message);
  });

  it('holds an action without resources against * alone, and knows keys with a name of their own', () => {
    expect(
      resourceOf({ action: 'ecs:DescribeTaskDefinition', resource: `arn:aws:ecs:${region}:${account}:task-definition/orders:1` }),
    ).toBe('*');
    expect(resourceOf({ ...update, context: { 'aws:ResourceTag/team': 'lock' } })).toBe(orders);
  });
});
