/** The tasks of ECS as targets of a load balancer: the part of Elastic Load Balancing that ECS uses. */
import type { Listener } from '../../core/bound.ts';
import type { HttpRequest, HttpResponse } from '../../core/http.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';

export type TargetHealth = 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';

/** What ECS asks of the load balancers' service. */
export interface LoadBalancing {
  registerTarget(
    targetGroupArn: string,
    target: {
      readonly id: string;
      readonly port: number;
      readonly respond?: Listener<[request: HttpRequest], HttpResponse | Promise<HttpResponse>>;
      readonly startsHealthyAt: number;
      readonly isProbedOutside?: boolean;
    },
  ): void;
  deregisterTarget(targetGroupArn: string, id: string, port: number): void;
  targetHealth(targetGroupArn: string, id: string): TargetHealth;
  onTargetHealth(targetGroupArn: string, listener: Listener<[]>): unknown;
  /** @throws ServiceError TargetGroupNotFoundException */
  targetGroup(targetGroupArn: string): { readonly loadBalancerArns: readonly string[] };
  /** Condition keys for the tags that a target group carries. */
  resourceTags(targetGroupArn: string): Readonly<Record<string, string>>;
  /** Which target groups a listener rule forwards to. @throws ServiceError RuleNotFoundException */
  groupsOfRule(ruleArn: string): readonly string[];
  /** Seconds. */
  deregistrationDelay(targetGroupArn: string): number;
}

export const loadBalancing = (site: Site): LoadBalancing => site.find('elasticloadbalancing') as unknown as LoadBalancing;

/** The health of a target; `unused` where its group is gone, as then nobody asks. */
export function healthOf(site: Site, targetGroupArn: string, id: string): TargetHealth {
  try {
    return loadBalancing(site).targetHealth(targetGroupArn, id);
  } catch (error) {
    if (error instanceof ServiceError) return 'unused';
    throw error;
  }
}
