/** Names and ARNs of ECS: reading what callers write (a name or an ARN), and the errors for what is not there. */
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';

export const NAME = /^[a-zA-Z0-9_-]{1,255}$/;

export const invalid = (message: string) => new ServiceError('InvalidParameterException', message);
export const client = (message: string) => new ServiceError('ClientException', message);
export const notImplemented = (what: string) => new ServiceError('NotImplemented', `not implemented on local AWS: ${what}`, 501);

/** The last part of an ARN, or the text itself. */
export const lastPart = (text: string) => text.slice(text.lastIndexOf('/') + 1);

/** A cluster by name or ARN. @default `default`, as in every call of ECS */
export const clusterName = (text: string | undefined) => (text === undefined || text === '' ? 'default' : lastPart(text));

export const clusterArn = (site: Site, cluster: string) => site.arn('ecs', `cluster/${cluster}`);
export const serviceArn = (site: Site, cluster: string, service: string) => site.arn('ecs', `service/${cluster}/${service}`);
export const taskArn = (site: Site, cluster: string, task: string) => site.arn('ecs', `task/${cluster}/${task}`);

/** The ARN of a service from its name with the call's cluster; an ARN stays what it is. */
export const serviceArnOf = (site: Site, cluster: string | undefined, service: string) =>
  service.startsWith('arn:') ? service : serviceArn(site, clusterName(cluster), service);

/** `arn:…:service-deployment/<cluster>/<service>/<id>` or `service-revision/…`, taken apart. */
export function ofService(arn: string): { readonly cluster: string; readonly service: string; readonly id: string } {
  const [, cluster = '', service = '', id = ''] = arn.split(':').slice(5).join(':').split('/');
  return { cluster, service, id };
}
