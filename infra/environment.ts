/** The stack of one environment: what the pipeline deploys onto, and never changes itself. */
import {
  type App,
  CfnDeletionPolicy,
  aws_codebuild as codebuild,
  aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elb,
  aws_logs as logs,
  Stack,
  aws_ssm as ssm,
} from 'aws-cdk-lib';
import { TARGETS_PER_LOAD_BALANCER } from '../domain/configuration/limits.ts';
import { homesOf } from '../domain/database/databases.ts';
import { serviceOf as serviceOfDatabase } from '../domain/database/migration.ts';
import * as names from '../domain/pipeline/names.ts';
import type { Build, Environment, Foundation, ServiceDefinition, WebEntry } from '../domain/pipeline/pipeline.ts';
import { shiftingOf } from '../domain/rollout/choice.ts';
import { buildRole, pascal } from './names.ts';
import { type Network, network, type SiteNetwork, TEST_PORT } from './network.ts';
import { deployers, deployStatements } from './permissions.ts';
import type { Place } from './place.ts';
import { role, type Statement, serviceOf } from './policy.ts';
import { infrastructureRole, rolloutOf } from './rollout.ts';
import { secretsOf } from './secrets.ts';

/** Days that logs of services are kept. */
const LOG_RETENTION = 365;

/** `<Pipeline>Env<Name>` @throws Error for more web services than a load balancer can lead to */
export function environmentStack(app: App, place: Place, site: SiteNetwork, environment: Environment): Stack {
  const name = names.environmentName(place.name, environment.name);
  const web = place.services.filter((service): service is ServiceDefinition & { web: WebEntry } => service.web !== undefined);
  const groups = web.length + web.filter((service) => shiftingOf(environment, service)).length;
  if (groups > TARGETS_PER_LOAD_BALANCER)
    throw new Error(
      `${environment.name}: ${groups} target groups; a load balancer has ${TARGETS_PER_LOAD_BALANCER}. Make several pipelines`,
    );
  const stack = new Stack(app, `${pascal(place.name)}Env${pascal(environment.name)}`, {
    env: { account: place.account, region: place.region },
    description: `Shiplock ${place.name}: foundations of ${environment.name}`,
  });

  const net = network(
    stack,
    name,
    site,
    [...new Set(web.map((service) => service.web.port))].sort((a, b) => a - b),
    web.some((service) => shiftingOf(environment, service)),
  );
  for (const service of web) {
    const group = targetGroup(stack, place, environment, service, net);
    if (shiftingOf(environment, service))
      rolloutOf(stack, place, environment, service.name, net, [group, targetGroup(stack, place, environment, service, net, true)]);
  }
  if (place.hasOwnCluster(environment))
    new ecs.CfnCluster(stack, 'Cluster', { clusterName: name, clusterSettings: [{ name: 'containerInsights', value: 'disabled' }] });
  const migrations = homesOf(place.pipeline)
    .filter(({ owner }) => owner.name === environment.name)
    .map(({ database }) => serviceOfDatabase(database));
  for (const service of [...place.services, ...migrations])
    new logs.CfnLogGroup(stack, `Log${pascal(service.name)}`, {
      logGroupName: names.logGroup(place.name, environment.name, service.name),
      retentionInDays: LOG_RETENTION,
    });
  const roles = environmentRoles(stack, place, environment, migrations);
  if (environment.verification.build !== undefined) verificationBuild(stack, place, environment, environment.verification.build, net);

  const foundation: Foundation = {
    cluster: name,
    subnets: net.subnets.map(({ ref }) => ref),
    securityGroups: [net.tasks.attrGroupId],
    listenerArn: net.listener.ref,
    host: net.loadBalancer.attrDnsName,
    ...(net.test
      ? {
          test: {
            listenerArn: net.test.ref,
            port: TEST_PORT,
            infrastructureRoleArn: infrastructureRole(stack, place, environment.name).attrArn,
          },
        }
      : {}),
    executionRoleArn: roles.execution.attrArn,
    taskRoleArn: roles.task.attrArn,
  };
  new ssm.CfnParameter(stack, 'Foundation', {
    name: names.foundationParameter(place.name, environment.name),
    type: 'String',
    value: stack.toJsonString(foundation),
  });
  return stack;
}

function targetGroup(
  stack: Stack,
  place: Place,
  environment: Environment,
  { name, web }: ServiceDefinition & { web: WebEntry },
  net: Network,
  alternate = false,
): elb.CfnTargetGroup {
  // Without a name of its own: some changes replace a target group, and a name could not be taken twice.
  const group = new elb.CfnTargetGroup(stack, `${alternate ? 'Alternate' : 'TargetGroup'}${pascal(name)}`, {
    targetType: 'ip',
    vpcId: net.vpc.ref,
    port: web.port,
    protocol: 'HTTP',
    healthCheckProtocol: 'HTTP',
    healthCheckPath: web.health,
    // A new task takes traffic after ten seconds, and a deployment is over that much sooner.
    healthCheckIntervalSeconds: 5,
    healthCheckTimeoutSeconds: 4,
    healthyThresholdCount: 2,
    unhealthyThresholdCount: 2,
    targetGroupAttributes: [{ key: 'deregistration_delay.timeout_seconds', value: '10' }],
    // The role in which ECS registers targets is good for groups with these.
    tags: [
      { key: 'shiplock:pipeline', value: place.name },
      { key: 'shiplock:environment', value: environment.name },
    ],
  });
  // A service that is still running may use it.
  group.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
  group.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  new ssm.CfnParameter(stack, `${alternate ? 'Alternate' : 'Target'}Parameter${pascal(name)}`, {
    name: (alternate ? names.alternateParameter : names.targetGroupParameter)(place.name, environment.name, name),
    type: 'String',
    value: group.ref,
  });
  return group;
}

function environmentRoles(stack: Stack, place: Place, environment: Environment, migrations: readonly ServiceDefinition[]) {
  const tasks = serviceOf('ecs-tasks', place.account);
  const logGroups = place.arn('logs', `log-group:${names.logGroup(place.name, environment.name, '*')}`);
  const secrets = secretsOf(
    [...place.services, ...migrations].map(({ template }) => template),
    environment,
    place,
  );
  const execution: Statement[] = [
    { Sid: 'Login', Action: ['ecr:GetAuthorizationToken'], Resource: '*' },
    {
      Sid: 'Pull',
      Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchCheckLayerAvailability'],
      Resource: place.repositoryArns,
    },
    { Sid: 'Log', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: logGroups },
    ...(secrets.secretsManager.length > 0
      ? [{ Sid: 'Secrets', Action: ['secretsmanager:GetSecretValue'], Resource: secrets.secretsManager }]
      : []),
    ...(secrets.parameters.length > 0 ? [{ Sid: 'Parameters', Action: ['ssm:GetParameters'], Resource: secrets.parameters }] : []),
  ];
  role(
    stack,
    'DeployRole',
    names.deployRole(place.name, environment.name),
    `Changes ECS in ${environment.name}, and nowhere else`,
    {
      // By condition and not by principal: a principal must exist when the policy is written, and is lost when it is made anew.
      Principal: { AWS: `arn:aws:iam::${place.account}:root` },
      Condition: { ArnEquals: { 'aws:PrincipalArn': deployers.map((file) => place.roleArn(names.functionName(place.name, file))) } },
    },
    deployStatements(place, environment),
  );
  return {
    execution: role(
      stack,
      'ExecutionRole',
      names.executionRole(place.name, environment.name),
      `ECS starts the tasks of ${environment.name} with it`,
      tasks,
      execution,
    ),
    task: role(stack, 'TaskRole', names.taskRole(place.name, environment.name), `The containers of ${environment.name} have it`, tasks, []),
  };
}

function verificationBuild(stack: Stack, place: Place, environment: Environment, buildName: string, net: Network): void {
  const build: Build | undefined = place.pipeline.builds[buildName];
  if (build === undefined) throw new Error(`${environment.name}: there is no build ${buildName}`);
  const project = names.buildProject(place.name, environment.name, build.name);
  const group = new logs.CfnLogGroup(stack, 'BuildLog', { logGroupName: `/aws/codebuild/${project}`, retentionInDays: LOG_RETENTION });
  const service = role(
    stack,
    'BuildRole',
    buildRole(place.name, environment.name),
    `CodeBuild checks ${environment.name} with it`,
    serviceOf('codebuild', place.account),
    [
      {
        Sid: 'Log',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: place.arn('logs', `log-group:/aws/codebuild/${project}:*`),
      },
    ],
  );
  new codebuild.CfnProject(stack, 'Build', {
    name: project,
    description: `Checks ${environment.name} after a deployment`,
    serviceRole: service.attrArn,
    source: { type: 'NO_SOURCE', buildSpec: build.buildspec },
    artifacts: { type: 'NO_ARTIFACTS' },
    environment: {
      type: build.image.includes('aarch64') ? 'ARM_CONTAINER' : 'LINUX_CONTAINER',
      computeType: build.computeType,
      image: build.image,
      environmentVariables: [{ name: 'BASE_URL', value: `http://${net.loadBalancer.attrDnsName}` }],
    },
    logsConfig: { cloudWatchLogs: { status: 'ENABLED', groupName: group.ref } },
    timeoutInMinutes: build.timeoutMinutes,
    // What CodeBuild uses anyway, said aloud.
    encryptionKey: place.arn('kms', 'alias/aws/s3'),
  });
}
