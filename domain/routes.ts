/** Where requests enter an environment: the rules of its load balancer, as the configuration wants them. */
import { targetGroupName } from './names.ts';
import type { Pipeline, ServiceDefinition } from './pipeline.ts';

/** The rule of a service in one text, so that a change is seen without asking the load balancer; undefined for a worker. */
export const route = (service: ServiceDefinition | undefined): string | undefined =>
  service?.web && `${service.web.priority} ${service.web.path}`;

/** The same as a field of a record, absent for a worker. */
export function routed(service: ServiceDefinition | undefined): { readonly route?: string } {
  const text = route(service);
  return text === undefined ? {} : { route: text };
}

/** The priority of every rule at an environment's listener, by the name of the target group to which it leads. */
export function priorities(pipeline: Pipeline, environment: string): Record<string, number> {
  return Object.fromEntries(
    Object.values(pipeline.services).flatMap(({ name, web }) =>
      web ? [[targetGroupName(pipeline.name, environment, name), web.priority] as const] : [],
    ),
  );
}
