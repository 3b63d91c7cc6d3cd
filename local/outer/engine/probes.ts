/** The health checks of load balancers on containers that run: real requests, every interval, for as long as the target is registered. */
import type { LoadBalancing } from '../../services/elasticloadbalancing/index.ts';
import { matches, probe } from '../../services/elasticloadbalancing/targets.ts';
import { forward } from './forward.ts';
import { passed } from './health.ts';

export interface ProbedTarget {
  readonly targetGroupArn: string;
  /** Its address in the world. */
  readonly id: string;
  readonly port: number;
}

type Told = (state: 'healthy' | 'unhealthy', failure?: number | 'nothing') => void;

/**
 * Tells whenever a target's state changes, by the thresholds of its group. While no load balancer uses the group, and before its
 * container has started, nobody asks.
 * @param portOf the port on this machine; undefined as long as there is none
 * @param ended stops it
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */
export async function probeTarget(
  balancing: LoadBalancing,
  target: ProbedTarget,
  portOf: () => number | undefined,
  told: Told,
  ended: AbortSignal,
): Promise<void> {
  let wins = 0;
  let losses = 0;
  for (;;) {
    const found = balancing.probing(target.targetGroupArn, target.id, target.port);
    if (found === undefined || found.state === 'draining') return;
    const { state, health } = found;
    const port = portOf();
    const isWaiting = state === 'unused' || port === undefined;
    if (isWaiting) wins = losses = 0;
    else {
      const outcome = await ask();
      if (ended.aborted) return;
      wins = outcome === undefined ? wins + 1 : 0;
      losses = outcome === undefined ? 0 : losses + 1;
      // "It must pass one health check to be considered healthy" after it was registered.
      if (outcome === undefined && (state === 'initial' || (state === 'unhealthy' && wins >= health.healthyThreshold))) told('healthy');
      if (outcome !== undefined && state !== 'unhealthy' && losses >= health.unhealthyThreshold) told('unhealthy', outcome);
    }
    if (!(await passed(isWaiting ? 200 : health.interval * 1000, ended))) return;

    async function ask(): Promise<number | 'nothing' | undefined> {
      try {
        const { status } = await forward(port!, probe(health, target), { signal: ended, limit: health.timeout * 1000 });
        return matches(health.matcher, status) ? undefined : status;
      } catch {
        return 'nothing';
      }
    }
  }
}
