/** The operations on tasks: running, stopping, describing, listing. */
import type { DescribeTasksRequest, ListTasksRequest, RunTaskRequest, StopTaskRequest } from '@aws-sdk/client-ecs';
import { passRole } from '../../core/iam/authorize.ts';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { EcsAccount } from './account.ts';
import { clusterArn, clusterName, invalid, lastPart, notImplemented, serviceArn, taskArn } from './names.ts';
import { page } from './paging.ts';
import { requestTags, resourceTags, tagOnCreate, tagsOf } from './tags.ts';
import type { Task } from './task.ts';
import { assertLaunchable, ECS_TASKS } from './task-definitions.ts';

const UNSUPPORTED = ['placementConstraints', 'placementStrategy', 'volumeConfigurations', 'capacityProviderStrategy'] as const;

function run(ecs: EcsAccount, input: RunTaskRequest): readonly Task[] {
  for (const member of UNSUPPORTED) if (input[member]?.length) throw notImplemented(`ecs.RunTask with ${member}`);
  if (input.enableExecuteCommand) throw notImplemented('ecs.RunTask with enableExecuteCommand');
  if (input.launchType !== 'FARGATE') throw notImplemented(`ecs.RunTask with the launch type ${input.launchType ?? 'EC2'}`);
  const { name: cluster } = ecs.cluster(input.cluster);
  const { count = 1 } = input;
  if (count < 1 || count > 10) throw invalid('count must be between 1 and 10.');
  if (!input.networkConfiguration?.awsvpcConfiguration?.subnets?.length)
    throw invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  const definition = ecs.definitions.active(input.taskDefinition);
  if (!definition.value.requiresCompatibilities?.includes('FARGATE'))
    throw invalid('Task definition does not support launch_type FARGATE.');
  for (const { name } of input.overrides?.containerOverrides ?? [])
    if (!definition.value.containerDefinitions?.some((container) => container.name === name))
      throw invalid(`Override for container named ${name} is not a container in the TaskDefinition.`);
  assertLaunchable(definition.value);
  const remembered = input.clientToken === undefined ? undefined : ecs.runs.get(input.clientToken);
  if (remembered !== undefined) {
    if (remembered.request !== JSON.stringify(input))
      throw new ServiceError(
        'ConflictException',
        'The request parameters do not match those of the earlier request with this client token.',
      );
    return remembered.tasks;
  }
  const started: Task[] = [];
  for (let index = 0; index < count; index++)
    started.push(
      ecs.makeTask({
        cluster,
        definition,
        group: input.group ?? `family:${definition.family}`,
        startedBy: input.startedBy,
        network: input.networkConfiguration,
        executeCommand: input.enableExecuteCommand ?? false,
        tags: tagsOf(input.tags, input.propagateTags === 'TASK_DEFINITION' ? definition.tags : undefined),
        overrides: input.overrides,
      }),
    );
  for (const task of started) ecs.lives.start(task);
  if (input.clientToken !== undefined) ecs.runs.set(input.clientToken, { request: JSON.stringify(input), tasks: started });
  return started;
}

/** Which tasks a list names: those that run or are to run, or those that stopped within the hour. */
function list(ecs: EcsAccount, input: ListTasksRequest): readonly string[] {
  const { name: cluster } = ecs.cluster(input.cluster);
  const { serviceName, family, startedBy, desiredStatus = 'RUNNING', launchType = 'FARGATE', containerInstance, daemonName } = input;
  if (containerInstance || daemonName) throw notImplemented('ecs.ListTasks with containerInstance or daemonName');
  if (serviceName !== undefined && (family !== undefined || startedBy !== undefined))
    throw invalid('Only one of serviceName, family and startedBy can be specified.');
  if (serviceName !== undefined && !ecs.services.has(serviceArn(ecs.site, cluster, lastPart(serviceName))))
    throw new ServiceError('ServiceNotFoundException', 'Service not found.');
  return ecs
    .tasksIn(cluster)
    .filter(
      (task) =>
        task.desiredStatus === desiredStatus &&
        launchType === 'FARGATE' &&
        (serviceName === undefined || task.settings.owner?.service === lastPart(serviceName)) &&
        (family === undefined || task.settings.definition.family === family) &&
        (startedBy === undefined || task.settings.startedBy === startedBy),
    )
    .map(({ settings }) => settings.arn);
}

export function taskOperations(ecs: EcsAccount): Readonly<Record<string, Operation>> {
  const { site } = ecs;
  const find = (cluster: string, text: string) => {
    const task = ecs.tasks.get(taskArn(site, cluster, lastPart(text)));
    return task?.settings.cluster === cluster ? task : undefined;
  };
  const on = (action: string, cluster: string | undefined, text: string | undefined): Permission => {
    const name = clusterName(cluster);
    const arn = taskArn(site, name, lastPart(text ?? ''));
    return {
      action: `ecs:${action}`,
      resource: arn,
      context: { 'ecs:cluster': clusterArn(site, name), ...resourceTags(ecs.tasks.get(arn)?.settings.tags) },
    };
  };
  return {
    RunTask: {
      authorize: (input: RunTaskRequest) => {
        const definition = ecs.definitions.find(input.taskDefinition ?? '');
        const cluster = clusterName(input.cluster);
        const { executionRoleArn, taskRoleArn } = { ...definition?.value, ...dropUndefined(input.overrides ?? {}) };
        return [
          {
            action: 'ecs:RunTask',
            // One that is not there is refused for that, not for its name: any revision of the family will do.
            resource: definition?.arn ?? site.arn('ecs', `task-definition/${lastPart(input.taskDefinition ?? '').split(':')[0]}:*`),
            context: { 'ecs:cluster': clusterArn(site, cluster), ...resourceTags(definition?.tags), ...requestTags(input.tags) },
          },
          ...[executionRoleArn, taskRoleArn].flatMap((arn) => (arn ? [passRole(arn, ECS_TASKS)] : [])),
          ...tagOnCreate(taskArn(site, cluster, '*'), 'RunTask', input.tags),
        ];
      },
      handle: (input: RunTaskRequest) => ({ tasks: run(ecs, input).map((task) => task.describe(['TAGS'])), failures: [] }),
    },
    StopTask: {
      authorize: (input: StopTaskRequest) => [on('StopTask', input.cluster, input.task)],
      handle: (input: StopTaskRequest) => {
        const { name } = ecs.cluster(input.cluster);
        const task = find(name, input.task ?? '');
        if (task === undefined) throw invalid('The referenced task was not found.');
        ecs.lives.stop(task, 'UserInitiated', input.reason ?? 'Task stopped by user');
        return { task: task.describe(['TAGS']) };
      },
    },
    DescribeTasks: {
      authorize: (input: DescribeTasksRequest) => (input.tasks ?? []).map((one) => on('DescribeTasks', input.cluster, one)),
      handle: (input: DescribeTasksRequest) => {
        const { name } = ecs.cluster(input.cluster);
        const asked = input.tasks ?? [];
        if (asked.length === 0) throw invalid('Tasks cannot be empty.');
        if (asked.length > 100) throw invalid('Tasks cannot have more than 100 elements.');
        ecs.forgetStopped();
        const found = asked.map((one) => find(name, one));
        return {
          tasks: found.filter((one) => one !== undefined).map((one) => one.describe(input.include)),
          failures: asked
            .filter((_, index) => found[index] === undefined)
            .map((one) => ({ arn: taskArn(site, name, lastPart(one)), reason: 'MISSING' })),
        };
      },
    },
    ListTasks: {
      authorize: (input: ListTasksRequest) => {
        const cluster = clusterName(input.cluster);
        return [
          {
            action: 'ecs:ListTasks',
            resource: site.arn('ecs', `container-instance/${cluster}/*`),
            context: { 'ecs:cluster': clusterArn(site, cluster) },
          },
        ];
      },
      handle: (input: ListTasksRequest) => {
        ecs.forgetStopped();
        const { items, ...next } = page(list(ecs, input), input);
        return { taskArns: items, ...next };
      },
    },
  };
}

const dropUndefined = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>;
