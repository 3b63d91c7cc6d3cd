/** Target groups: who takes requests, and how healthy they are. */
import type { TargetHealthReasonEnum } from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Bound, bound, type Listener, tell } from '../../core/bound.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { ConnectionError, type HttpRequest, type HttpResponse } from '../../core/http.ts';

export type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';

/** Something that answers requests, as whoever runs it registers it. */
export interface TargetRegistration {
  /** An IP address. */
  readonly id: string;
  readonly port: number;
  /** Answers a request. A throw is a reset connection. @default nobody listens */
  readonly respond?: Listener<[request: HttpRequest], HttpResponse | Promise<HttpResponse>>;
  /** From when on it answers at all. Milliseconds since the epoch. */
  readonly startsHealthyAt: number;
  /** A program that may answer differently at any time: whoever runs it probes it, and tells {@link TargetGroup.probed}. @default false */
  readonly isProbedOutside?: boolean;
}

export interface Target extends TargetRegistration {
  state: TargetState;
  /** What its last failed probe got: a status, or nothing at all. */
  failure?: number | 'nothing';
  /** The next probe that decides something. */
  probe?: Timer;
}

export interface TargetGroupSettings {
  readonly arn: string;
  readonly name: string;
  readonly fullName: string;
  readonly port: number;
  readonly protocol: string;
  readonly vpcId: string | undefined;
  readonly targetType: string;
  health: HealthCheck;
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

export type HealthListener = Listener<[id: string, state: TargetState]>;

/** An address that nobody of this machine answers at. */
export const nobody = (id: string, port: number): TargetRegistration => ({ id, port, startsHealthyAt: Number.POSITIVE_INFINITY });

/**
 * A target's health is decided at the moments at which AWS's series of probes would decide it: at most two probes
 * for each registration, and no timer once decided. That is equivalent as long as a target that answers goes on
 * answering the same; {@link TargetGroup.reconsider} starts again after the settings changed. Targets that are probed
 * outside are left to whoever probes them.
 * "After your target is registered, it must pass one health check to be considered healthy."
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */
export class TargetGroup {
  readonly settings: TargetGroupSettings;
  readonly targets = new Map<string, Target>();
  private readonly clock: Clock;
  private readonly listeners = new Set<HealthListener>();
  private readonly asksUse: Listener<[], boolean>;
  /** Whose turn it is, for those within and for visitors from outside. */
  private readonly next = [0, 0];

  /** @param isUsed whether a load balancer leads to it */
  constructor(settings: TargetGroupSettings, clock: Clock, isUsed: Listener<[], boolean>) {
    this.settings = settings;
    this.clock = clock;
    this.asksUse = isUsed;
  }

  private isUsed(): boolean {
    return tell(this.asksUse);
  }

  /** Seconds. @default 300 */
  get deregistrationDelay(): number {
    return Number(this.settings.attributes.get('deregistration_delay.timeout_seconds') ?? 300);
  }

  /** How many are healthy, and how many unhealthy; undefined where none takes requests or shall. */
  get hosts(): { readonly healthy: number; readonly unhealthy: number } | undefined {
    const states = [...this.targets.values()].map(({ state }) => state).filter((state) => state !== 'draining' && state !== 'unused');
    const count = (wanted: TargetState) => states.filter((state) => state === wanted).length;
    return states.length === 0 ? undefined : { healthy: count('healthy'), unhealthy: count('unhealthy') };
  }

  listen(listener: HealthListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Registering what is registered already changes nothing, but who answers. */
  register(registration: TargetRegistration): void {
    const before = this.targets.get(key(registration));
    if (before?.probe !== undefined) this.clock.cancel(before.probe);
    const target: Target = { ...registration, state: this.isUsed() ? 'initial' : 'unused' };
    this.targets.set(key(registration), target);
    if (target.state === 'initial') this.begin(target);
  }

  /** Whether load balancers lead to it may have changed: what was unused is probed from now on, or the other way round. */
  reconsiderUse(): void {
    const used = this.isUsed();
    for (const target of this.targets.values()) {
      if (target.state === 'draining' || (target.state === 'unused') === !used) continue;
      this.cancel(target);
      this.set(target, used ? 'initial' : 'unused');
      if (used) this.begin(target);
    }
  }

  /** The settings of the health check changed: what is healthy or unhealthy may turn out otherwise, after the thresholds. */
  reconsider(): void {
    const { interval, healthyThreshold, unhealthyThreshold } = this.settings.health;
    for (const target of this.targets.values()) {
      if (target.isProbedOutside) continue;
      if (target.state === 'initial') this.begin(target);
      else if (target.state === 'healthy')
        this.later(target, this.clock.now() + unhealthyThreshold * interval * 1000, bound(this, this.unlessHolds, target));
      else if (target.state === 'unhealthy')
        this.later(
          target,
          Math.max(this.clock.now(), target.startsHealthyAt) + healthyThreshold * interval * 1000,
          bound(this, this.ifHolds, target, undefined),
        );
    }
  }

  /** A probe decides whether it becomes healthy; if not, it is given up at `givesUp`. */
  private async ifHolds(target: Target, givesUp: number | undefined): Promise<void> {
    if (await this.holds(target)) this.set(target, 'healthy');
    else if (givesUp !== undefined) this.later(target, givesUp, bound(this, this.set, target, 'unhealthy'));
  }

  private async unlessHolds(target: Target): Promise<void> {
    if (!(await this.holds(target))) this.set(target, 'unhealthy');
  }

  /** Nothing has answered so often; from `firstHealthy` on it may. */
  private giveUp(target: Target, firstHealthy: number): void {
    target.failure = 'nothing';
    this.set(target, 'unhealthy');
    this.later(target, firstHealthy, bound(this, this.ifHolds, target, undefined));
  }

  /** What probes outside have found out. @param failure what the last one got, where that was wrong */
  probed(id: string, port: number, state: 'healthy' | 'unhealthy', failure?: number | 'nothing'): void {
    const target = this.targets.get(key({ id, port }));
    // It does not matter any more, or not yet.
    if (target === undefined || target.state === 'unused') return;
    target.failure = failure;
    if (target.state !== state) this.set(target, state);
  }

  deregister(id: string, port: number): void {
    const target = this.targets.get(key({ id, port }));
    if (target === undefined || target.state === 'draining') return;
    this.cancel(target);
    const drains = target.state !== 'unused' && this.deregistrationDelay > 0;
    if (drains) this.clock.after(this.deregistrationDelay * 1000, `${id} has drained`, bound(this, this.leave, target));
    else this.leave(target);
    this.set(target, drains ? 'draining' : 'unused');
  }

  private leave(target: Target): void {
    if (this.targets.get(key(target)) === target) this.targets.delete(key(target));
  }

  /** The next of those that requests go to: the healthy ones in turn, or all if every one of them is unhealthy (fail open). */
  choose(isVisitor = false): Target | undefined {
    const all = [...this.targets.values()].filter(({ state }) => state !== 'draining' && state !== 'unused');
    const healthy = all.filter(({ state }) => state === 'healthy');
    const open = healthy.length > 0 ? healthy : all.every(({ state }) => state === 'unhealthy') ? all : [];
    const turn = Number(isVisitor);
    return open[this.next[turn]!++ % Math.max(1, open.length)];
  }

  /** Sends a request to a target. @throws ConnectionError where nothing listens yet */
  ask(target: Target, request: HttpRequest): HttpResponse | Promise<HttpResponse> {
    if (this.clock.now() < target.startsHealthyAt || target.respond === undefined) throw new ConnectionError('ECONNREFUSED', key(target));
    return tell(target.respond, request);
  }

  /** Probes run from now on, every `interval`; only those that decide are made. */
  private begin(target: Target): void {
    if (target.isProbedOutside) return;
    const { healthyThreshold, unhealthyThreshold } = this.settings.health;
    const interval = this.settings.health.interval * 1000;
    const now = this.clock.now();
    const firstAnswer = now + Math.max(0, Math.ceil((target.startsHealthyAt - now) / interval)) * interval;
    const givesUp = now + (unhealthyThreshold - 1) * interval;
    if (firstAnswer <= givesUp) this.later(target, firstAnswer, bound(this, this.ifHolds, target, givesUp));
    else this.later(target, givesUp, bound(this, this.giveUp, target, firstAnswer + (healthyThreshold - 1) * interval));
  }

  private later(target: Target, time: number, probe: Bound): void {
    this.cancel(target);
    if (time === Number.POSITIVE_INFINITY) return;
    target.probe = this.clock.at(time, `${target.id} is probed`, bound(this, this.comes, target, probe));
  }

  private async comes(target: Target, probe: Bound): Promise<void> {
    target.probe = undefined;
    await probe.run();
  }

  private cancel(target: Target): void {
    if (target.probe !== undefined) this.clock.cancel(target.probe);
    target.probe = undefined;
  }

  private async holds(target: Target): Promise<boolean> {
    const { matcher } = this.settings.health;
    try {
      const { status } = await this.ask(target, probe(this.settings.health, target));
      target.failure = matches(matcher, status) ? undefined : status;
    } catch {
      target.failure = 'nothing';
    }
    return target.failure === undefined;
  }

  private set(target: Target, state: TargetState): void {
    if (target.state === 'draining') return;
    target.state = state;
    for (const listener of [...this.listeners]) tell(listener, target.id, state);
  }
}

/** Why a target is in its state, as DescribeTargetHealth says it. */
export function healthOf({ state, failure }: Target): { State: TargetState; Reason?: TargetHealthReasonEnum; Description?: string } {
  switch (state) {
    case 'healthy':
      return { State: state };
    case 'initial':
      return { State: state, Reason: 'Elb.InitialHealthChecking', Description: 'Initial health checks in progress' };
    case 'draining':
      return { State: state, Reason: 'Target.DeregistrationInProgress', Description: 'Target deregistration is in progress' };
    case 'unused':
      return {
        State: state,
        Reason: 'Target.NotInUse',
        Description: 'Target group is not configured to receive traffic from the load balancer',
      };
    case 'unhealthy':
      return typeof failure === 'number'
        ? { State: state, Reason: 'Target.ResponseCodeMismatch', Description: `Health checks failed with these codes: [${failure}]` }
        : { State: state, Reason: 'Target.FailedHealthChecks', Description: 'Health checks failed' };
  }
}

/** The request with which a load balancer asks a target how it is. */
export function probe({ path }: HealthCheck, { id, port }: { readonly id: string; readonly port: number }): HttpRequest {
  const [pathname = '/', query = ''] = path.split('?');
  const headers = { host: `${id}:${port}`, 'user-agent': 'ELB-HealthChecker/2.0' };
  return { method: 'GET', host: headers.host, path: pathname, query, headers, body: new Uint8Array() };
}

const key = ({ id, port }: { readonly id: string; readonly port: number }) => `${id}:${port}`;

/** Whether a status is one of those that a health check asks for. */
export function matches(matcher: string, status: number): boolean {
  return matcher.split(',').some((part) => {
    const [from, to] = part.split('-').map(Number);
    return from !== undefined && status >= from && status <= (to ?? from);
  });
}
