/** What load balancers tell CloudWatch of their target groups, minute by minute. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html */
import { bound } from '../../core/bound.ts';
import type { Site } from '../../core/site.ts';
import type { TargetGroup } from './targets.ts';

const MINUTE = 60_000;
/** After the end of a minute its sums are sent. */
const SENDING = 1_000;

/** Sums of one minute: plain data, so that what visitors have caused can be remembered. */
export interface Measured {
  readonly time: number;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly unit: string;
  readonly values: readonly number[];
}

interface Sink {
  level(
    name: { readonly namespace: string; readonly name: string; readonly dimensions: Record<string, string> },
    unit: string,
    value: number | undefined,
  ): void;
  ingest(
    metrics: readonly {
      readonly namespace: string;
      readonly name: string;
      readonly dimensions: Record<string, string>;
      readonly time: number;
      readonly unit: string;
      readonly values: readonly number[];
    }[],
  ): void;
}

/**
 * "ELB measures and sends its metrics in 60-second intervals. If there are no requests flowing or no data for a metric, it is not
 * reported." Counts of hosts, which AWS sends every minute, are told when they change: a world in which nothing happens keeps no timer.
 */
export class Metrics {
  /** Is told what visitors from outside have caused, which is not made again when a data folder is played again. */
  onVisits: ((measured: readonly Measured[]) => void) | undefined;
  private readonly site: Site;
  /** Of those within, and of visitors. */
  private readonly running = [new Map<string, Measured & { values: number[] }>(), new Map<string, Measured & { values: number[] }>()];
  private readonly armed = [false, false];
  /** By target group, the load balancers of which it was told last. */
  private readonly leading = new Map<string, readonly string[]>();

  constructor(site: Site) {
    this.site = site;
  }

  /** A target has answered. @param seconds until it did */
  answered(loadBalancer: string, targetGroup: string, status: number, seconds: number, isVisitor: boolean): void {
    const count = (name: string) => this.both(name, 'Count', 1, loadBalancer, targetGroup, isVisitor);
    count('RequestCount');
    if (status >= 200 && status < 600) count(`HTTPCode_Target_${Math.floor(status / 100)}XX_Count`);
    if (seconds > 0) this.both('TargetResponseTime', 'Seconds', seconds, loadBalancer, targetGroup, isVisitor);
  }

  /** No connection to the target that was chosen. */
  lost(loadBalancer: string, targetGroup: string, isVisitor: boolean): void {
    this.both('RequestCount', 'Count', 1, loadBalancer, targetGroup, isVisitor);
    this.both('TargetConnectionErrorCount', 'Count', 1, loadBalancer, targetGroup, isVisitor);
    this.refused(loadBalancer, 502, isVisitor);
  }

  /** The load balancer has answered by itself. */
  refused(LoadBalancer: string, status: 460 | 502 | 503, isVisitor: boolean): void {
    const names = status < 500 ? ['HTTPCode_ELB_4XX_Count'] : ['HTTPCode_ELB_5XX_Count', `HTTPCode_ELB_${status}_Count`];
    for (const name of names) this.add(name, 'Count', 1, { LoadBalancer }, isVisitor);
  }

  /** The health of a target changed, or it leaves. @param balancers full names of those that lead to its group */
  hosts({ settings: { fullName }, hosts }: TargetGroup, balancers: readonly string[]): void {
    const before = this.leading.get(fullName) ?? [];
    this.leading.set(fullName, balancers);
    for (const LoadBalancer of new Set([...before, ...balancers])) {
      const counts = balancers.includes(LoadBalancer) ? hosts : undefined;
      const dimensions = { LoadBalancer, TargetGroup: fullName };
      for (const [name, count] of [
        ['HealthyHostCount', counts?.healthy],
        ['UnHealthyHostCount', counts?.unhealthy],
      ] as const)
        this.sink?.level({ namespace: 'AWS/ApplicationELB', name, dimensions }, 'Count', count);
    }
  }

  /** What visitors have caused stands in the journal of the data folder, or will not be known: it is not said twice. */
  forgetVisits(): void {
    this.running[1]!.clear();
  }

  /** Sums from a data folder. */
  recall(measured: readonly Measured[]): void {
    this.sink?.ingest(measured.map((one) => ({ ...one, dimensions: { ...one.dimensions }, namespace: 'AWS/ApplicationELB' })));
  }

  private get sink(): Sink | undefined {
    return this.site.world.knows('cloudwatch') ? (this.site.find('cloudwatch') as unknown as Sink) : undefined;
  }

  private both(name: string, unit: string, value: number, LoadBalancer: string, TargetGroup: string, isVisitor: boolean): void {
    this.add(name, unit, value, { LoadBalancer, TargetGroup }, isVisitor);
    this.add(name, unit, value, { LoadBalancer }, isVisitor);
  }

  private add(name: string, unit: string, value: number, dimensions: Readonly<Record<string, string>>, isVisitor: boolean): void {
    const which = Number(isVisitor);
    const { clock } = this.site.world;
    const time = Math.floor(clock.now() / MINUTE) * MINUTE;
    const sums = this.running[which]!;
    const key = JSON.stringify([time, name, dimensions]);
    const known = sums.get(key);
    if (known) known.values.push(value);
    else sums.set(key, { time, name, unit, dimensions, values: [value] });
    if (this.armed[which]) return;
    this.armed[which] = true;
    clock.at(time + MINUTE + SENDING, 'load balancers send their metrics', bound(this, this.send, which));
  }

  private send(which: number): void {
    const measured = [...this.running[which]!.values()];
    this.running[which]!.clear();
    this.armed[which] = false;
    if (which === 1) this.onVisits?.(measured);
    this.recall(measured);
  }
}
