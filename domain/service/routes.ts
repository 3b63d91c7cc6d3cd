/** Where requests enter an environment: the rules of its load balancer, as the configuration wants them. */
import type { Environment, Pipeline, ServiceDefinition } from '../pipeline/pipeline.ts';
import { shiftingOf } from '../rollout/choice.ts';

/** The rule of a service in one text, so that a change is seen without asking the load balancer; undefined for a worker. */
export const route = (environment: Environment, service: ServiceDefinition | undefined): string | undefined =>
  service?.web && `${service.web.priority} ${service.web.path}${shiftingOf(environment, service) ? ' shifts' : ''}`;

/** The same as a field of a record, absent for a worker. */
export function routed(environment: Environment, service: ServiceDefinition | undefined): { readonly route?: string } {
  const text = route(environment, service);
  return text === undefined ? {} : { route: text };
}

/** The priority of every rule at a listener, by its path: no two services have the same. */
export const priorities = (pipeline: Pipeline): Record<string, number> =>
  Object.fromEntries(Object.values(pipeline.services).flatMap(({ web }) => (web ? [[web.path, web.priority] as const] : [])));
