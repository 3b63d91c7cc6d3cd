/** The operations on service deployments and revisions: listing, describing, stopping. */
import type {
  ContinueServiceDeploymentRequest,
  DescribeServiceDeploymentsRequest,
  DescribeServiceRevisionsRequest,
  ListServiceDeploymentsRequest,
  StopServiceDeploymentRequest,
} from '@aws-sdk/client-ecs';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import { briefServiceDeployment, describeRevision, describeServiceDeployment } from './description.ts';
import { clusterArn, clusterName, invalid, lastPart, notImplemented, ofService, serviceArn, serviceArnOf } from './names.ts';
import { page } from './paging.ts';
import type { EcsParts } from './parts.ts';
import { RUNNING_STATUSES, type Service, type ServiceDeployment } from './service.ts';
import { resourceTags } from './tags.ts';

export function serviceDeploymentOperations(ecs: EcsParts): Readonly<Record<string, Operation>> {
  const { site } = ecs;
  const on = (action: string, resource: string, cluster: string, service?: string): Permission => ({
    action: `ecs:${action}`,
    resource,
    context: { 'ecs:cluster': clusterArn(site, cluster), ...(service === undefined ? {} : { 'ecs:service': service }) },
  });
  /** These actions require both types of resource, the service and its part: a policy has to cover the two. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html */
  const onPart = (action: string, arn: string | undefined): Permission[] => {
    const { cluster, service } = ofService(arn ?? '');
    const whole = serviceArn(site, cluster, service);
    return [on(action, whole, cluster), on(action, arn ?? '', cluster, whole)];
  };
  const find = (arn: string): { service: Service; one: ServiceDeployment } | undefined => {
    const { cluster, service: name } = ofService(arn);
    const service = ecs.services.get(serviceArn(site, cluster, name));
    const one = service?.history.find((candidate) => candidate.arn === arn);
    return service && one && { service, one };
  };

  return {
    ListServiceDeployments: {
      authorize: (input: ListServiceDeploymentsRequest) => {
        const arn = serviceArnOf(site, input.cluster, input.service ?? '');
        const permission = on('ListServiceDeployments', arn, clusterName(input.cluster));
        return [{ ...permission, context: { ...permission.context, ...resourceTags(ecs.services.get(arn)?.tags) } }];
      },
      handle: (input: ListServiceDeploymentsRequest) => {
        const service = ecs.serviceNamed(input.cluster, input.service);
        const { before, after } = input.createdAt ?? {};
        const found = service.history
          .filter(
            ({ createdAt, status }) =>
              (before === undefined || createdAt < before.getTime()) &&
              (after === undefined || createdAt > after.getTime()) &&
              (!input.status?.length || input.status.includes(status)),
          )
          .toReversed();
        const { items, ...next } = page(
          found.map(({ arn }) => arn),
          input,
          20,
        );
        return {
          serviceDeployments: found.filter(({ arn }) => items.includes(arn)).map((one) => briefServiceDeployment(service, one)),
          ...next,
        };
      },
    },
    DescribeServiceDeployments: {
      authorize: (input: DescribeServiceDeploymentsRequest) =>
        (input.serviceDeploymentArns ?? []).flatMap((arn) => onPart('DescribeServiceDeployments', arn)),
      handle: ({ serviceDeploymentArns: arns = [] }: DescribeServiceDeploymentsRequest) => {
        if (arns.length === 0 || arns.length > 20) throw invalid('serviceDeploymentArns must have 1 to 20 elements.');
        const found = arns.map(find);
        return {
          serviceDeployments: found.filter((one) => one !== undefined).map(({ service, one }) => describeServiceDeployment(service, one)),
          failures: arns.filter((_, index) => found[index] === undefined).map((arn) => ({ arn, reason: 'MISSING' })),
        };
      },
    },
    DescribeServiceRevisions: {
      authorize: (input: DescribeServiceRevisionsRequest) =>
        (input.serviceRevisionArns ?? []).flatMap((arn) => onPart('DescribeServiceRevisions', arn)),
      handle: ({ serviceRevisionArns: arns = [] }: DescribeServiceRevisionsRequest) => {
        if (arns.length === 0 || arns.length > 20) throw invalid('serviceRevisionArns must have 1 to 20 elements.');
        const found = arns.map((arn) => {
          const { cluster, service: name } = ofService(arn);
          const service = ecs.services.get(serviceArn(site, cluster, name));
          const revision = service?.revisions.get(arn);
          return service && revision && describeRevision(service, revision);
        });
        return {
          serviceRevisions: found.filter((one) => one !== undefined),
          failures: arns.filter((_, index) => found[index] === undefined).map((arn) => ({ arn, reason: 'MISSING' })),
        };
      },
    },
    ContinueServiceDeployment: {
      authorize: ({ serviceDeploymentArn }: ContinueServiceDeploymentRequest) => onPart('ContinueServiceDeployment', serviceDeploymentArn),
      handle: ({ serviceDeploymentArn = '', hookId = '', action = 'CONTINUE' }: ContinueServiceDeploymentRequest) => {
        const found = find(serviceDeploymentArn);
        if (found === undefined) throw new ServiceError('ServiceDeploymentNotFoundException', 'The service deployment does not exist.');
        ecs.shifting.hooks.decide(found.one, hookId, action);
        return { serviceDeploymentArn };
      },
    },
    StopServiceDeployment: {
      authorize: ({ serviceDeploymentArn }: StopServiceDeploymentRequest) => onPart('StopServiceDeployment', serviceDeploymentArn),
      handle: ({ serviceDeploymentArn = '', stopType = 'ROLLBACK' }: StopServiceDeploymentRequest) => {
        if (stopType !== 'ROLLBACK') throw notImplemented(`ecs.StopServiceDeployment with ${stopType}`);
        const found = find(serviceDeploymentArn);
        if (found === undefined) throw new ServiceError('ServiceDeploymentNotFoundException', 'Service deployment not found.');
        const { service, one } = found;
        if (!RUNNING_STATUSES.includes(one.status))
          throw new ServiceError(
            'ConflictException',
            `The service deployment ${lastPart(one.arn)} cannot be stopped because it is in the status ${one.status}.`,
          );
        // One that stops or rolls back already "continues to".
        if (one.status === 'PENDING' || one.status === 'IN_PROGRESS') ecs.deployments.requestRollback(service, one);
        return { serviceDeploymentArn: one.arn };
      },
    },
  };
}
