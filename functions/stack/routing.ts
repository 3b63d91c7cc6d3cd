/** How requests come to a service: the rules that lead to it, and which of its target groups they lead to. */
import { type EnsuredRule, ensureRule } from '../../aws/listener-rules.ts';
import type { Pipeline, ServiceDefinition } from '../../domain/pipeline.ts';
import type { ServiceParts } from '../../domain/render.ts';
import type { ShiftParts } from '../../domain/rollout.ts';
import { priorities } from '../../domain/routes.ts';
import type { EnvironmentClients } from './environment.ts';

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
