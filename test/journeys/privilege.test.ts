/** What the deploy role of test may not do in live, by its own credentials. */

import * as sdk from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deployRole } from '../../domain/pipeline/names.ts';
import { clientConfig } from '../../local/core/client.ts';
import { integrator, Journey } from './journey.ts';

let journey: Journey;
let ecs: sdk.ECSClient;
let role: string;
const digestsOf = async () => JSON.stringify([await journey.local.running('live'), await journey.runs('live')]);

beforeAll(async () => {
  journey = await Journey.begin({ port: false });
  await journey.runRelease();
  role = `arn:aws:iam::${journey.local.site.account}:role/${deployRole('acme', 'test')}`;
  const credentials = journey.local.site.service('iam').session(role, 'deploy-services');
  ecs = new sdk.ECSClient(clientConfig(journey.local.world, { region: journey.local.site.region, credentials }));
});
afterAll(() => journey.end());

/** The task definition that an environment runs of gateway. */
const definition = async (environment: string) => (await journey.local.ledger.service(environment, 'gateway'))?.taskDefinition ?? '';

it('the deploy role of test changes services in test, and none in live', async () => {
  const change = async (environment: string) =>
    ecs.send(
      new sdk.UpdateServiceCommand({ cluster: `acme-${environment}`, service: 'gateway', taskDefinition: await definition(environment) }),
    );
  await change('test');
  await expect(change('live')).rejects.toMatchObject({ name: 'AccessDeniedException', message: expect.stringContaining('acme-live') });
});

it('it is refused whatever else it tries there, and live stays as it was', async () => {
  const { site } = journey.local;
  const live = await definition('live');
  const before = await digestsOf();
  const { serviceDeployments = [] } = await journey.call<{ serviceDeployments?: { serviceDeploymentArn: string }[] }>(
    'ecs',
    'ListServiceDeployments',
    { cluster: 'acme-live', service: 'gateway' },
  );
  const container = { name: 'gateway', image: 'x', essential: true };
  const fargate = { requiresCompatibilities: ['FARGATE' as const], networkMode: 'awsvpc' as const, cpu: '256', memory: '512' };
  const roleOf = (environment: string) => `arn:aws:iam::${site.account}:role/acme-${environment}-task`;
  const tries: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['CreateService', () => ecs.send(new sdk.CreateServiceCommand({ cluster: 'acme-live', serviceName: 'mine', taskDefinition: live }))],
    ['DeleteService', () => ecs.send(new sdk.DeleteServiceCommand({ cluster: 'acme-live', service: 'gateway', force: true }))],
    ['ListServiceDeployments', () => ecs.send(new sdk.ListServiceDeploymentsCommand({ cluster: 'acme-live', service: 'gateway' }))],
    [
      'StopServiceDeployment',
      () => ecs.send(new sdk.StopServiceDeploymentCommand({ serviceDeploymentArn: serviceDeployments[0]?.serviceDeploymentArn })),
    ],
    ['DeleteCluster', () => ecs.send(new sdk.DeleteClusterCommand({ cluster: 'acme-live' }))],
    ['CreateCluster', () => ecs.send(new sdk.CreateClusterCommand({ clusterName: 'acme-live' }))],
    ['ListTasks', () => ecs.send(new sdk.ListTasksCommand({ cluster: 'acme-live', serviceName: 'gateway' }))],
    ['RunTask', () => ecs.send(new sdk.RunTaskCommand({ cluster: 'acme-live', taskDefinition: live }))],
    [
      'RegisterTaskDefinition in a family of live',
      () => ecs.send(new sdk.RegisterTaskDefinitionCommand({ ...fargate, family: 'acme-live-gateway', containerDefinitions: [container] })),
    ],
    [
      'RegisterTaskDefinition with the role of live',
      () =>
        ecs.send(
          new sdk.RegisterTaskDefinitionCommand({
            ...fargate,
            family: 'acme-test-gateway',
            containerDefinitions: [container],
            taskRoleArn: roleOf('live'),
          }),
        ),
    ],
  ];
  for (const [what, attempt] of tries) {
    const answer = await attempt().then(
      () => 'was allowed',
      (error: Error) => error.name,
    );
    expect(`${what}: ${answer}`).toBe(`${what}: AccessDeniedException`);
  }
  const self = site.service('iam').rolePrincipal(role, 'deploy-services');
  const { Rules = [] } = await journey.call<{ Rules?: { RuleArn: string }[] }>('elasticloadbalancing', 'DescribeRules', {
    ListenerArn: (
      JSON.parse(site.service('ssm').value('/shiplock/acme/live/foundation') ?? '{}') as {
        listenerArn: string;
      }
    ).listenerArn,
  });
  expect(Rules.length).toBeGreaterThan(0);
  await expect(site.call(self, 'elasticloadbalancing', 'DeleteRule', { RuleArn: Rules[0]?.RuleArn })).rejects.toMatchObject({
    name: expect.stringMatching(/^AccessDenied/),
  });
  for (const [service, operation, input] of [
    ['dynamodb', 'GetItem', { TableName: 'acme-ledger', Key: { pk: { S: 'x' }, sk: { S: 'y' } } }],
    ['ecr', 'DescribeImages', { repositoryName: 'gateway' }],
    ['states', 'ListStateMachines', {}],
    ['sts', 'AssumeRole', { RoleArn: role.replace('test', 'live'), RoleSessionName: 'xy' }],
  ] as const)
    await expect(site.call(self, service, operation, input), operation).rejects.toMatchObject({
      name: expect.stringMatching(/^AccessDenied/),
    });
  expect(await digestsOf()).toBe(before);
  expect(await journey.reject(await journey.push(), 'beta', integrator, 'no')).toMatchObject({ status: 403 });
});
