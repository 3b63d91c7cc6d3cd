/** The tasks of ECS as targets of a load balancer: the part of Elastic Load Balancing that ECS uses. */
import type { HttpRequest, HttpResponse } from '../../core/http.ts';
import { textResponse } from '../../core/http.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { type Behaviour, statusOf } from './behaviour.ts';

export type TargetHealth = 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';

/** What ECS asks of the load balancers' service. */
export interface LoadBalancing {
  registerTarget(
    targetGroupArn: string,
    target: {
      readonly id: string;
      readonly port: number;
      readonly respond: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
      readonly startsHealthyAt: number;
      readonly isProbedOutside?: boolean;
    },
  ): void;
  deregisterTarget(targetGroupArn: string, id: string, port: number): void;
  targetHealth(targetGroupArn: string, id: string): TargetHealth;
  onTargetHealth(targetGroupArn: string, listener: () => void): unknown;
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

/** Answers as the labels of the image say. */
export function responder(
  names: { readonly service: string; readonly container: string; readonly image: string },
  { responses }: Behaviour,
): (request: HttpRequest) => HttpResponse {
  const body = JSON.stringify(names);
  return ({ path }) => textResponse(statusOf(responses, path), body, { 'content-type': 'application/json' });
}
