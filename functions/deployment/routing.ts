/** How requests come to a service: the rules that lead to it, and which of its target groups they lead to. */
import { type EnsuredRule, ensureRule } from '../../aws/listener-rules.ts';
import type { Pipeline, ServiceDefinition } from '../../domain/pipeline/pipeline.ts';
import { strategyOf } from '../../domain/rollout/choice.ts';
import { rollingAgain, type Shift, type ShiftParts, WAY_BACK } from '../../domain/rollout/rollout.ts';
import type { ServiceParts } from '../../domain/service/rendering.ts';
import { priorities } from '../../domain/service/routes.ts';
import type { EnvironmentClients } from '../environment/clients.ts';

type Balancing = EnvironmentClients['loadBalancing'];

/** What requests of a web service need. */
export type Routed = Pick<ServiceParts, 'environment' | 'foundation' | 'targetGroupArn'> & {
  readonly pipeline: Pipeline;
  readonly service: ServiceDefinition;
};

/** Makes the rule of a service at the load balancer, or brings it to its path; undefined for a worker. */
export async function leadTo(
  loadBalancing: Balancing,
  { pipeline, foundation, service: { web }, targetGroupArn = '' }: Routed,
): Promise<EnsuredRule | undefined> {
  if (web === undefined) return undefined;
  const { path, priority } = web;
  return ensureRule(loadBalancing, {
    listenerArn: foundation.listenerArn,
    targetGroupArn,
    path,
    priority,
    priorities: priorities(pipeline),
  });
}

/**
 * The same for a service that is yet to be created: a rule that was left over, and leads to the second one of a former pair,
 * is made anew, as nobody serves there.
 */
export async function leadAfresh(loadBalancing: Balancing, routed: Routed): Promise<void> {
  const { foundation, targetGroupArn = '' } = routed;
  const led = await leadTo(loadBalancing, routed);
  if (led === undefined || led.serving === targetGroupArn) return;
  await loadBalancing.deleteRules(foundation.listenerArn, (groups) => groups.includes(targetGroupArn));
  await leadTo(loadBalancing, routed);
}

/**
 * How a service rolls whose rule has just been looked after. Where the second one of a former pair serves, all traffic comes
 * back to the first, once, in the way that ECS knows of the pair: tasks that are rolled stay where the stack knows them.
 */
export function rollingTo(led: EnsuredRule | undefined, { environment, service, targetGroupArn = '' }: Routed): Shift {
  const strategy = strategyOf(environment, service);
  return led === undefined || led.serving === targetGroupArn
    ? rollingAgain(environment, strategy.kind === 'rolling' && strategy.earlySuccess)
    : WAY_BACK;
}

/**
 * Both rules of a service whose traffic shifts, made where they are missing: ECS is told them by their ARNs.
 * @returns them, and which of the two target groups serves
 */
export async function pairOf(
  loadBalancing: Balancing,
  { pipeline, environment, service, foundation, targetGroupArn = '' }: Routed,
  alternateArn: string,
): Promise<{ readonly parts: ShiftParts; readonly serving: string }> {
  const { web } = service;
  const { test } = foundation;
  if (web === undefined || test === undefined)
    throw new Error(`${environment.name} has no test listener: deploy its stack first, as its strategy has changed`);
  const { path, priority } = web;
  const rule = (listenerArn: string) =>
    ensureRule(loadBalancing, { listenerArn, targetGroupArn, alternateArn, path, priority, priorities: priorities(pipeline) });
  const production = await rule(foundation.listenerArn);
  const parts = {
    alternateTargetGroupArn: alternateArn,
    productionRuleArn: production.arn,
    testRuleArn: (await rule(test.listenerArn)).arn,
    infrastructureRoleArn: test.infrastructureRoleArn,
  };
  return { parts, serving: production.serving };
}
