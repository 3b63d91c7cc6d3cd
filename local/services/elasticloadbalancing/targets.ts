/** Target groups: who takes requests, and how healthy they are. */
import type { Clock } from '../../core/clock.ts';
import type { HttpRequest, HttpResponse } from '../../core/http.ts';

export type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';

/** Something that answers requests, as whoever runs it registers it. */
export interface TargetRegistration {
  /** An IP address. */
  readonly id: string;
  readonly port: number;
  /** Answers a request. A throw is a reset connection. */
  readonly respond: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
  /** From when on it answers at all. Milliseconds since the epoch. */
  readonly startsHealthyAt: number;
}

export interface Target extends TargetRegistration {
  state: TargetState;
}

export interface TargetGroupSettings {
  readonly arn: string;
  readonly name: string;
  readonly fullName: string;
  readonly port: number;
  readonly protocol: string;
  readonly vpcId: string | undefined;
  readonly targetType: string;
  readonly health: HealthCheck;
  /** `deregistration_delay.timeout_seconds` and its siblings. */
  readonly attributes: Map<string, string>;
}

export interface HealthCheck {
  readonly path: string;
  readonly protocol: string;
  /** Seconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** Codes such as `200`, `200,202` or `200-299`. */
  readonly matcher: string;
}

export type HealthListener = (id: string, state: TargetState) => void;

/**
 * A target's health is decided by one probe at the time at which AWS's series of probes would have decided it:
 * equivalent as long as a target does not change its mind, and free of timers once decided.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */
export class TargetGroup {
  readonly settings: TargetGroupSettings;
  readonly targets = new Map<string, Target>();
  private readonly clock: Clock;
  private readonly listeners = new Set<HealthListener>();
  private readonly isUsed: () => boolean;
  private next = 0;

  constructor(settings: TargetGroupSettings, clock: Clock, isUsed: () => boolean) {
    this.settings = settings;
    this.clock = clock;
    this.isUsed = isUsed;
  }

  /** Seconds. @default 300 */
  get deregistrationDelay(): number {
    return Number(this.settings.attributes.get('deregistration_delay.timeout_seconds') ?? 300);
  }

  listen(listener: HealthListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  register(registration: TargetRegistration): void {
    const target: Target = { ...registration, state: this.isUsed() ? 'initial' : 'unused' };
    this.targets.set(key(registration), target);
    this.probeLater(target);
  }

  /** Those that were there before the group was used are probed from now on. */
  used(): void {
    for (const target of this.targets.values())
      if (target.state === 'unused') {
        target.state = 'initial';
        this.probeLater(target);
      }
  }

  deregister(id: string, port: number): void {
    const target = this.targets.get(key({ id, port }));
    if (target === undefined || target.state === 'draining') return;
    this.set(target, 'draining');
    this.clock.after(this.deregistrationDelay * 1000, `${id} has drained`, () => {
      if (this.targets.get(key(target)) === target) this.targets.delete(key(target));
    });
  }

  /** The next of those that requests go to: the healthy ones in turn, or all if every one of them is unhealthy (fail open). */
  choose(): Target | undefined {
    const all = [...this.targets.values()].filter(({ state }) => state !== 'draining' && state !== 'unused');
    const healthy = all.filter(({ state }) => state === 'healthy');
    const open = healthy.length > 0 ? healthy : all.every(({ state }) => state === 'unhealthy') ? all : [];
    return open[this.next++ % Math.max(1, open.length)];
  }

  private probeLater(target: Target): void {
    const { interval, healthyThreshold, unhealthyThreshold } = this.settings.health;
    const from = Math.max(target.startsHealthyAt, this.clock.now());
    this.clock.at(from + healthyThreshold * interval * 1000, `${target.id} is probed`, async () => {
      if (!this.isProbed(target)) return;
      if (await this.holds(target)) return this.set(target, 'healthy');
      const more = Math.max(0, unhealthyThreshold - healthyThreshold) * interval * 1000;
      this.clock.after(more, `${target.id} is unhealthy`, () => this.isProbed(target) && this.set(target, 'unhealthy'));
    });
    if (target.startsHealthyAt === Number.POSITIVE_INFINITY)
      this.clock.after(
        unhealthyThreshold * interval * 1000,
        `${target.id} is unhealthy`,
        () => this.isProbed(target) && this.set(target, 'unhealthy'),
      );
  }

  private isProbed(target: Target): boolean {
    return this.targets.get(key(target)) === target && target.state === 'initial';
  }

  private async holds(target: Target): Promise<boolean> {
    const { path, matcher } = this.settings.health;
    const [pathname = '/', query = ''] = path.split('?');
    try {
      const headers = { host: `${target.id}:${target.port}`, 'user-agent': 'ELB-HealthChecker/2.0' };
      const { status } = await target.respond({
        method: 'GET',
        host: headers.host,
        path: pathname,
        query,
        headers,
        body: new Uint8Array(),
      });
      return matches(matcher, status);
    } catch {
      return false;
    }
  }

  private set(target: Target, state: TargetState): void {
    target.state = state;
    for (const listener of [...this.listeners]) listener(target.id, state);
  }
}

const key = ({ id, port }: { readonly id: string; readonly port: number }) => `${id}:${port}`;

function matches(matcher: string, status: number): boolean {
  return matcher.split(',').some((part) => {
    const [from, to] = part.split('-').map(Number);
    return from !== undefined && status >= from && status <= (to ?? from);
  });
}
