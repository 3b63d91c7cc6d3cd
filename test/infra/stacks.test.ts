import { beforeAll, describe, expect, it } from 'vitest';
import { RESOURCES_PER_STACK, resourcesOf, TARGETS_PER_LOAD_BALANCER } from '../../domain/configuration/limits.ts';
import * as names from '../../domain/pipeline/names.ts';
import { pascal } from '../../infra/names.ts';
import { evaluateLifecyclePolicy } from '../../local/services/ecr/lifecycle.ts';
import type { Repository, StoredImage } from '../../local/services/ecr/repository.ts';
import { environment, pipeline, Synthesis, webService } from './pipelines.ts';

const hours = { days: [1, 2, 3, 4, 5], from: '07:00', to: '20:00', timeZone: 'Europe/Berlin' };
const worker = webService('worker', 0);
const { web: _web, ...withoutWeb } = worker;

const sample = pipeline({
  repositories: ['orders', 'shop/catalog'],
  services: [
    webService('orders', 8080, {
      template: {
        containerDefinitions: [
          {
            name: 'web',
            secrets: [
              { name: 'PASSWORD', valueFrom: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:acme/live/orders-AbCdEf:password::' },
              { name: 'KEY', valueFrom: '/acme/live/key' },
              { name: 'OTHER', valueFrom: 'arn:aws:ssm:eu-central-1:111122223333:parameter/acme/test/key' },
            ],
          },
        ],
      },
    }),
    webService('catalog', 9000),
    { ...withoutWeb, containers: { main: { repository: 'orders' } } },
  ],
  environments: [
    environment('test', { onDemand: { hours, depth: 'cluster', outside: 'wait' }, verification: { http: [], build: 'system-tests' } }),
    environment('staging', { onDemand: { hours, depth: 'tasks', outside: 'wait' } }),
    environment('live'),
  ],
});

let synthesis: Synthesis;
beforeAll(async () => {
  synthesis = await Synthesis.of(sample);
});

describe('stacks', () => {
  it('come in the order in which they are deployed: the pipeline last', () => {
    expect(new Set(synthesis.stacks)).toEqual(
      new Set(['AcmeRegistry', 'AcmeNetwork', 'AcmeEnvTest', 'AcmeEnvStaging', 'AcmeEnvLive', 'AcmePipeline']),
    );
    expect(synthesis.stacks.at(-1)).toBe('AcmePipeline');
    for (const name of ['Test', 'Staging', 'Live'])
      expect(synthesis.stacks.indexOf('AcmeNetwork')).toBeLessThan(synthesis.stacks.indexOf(`AcmeEnv${name}`));
  });

  it('share one network, of which an account has five in a Region', () => {
    for (const type of ['VPC', 'InternetGateway'])
      expect(synthesis.stacks.flatMap((stack) => synthesis.all(stack, `AWS::EC2::${type}`))).toHaveLength(1);
    for (const name of ['Test', 'Staging', 'Live'])
      expect(synthesis.all(`AcmeEnv${name}`, 'AWS::EC2::SecurityGroup'), 'each has security groups of its own').toHaveLength(2);
  });

  it('refuse a pipeline of two sites', async () => {
    const two = { ...sample, sites: { ...sample.sites, away: { account: '444455556666', region: 'eu-west-1' } } };
    await expect(Synthesis.of(two)).rejects.toThrow('sites: home, away: a pipeline has one site so far');
  });
});

describe('the registry', () => {
  it('keeps images under a tag as they are, scans them, and outlives its stack', () => {
    const { Properties, DeletionPolicy, UpdateReplacePolicy } = synthesis.one('AcmeRegistry', 'AWS::ECR::Repository', {
      RepositoryName: 'shop/catalog',
    });
    expect(Properties).toMatchObject({ ImageTagMutability: 'IMMUTABLE', ImageScanningConfiguration: { ScanOnPush: true } });
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
    const { rules } = JSON.parse(Properties.LifecyclePolicy.LifecyclePolicyText);
    expect(rules.map(({ selection }: { selection: object }) => selection)).toEqual([
      { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
    ]);
  });

  it('lets no release go, however old it is and however many came after it', () => {
    const { Properties } = synthesis.one('AcmeRegistry', 'AWS::ECR::Repository', { RepositoryName: 'shop/catalog' });
    const policy: string = Properties.LifecyclePolicy.LifecyclePolicyText;
    const DAY = 86_400_000;
    const image = (index: number, tags: readonly string[]): StoredImage =>
      ({ manifest: { digest: `sha256:${index}` }, pushedAt: index * DAY, tags: new Set(tags), status: 'ACTIVE' }) as unknown as StoredImage;
    const images = Array.from({ length: 1000 }, (_, index) => image(index, index % 10 ? [`build-${index}`] : []));
    const repository = {
      images: new Map(images.map((one) => [one.manifest.digest, one])),
      indexesOf: () => [],
    } as unknown as Repository;
    const gone = evaluateLifecyclePolicy(policy, repository, 1000 * DAY).map((action) => action.image.tags.size);
    expect(gone.length).toBeGreaterThan(90);
    expect(new Set(gone)).toEqual(new Set([0]));
  });
});

describe('an environment', () => {
  it('says that nothing is deployed where nothing is', () => {
    for (const { Properties } of synthesis.all('AcmeEnvLive', 'AWS::ElasticLoadBalancingV2::Listener'))
      expect(Properties.DefaultActions).toEqual([
        {
          Type: 'fixed-response',
          FixedResponseConfig: { StatusCode: '503', ContentType: 'text/plain', MessageBody: 'nothing is deployed here\n' },
        },
      ]);
  });

  it('has no rules at its listener: the pipeline makes them', () => {
    expect(synthesis.all('AcmeEnvLive', 'AWS::ElasticLoadBalancingV2::ListenerRule')).toEqual([]);
    expect(synthesis.all('AcmeEnvLive', 'AWS::ECS::Service')).toEqual([]);
    expect(synthesis.all('AcmeEnvLive', 'AWS::ECS::TaskDefinition')).toEqual([]);
  });

  it('keeps the target groups of web services, and has none for workers', () => {
    const groups = synthesis.all('AcmeEnvLive', 'AWS::ElasticLoadBalancingV2::TargetGroup');
    expect(groups.map(({ Properties }) => Properties.HealthCheckPath)).toEqual(['/orders/health', '/catalog/health']);
    for (const group of groups) {
      expect(group.DeletionPolicy).toBe('Retain');
      expect(group.Properties.TargetType).toBe('ip');
      expect(group.Properties.TargetGroupAttributes).toEqual([{ Key: 'deregistration_delay.timeout_seconds', Value: '10' }]);
    }
  });

  it('lets only the load balancer reach the tasks, on their own ports', () => {
    const groups = synthesis.all('AcmeEnvLive', 'AWS::EC2::SecurityGroup');
    const tasks = groups.find(({ Properties }) => Properties.GroupDescription === 'acme-live: tasks')!;
    expect(tasks.Properties.SecurityGroupIngress.map(({ FromPort }: { FromPort: number }) => FromPort)).toEqual([8080, 9000]);
    for (const rule of tasks.Properties.SecurityGroupIngress) {
      expect(rule.CidrIp).toBeUndefined();
      expect(rule.SourceSecurityGroupId).toEqual({ 'Fn::GetAtt': ['LoadBalancerGroup', 'GroupId'] });
    }
  });

  it('owns its cluster unless the pipeline deletes it every evening', () => {
    expect(synthesis.all('AcmeEnvTest', 'AWS::ECS::Cluster')).toEqual([]);
    expect(synthesis.one('AcmeEnvStaging', 'AWS::ECS::Cluster').Properties.ClusterName).toBe('acme-staging');
    expect(synthesis.one('AcmeEnvLive', 'AWS::ECS::Cluster').Properties.ClusterName).toBe('acme-live');
  });

  it('writes down what it is called, for functions to read', () => {
    synthesis.one('AcmeEnvLive', 'AWS::SSM::Parameter', { Name: names.foundationParameter('acme', 'live') });
    synthesis.one('AcmeEnvLive', 'AWS::SSM::Parameter', { Name: names.targetGroupParameter('acme', 'live', 'orders') });
    expect(synthesis.all('AcmeEnvLive', 'AWS::SSM::Parameter')).toHaveLength(3);
  });

  it('has a log for every service', () => {
    const groups = synthesis.all('AcmeEnvLive', 'AWS::Logs::LogGroup').map(({ Properties }) => Properties.LogGroupName);
    expect(groups).toEqual(['orders', 'catalog', 'worker'].map((service) => names.logGroup('acme', 'live', service)));
  });

  it('lets its execution role read the secrets that task definitions name, and none of another environment', () => {
    const { Policies } = synthesis.one('AcmeEnvLive', 'AWS::IAM::Role', { RoleName: 'acme-live-execution' }).Properties;
    const statements: { Sid: string; Resource: unknown }[] = Policies[0].PolicyDocument.Statement;
    expect(statements.find(({ Sid }) => Sid === 'Secrets')?.Resource).toEqual([
      'arn:aws:secretsmanager:eu-central-1:111122223333:secret:acme/live/orders-AbCdEf',
    ]);
    expect(statements.find(({ Sid }) => Sid === 'Parameters')?.Resource).toEqual([
      'arn:aws:ssm:eu-central-1:111122223333:parameter/acme/live/key',
    ]);
  });

  it('lets nobody read a secret for a name that begins alike, of an environment or of the Region', async () => {
    const secret = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:acme/live-eu/orders-AbCdEf';
    const orders = webService('orders', 80, {
      template: { containerDefinitions: [{ name: 'web', secrets: [{ name: 'PASSWORD', valueFrom: secret }] }] },
    });
    const alike = await Synthesis.of(
      pipeline({ services: [orders], environments: ['live', 'live-eu', 'eu'].map((name) => environment(name)) }),
    );
    const readers = ['live', 'live-eu', 'eu'].filter((name) =>
      JSON.stringify(alike.resources(`AcmeEnv${pascal(name)}`)).includes('secretsmanager:GetSecretValue'),
    );
    expect(readers).toEqual(['live-eu']);
  });

  it('gives its verification build the address to check, only where there is a build', () => {
    const { Properties } = synthesis.one('AcmeEnvTest', 'AWS::CodeBuild::Project', { Name: 'acme-test-system-tests' });
    expect(Properties.Source).toEqual({ Type: 'NO_SOURCE', BuildSpec: 'version: 0.2\n' });
    expect(Properties.Environment).toMatchObject({ Type: 'ARM_CONTAINER' });
    expect(Properties.Environment.EnvironmentVariables).toEqual([
      { Name: 'BASE_URL', Value: { 'Fn::Join': ['', ['http://', { 'Fn::GetAtt': ['LoadBalancer', 'DNSName'] }]] } },
    ]);
    expect(synthesis.all('AcmeEnvLive', 'AWS::CodeBuild::Project')).toEqual([]);
  });

  it('tells apart what reads alike', async () => {
    const services = ['api1', 'api-1', 'parameter-api', 'group-api', 'api', 'z-z', 'zz'].map((name) => webService(name, 80));
    const alike = await Synthesis.of(
      pipeline({
        services,
        repositories: ['team/orders', 'team-orders', 'team.orders', 'team_orders'],
        environments: [environment('prod1'), environment('prod-1')],
      }),
    );
    expect(new Set(alike.stacks).size).toBe(5);
    for (const stack of alike.stacks.filter((name) => name.includes('Env'))) {
      expect(alike.all(stack, 'AWS::ElasticLoadBalancingV2::TargetGroup')).toHaveLength(services.length);
      expect(alike.all(stack, 'AWS::Logs::LogGroup')).toHaveLength(services.length);
    }
    expect(alike.all('AcmeRegistry', 'AWS::ECR::Repository')).toHaveLength(4);
  });

  it('refuses more target groups than a load balancer has', async () => {
    const many = pipeline({ services: Array.from({ length: 101 }, (_, index) => webService(`s${index}`, 80)) });
    await expect(Synthesis.of(many)).rejects.toThrow('live: 101 target groups; a load balancer has 100');
  });
});

describe('the pipeline', () => {
  const table = (name: string) => synthesis.one('AcmePipeline', 'AWS::DynamoDB::Table', { TableName: name });

  it('keeps ledger and journal, whatever happens to the stack', () => {
    for (const name of ['acme-ledger', 'acme-journal']) {
      const { Properties, DeletionPolicy } = table(name);
      expect(DeletionPolicy).toBe('Retain');
      expect(Properties.DeletionProtectionEnabled).toBe(true);
      expect(Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(true);
    }
    expect(table('acme-ledger').Properties.GlobalSecondaryIndexes[0].IndexName).toBe('index');
    expect(table('acme-journal').Properties.StreamSpecification).toEqual({ StreamViewType: 'NEW_IMAGE' });
  });

  it('runs every function on Node 24, for at most a minute, with a role and a log of its own', () => {
    const functions = synthesis.all('AcmePipeline', 'AWS::Lambda::Function');
    expect(functions).toHaveLength(22);
    for (const { Properties } of functions) {
      expect(Properties.Runtime).toBe('nodejs24.x');
      expect(Properties.Timeout).toBeLessThanOrEqual(60);
      synthesis.one('AcmePipeline', 'AWS::IAM::Role', { RoleName: Properties.FunctionName });
      synthesis.one('AcmePipeline', 'AWS::Logs::LogGroup', { LogGroupName: `/aws/lambda/${Properties.FunctionName}` });
    }
  });

  it('keeps the versions that open executions call', () => {
    const versions = synthesis.all('AcmePipeline', 'AWS::Lambda::Version');
    expect(versions).toHaveLength(22);
    expect(
      versions.every(({ DeletionPolicy, UpdateReplacePolicy }) => DeletionPolicy === 'Retain' && UpdateReplacePolicy === 'Retain'),
    ).toBe(true);
  });

  it('publishes new versions when only the configuration has changed', async () => {
    const functions = (await import('./pipelines.ts')).emptyFunctions();
    const versions = async (sweepMinutes: number) => {
      const resources = (await Synthesis.of({ ...sample, sweepMinutes }, functions)).resources('AcmePipeline');
      return Object.keys(resources).filter((id) => resources[id]?.Type === 'AWS::Lambda::Version');
    };
    const [first, same, other] = [await versions(5), await versions(5), await versions(6)];
    expect(first).toEqual(same);
    expect(other.filter((id) => first.includes(id))).toEqual([]);
  });

  it('has an alarm for either queue of what went astray, and for an environment that needs manual intervention', () => {
    const alarms = synthesis.all('AcmePipeline', 'AWS::CloudWatch::Alarm');
    expect(alarms.map(({ Properties }) => Properties.AlarmName)).toEqual([
      'acme-manual-intervention',
      'acme-undelivered-not-empty',
      'acme-unhandled-not-empty',
    ]);
    expect(alarms.every(({ Properties }) => Properties.AlarmActions.length === 1)).toBe(true);
  });

  it('opens and closes on-demand environments in their own time zone, and sweeps', () => {
    const schedules = synthesis.all('AcmePipeline', 'AWS::Scheduler::Schedule').map(({ Properties }) => ({
      name: Properties.Name,
      when: Properties.ScheduleExpression,
      zone: Properties.ScheduleExpressionTimezone,
      input: JSON.parse(Properties.Target.Input),
    }));
    expect(schedules).toEqual([
      { name: 'acme-sweep', when: 'rate(5 minutes)', zone: undefined, input: {} },
      {
        name: 'acme-test-close',
        when: 'cron(0 20 ? * MON,TUE,WED,THU,FRI *)',
        zone: 'Europe/Berlin',
        input: { environment: 'test', cause: 'hours' },
      },
      {
        name: 'acme-test-open',
        when: 'cron(0 7 ? * MON,TUE,WED,THU,FRI *)',
        zone: 'Europe/Berlin',
        input: { environment: 'test', cause: 'morning' },
      },
      {
        name: 'acme-staging-close',
        when: 'cron(0 20 ? * MON,TUE,WED,THU,FRI *)',
        zone: 'Europe/Berlin',
        input: { environment: 'staging', cause: 'hours' },
      },
      {
        name: 'acme-staging-open',
        when: 'cron(0 7 ? * MON,TUE,WED,THU,FRI *)',
        zone: 'Europe/Berlin',
        input: { environment: 'staging', cause: 'morning' },
      },
    ]);
  });

  it('takes decisions with IAM authentication only', () => {
    expect(synthesis.one('AcmePipeline', 'AWS::Lambda::Url').Properties.AuthType).toBe('AWS_IAM');
    const permissions = synthesis.all('AcmePipeline', 'AWS::Lambda::Permission');
    expect(permissions.every(({ Properties }) => Properties.Principal === 'events.amazonaws.com')).toBe(true);
  });
});

describe('limits of AWS', () => {
  it('hold for 250 repositories and as many services', async () => {
    const repositories = Array.from({ length: 250 }, (_, index) => `team/service-with-a-long-name-${index}`);
    const services = repositories.map((repository, index) => {
      const { web, ...rest } = webService(`service-${index}`, 8080, { containers: { web: { repository } } });
      return index < 90 ? { ...rest, ...(web ? { web } : {}) } : rest;
    });
    const large = await Synthesis.of(pipeline({ repositories, services, environments: [environment('live')] }));
    // What `check` counts with is never less than what there is.
    expect(Object.keys(large.resources('AcmeEnvLive')).length).toBeLessThanOrEqual(resourcesOf(250, 90));
    for (const stack of large.stacks) {
      const resources = large.resources(stack);
      expect(Object.keys(resources).length).toBeLessThanOrEqual(500);
      for (const { Type, Properties } of Object.values(resources)) {
        if (Type === 'AWS::Events::Rule') expect(JSON.stringify(Properties.EventPattern).length).toBeLessThanOrEqual(2_048);
        if (Type === 'AWS::IAM::Role') expect(JSON.stringify(Properties.Policies ?? []).length).toBeLessThanOrEqual(10_240);
      }
    }
    expect(large.all('AcmePipeline', 'AWS::Events::Rule').length).toBeGreaterThan(3);
  });
});

it('as many services whose traffic shifts as check lets through fit into a stack', async () => {
  const strategy = { kind: 'blue-green', bakeMinutes: 5, percent: 100, stepBakeMinutes: 0, confirm: false, pauseMinutes: 60 } as const;
  const count = Math.floor((RESOURCES_PER_STACK - resourcesOf(0, 0)) / (resourcesOf(1, 1, 1) - resourcesOf(0, 0)));
  expect(2 * count).toBeLessThanOrEqual(TARGETS_PER_LOAD_BALANCER);
  const repositories = Array.from({ length: count }, (_, index) => `service-${index}`);
  const services = repositories.map((name) => webService(name, 8080));
  const full = await Synthesis.of(pipeline({ repositories, services, environments: [environment('live', { strategy })] }));
  expect(full.all('AcmeEnvLive', 'AWS::ElasticLoadBalancingV2::TargetGroup')).toHaveLength(2 * count);
  expect(Object.keys(full.resources('AcmeEnvLive')).length).toBeLessThanOrEqual(resourcesOf(count, count, count));
});

describe('an environment whose traffic shifts', () => {
  const strategy = { kind: 'blue-green', bakeMinutes: 5, percent: 100, stepBakeMinutes: 0, confirm: false, pauseMinutes: 60 } as const;
  let shifting: Synthesis;
  beforeAll(async () => {
    shifting = await Synthesis.of(pipeline({ environments: [environment('live', { strategy }), environment('beta')] }));
  });

  it('opens its test listener; where nothing shifts it is closed, and stays with its role for what has shifted before', () => {
    const open = (stack: string) => {
      const ports = shifting.all(stack, 'AWS::ElasticLoadBalancingV2::Listener').map(({ Properties }) => Properties.Port);
      const doors = shifting
        .all(stack, 'AWS::EC2::SecurityGroup')
        .find(({ Properties }) => Properties.GroupDescription.endsWith('balancer'))!;
      return { ports, open: doors.Properties.SecurityGroupIngress.map(({ FromPort }: { FromPort: number }) => FromPort) };
    };
    expect(open('AcmeEnvLive')).toEqual({ ports: [80, 9000], open: [80, 9000] });
    expect(open('AcmeEnvBeta')).toEqual({ ports: [80, 9000], open: [80] });
    shifting.one('AcmeEnvBeta', 'AWS::IAM::Role', { RoleName: names.infrastructureRole('acme', 'beta') });
  });

  it('lets ECS move its own targets, and no others of the account', () => {
    const role = shifting.one('AcmeEnvLive', 'AWS::IAM::Role', { RoleName: names.infrastructureRole('acme', 'live') }).Properties;
    // AWS documents no condition keys that ECS would bring.
    expect(role.AssumeRolePolicyDocument.Statement).toEqual([
      { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ecs.amazonaws.com' } },
    ]);
    const { Policies } = role;
    const moving = Policies[0].PolicyDocument.Statement.find(({ Sid }: { Sid: string }) => Sid === 'MoveTargets');
    const tags = { 'aws:ResourceTag/shiplock:pipeline': 'acme', 'aws:ResourceTag/shiplock:environment': 'live' };
    expect(moving.Condition).toEqual({ StringEquals: tags });
    const tagsOf = (stack: string) =>
      shifting
        .all(stack, 'AWS::ElasticLoadBalancingV2::TargetGroup')
        .map(({ Properties }) =>
          Object.fromEntries(Properties.Tags.map(({ Key, Value }: { Key: string; Value: string }) => [`aws:ResourceTag/${Key}`, Value])),
        );
    expect(tagsOf('AcmeEnvLive')).toEqual([tags, tags]);
    expect(tagsOf('AcmeEnvBeta')).not.toContainEqual(tags);
  });
});
