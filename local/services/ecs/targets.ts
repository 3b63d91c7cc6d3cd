/** The tasks of ECS as targets of a load balancer: the part of Elastic Load Balancing that ECS uses. */
import type { HttpRequest, HttpResponse } from '../../core/http.ts';
import { textResponse } from '../../core/http.ts';
import type { Site } from '../../core/site.ts';
import type { Behaviour } from './image.ts';

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
    },
  ): void;
  deregisterTarget(targetGroupArn: string, id: string, port: number): void;
  targetHealth(targetGroupArn: string, id: string): TargetHealth;
  onTargetHealth(targetGroupArn: string, listener: () => void): unknown;
  targetGroup(targetGroupArn: string): { readonly loadBalancerArns: readonly string[] } | undefined;
}

export const loadBalancing = (site: Site): LoadBalancing => site.find('elasticloadbalancing') as unknown as LoadBalancing;

/** Answers as the labels of the image say: the longest path prefix wins, 200 otherwise. */
export function responder(
  names: { readonly service: string; readonly container: string; readonly image: string },
  { responses }: Behaviour,
): (request: HttpRequest) => HttpResponse {
  const prefixes = Object.keys(responses).sort((a, b) => b.length - a.length);
  return ({ path }) => {
    const prefix = prefixes.find((one) => path.startsWith(one));
    return textResponse(prefix === undefined ? 200 : responses[prefix]!, JSON.stringify(names), { 'content-type': 'application/json' });
  };
}
