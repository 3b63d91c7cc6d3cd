/** How the API shows a service, its revisions and its deployments. */
import type {
  Deployment as ApiDeployment,
  Service as ApiService,
  ServiceDeployment as ApiServiceDeployment,
  ServiceRevision as ApiServiceRevision,
  ServiceDeploymentBrief,
  ServiceDeploymentLifecycleStage,
} from '@aws-sdk/client-ecs';
import { describeHook, weightsOfDeployment } from './lifecycle.ts';
import type { Deployment, Revision } from './revision.ts';
import { current, RUNNING_STATUSES, type Service, type ServiceDeployment } from './service.ts';
import { tagList } from './tags.ts';
import type { Task } from './task.ts';

const PLATFORM = '1.4.0';
const tasksOf = (service: Service, deployment: Deployment) =>
  [...service.tasks].filter(({ settings }) => settings.owner?.deployment === deployment.id);
const PENDING: readonly string[] = ['PROVISIONING', 'PENDING', 'ACTIVATING'];
const count = (tasks: Iterable<Task>, pending: boolean) =>
  [...tasks].filter((task) => task.isWanted && PENDING.includes(task.lastStatus) === pending).length;

/** How many tasks a deployment shall have. */
function requestedOf(service: Service, deployment: Deployment): number {
  const keeps = current(service)?.lifecycle?.keeps;
  return (keeps?.has(deployment) ?? deployment.status === 'PRIMARY') ? service.desiredCount : 0;
}

function describeDeployment(service: Service, deployment: Deployment): ApiDeployment {
  const { revision } = deployment;
  const tasks = tasksOf(service, deployment);
  return {
    id: deployment.id,
    status: deployment.status,
    taskDefinition: revision.definition.arn,
    desiredCount: requestedOf(service, deployment),
    pendingCount: count(tasks, true),
    runningCount: count(tasks, false),
    failedTasks: deployment.failedTasks,
    createdAt: new Date(deployment.createdAt),
    updatedAt: new Date(deployment.updatedAt),
    launchType: 'FARGATE',
    platformVersion: revision.platformVersion === 'LATEST' ? PLATFORM : revision.platformVersion,
    platformFamily: 'Linux',
    ...(revision.networkConfiguration ? { networkConfiguration: revision.networkConfiguration } : {}),
    rolloutState: deployment.rolloutState,
    rolloutStateReason: deployment.rolloutStateReason,
  };
}

export function describeService(service: Service, include: readonly string[] = []): ApiService {
  const revision = service.deployments[0]?.revision ?? service.lastCompleted?.revision ?? [...service.revisions.values()].at(-1)!;
  const newest = service.history.at(-1);
  const revisions = [...new Set(service.deployments.map((one) => one.revision))];
  return {
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: service.clusterArn,
    loadBalancers: [...revision.loadBalancers],
    serviceRegistries: [],
    status: service.status,
    desiredCount: service.desiredCount,
    runningCount: count(service.tasks, false),
    pendingCount: count(service.tasks, true),
    launchType: 'FARGATE',
    platformVersion: revision.platformVersion,
    platformFamily: 'Linux',
    taskDefinition: revision.definition.arn,
    deploymentConfiguration: service.configuration,
    deployments: service.deployments.map((one) => describeDeployment(service, one)),
    events: [...service.events],
    createdAt: new Date(service.createdAt),
    ...(newest ? { currentServiceDeployment: newest.arn } : {}),
    currentServiceRevisions: revisions.map((one) => ({
      arn: one.arn,
      requestedTaskCount: service.deployments
        .filter((deployment) => deployment.revision === one)
        .reduce((sum, deployment) => sum + requestedOf(service, deployment), 0),
      runningTaskCount: ofRevision(service, one, false),
      pendingTaskCount: ofRevision(service, one, true),
    })),
    placementConstraints: [],
    placementStrategy: [],
    ...(revision.networkConfiguration ? { networkConfiguration: revision.networkConfiguration } : {}),
    ...(revision.loadBalancers.length > 0 ? { healthCheckGracePeriodSeconds: service.gracePeriod } : {}),
    schedulingStrategy: 'REPLICA',
    deploymentController: { type: 'ECS' },
    createdBy: service.createdBy,
    enableECSManagedTags: service.managedTags,
    propagateTags: service.propagateTags,
    enableExecuteCommand: service.executeCommand,
    availabilityZoneRebalancing: 'DISABLED',
    resourceManagementType: 'CUSTOMER',
    ...(include.includes('TAGS') ? { tags: tagList(service.tags) } : {}),
  };
}

const ofRevision = (service: Service, revision: Revision, pending: boolean) =>
  service.deployments.filter((one) => one.revision === revision).reduce((sum, one) => sum + count(tasksOf(service, one), pending), 0);

const moments = (one: ServiceDeployment, names: readonly ('startedAt' | 'finishedAt' | 'stoppedAt')[]) =>
  Object.fromEntries(names.filter((name) => one[name] !== undefined).map((name) => [name, new Date(one[name]!)]));

export function briefServiceDeployment(service: Service, one: ServiceDeployment): ServiceDeploymentBrief {
  return {
    serviceDeploymentArn: one.arn,
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    createdAt: new Date(one.createdAt),
    ...moments(one, ['startedAt', 'finishedAt']),
    targetServiceRevisionArn: one.target.arn,
    status: one.status,
    ...(one.statusReason ? { statusReason: one.statusReason } : {}),
  };
}

export function describeServiceDeployment(service: Service, one: ServiceDeployment): ApiServiceDeployment {
  const { lifecycle } = one;
  const ended = !RUNNING_STATUSES.includes(one.status);
  const summary = (revision: Revision, requested: number) => {
    const deployment = [lifecycle?.green, lifecycle?.blue, ...(lifecycle?.others ?? [])].find((other) => other?.revision === revision);
    const kept = lifecycle === undefined ? requested : deployment && lifecycle.keeps.has(deployment) ? service.desiredCount : 0;
    return {
      arn: revision.arn,
      requestedTaskCount: kept,
      runningTaskCount: ofRevision(service, revision, false),
      pendingTaskCount: ofRevision(service, revision, true),
      ...(lifecycle && deployment ? weightsOfDeployment(lifecycle, deployment) : {}),
    };
  };
  return {
    serviceDeploymentArn: one.arn,
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    createdAt: new Date(one.createdAt),
    ...moments(one, ['startedAt', 'finishedAt', 'stoppedAt']),
    updatedAt: new Date(one.updatedAt),
    sourceServiceRevisions: one.sources.map((revision) =>
      summary(revision, one.rollback?.revision === revision ? service.desiredCount : 0),
    ),
    targetServiceRevision: summary(one.target, one.rollback ? 0 : service.desiredCount),
    status: one.status,
    ...(one.statusReason ? { statusReason: one.statusReason } : {}),
    ...(lifecycle?.stage === undefined ? {} : { lifecycleStage: lifecycle.stage as ServiceDeploymentLifecycleStage }),
    ...(lifecycle ? { lifecycleHookDetails: lifecycle.hooks.map(describeHook) } : {}),
    deploymentConfiguration: one.configuration,
    ...(one.rollback
      ? {
          rollback: {
            reason: one.rollback.reason,
            startedAt: new Date(one.rollback.startedAt),
            serviceRevisionArn: one.rollback.revision.arn,
          },
        }
      : {}),
    deploymentCircuitBreaker:
      one.threshold === undefined
        ? { status: 'DISABLED', failureCount: 0, threshold: 0 }
        : {
            status: one.tripped ? 'TRIGGERED' : ended ? 'MONITORING_COMPLETE' : 'MONITORING',
            failureCount: one.failures,
            threshold: one.threshold,
          },
    alarms: {
      status:
        one.alarms === undefined
          ? 'DISABLED'
          : one.alarms.triggered.length > 0
            ? 'TRIGGERED'
            : ended
              ? 'MONITORING_COMPLETE'
              : 'MONITORING',
      alarmNames: [...(one.alarms?.names ?? [])],
      triggeredAlarmNames: [...(one.alarms?.triggered ?? [])],
    },
  };
}

export function describeRevision(service: Service, revision: Revision): ApiServiceRevision {
  return {
    serviceRevisionArn: revision.arn,
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    taskDefinition: revision.definition.arn,
    launchType: 'FARGATE',
    platformVersion: revision.platformVersion === 'LATEST' ? PLATFORM : revision.platformVersion,
    platformFamily: 'Linux',
    loadBalancers: [...revision.loadBalancers],
    ...(revision.networkConfiguration ? { networkConfiguration: revision.networkConfiguration } : {}),
    containerImages: (revision.definition.value.containerDefinitions ?? []).map(({ name = '', image }) => ({
      containerName: name,
      image,
      ...(revision.digests.has(name) ? { imageDigest: revision.digests.get(name) } : {}),
    })),
    ...resolved(service, revision),
    guardDutyEnabled: false,
    createdAt: new Date(revision.createdAt),
  };
}

/** Which target groups a revision's tasks are in, and the rules that lead there. */
function resolved(service: Service, revision: Revision): Pick<ApiServiceRevision, 'resolvedConfiguration'> {
  const deployment = [...service.history.map((one) => one.deployment), ...service.deployments].find((one) => one.revision === revision);
  const loadBalancers = (deployment?.loadBalancers ?? []).filter((one) => one.advancedConfiguration !== undefined);
  if (loadBalancers.length === 0) return {};
  return {
    resolvedConfiguration: {
      loadBalancers: loadBalancers.map(({ targetGroupArn, advancedConfiguration }) => ({
        targetGroupArn,
        productionListenerRule: advancedConfiguration!.productionListenerRule,
      })),
    },
  };
}
