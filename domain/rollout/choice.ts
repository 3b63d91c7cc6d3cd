/** Which strategy a service has in an environment. */
import type { Environment, ServiceDefinition } from '../pipeline/pipeline.ts';
import type { Shifting, Strategy } from './strategy.ts';

/** The strategy of a service in an environment. What takes no requests has no traffic to shift: it is rolled. */
export function strategyOf(environment: Environment, service: ServiceDefinition): Strategy {
  const strategy = service.strategy[environment.name] ?? environment.strategy;
  return service.web || strategy.kind === 'rolling' ? strategy : { kind: 'rolling', earlySuccess: false };
}

/** The same where traffic shifts; undefined where tasks are rolled. */
export function shiftingOf(environment: Environment, service: ServiceDefinition): Shifting | undefined {
  const strategy = strategyOf(environment, service);
  return strategy.kind === 'rolling' ? undefined : strategy;
}
