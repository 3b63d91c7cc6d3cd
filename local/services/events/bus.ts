/** Event buses: an event goes to every rule that matches, a moment later, at least once. */
import type { Tag, Target } from '@aws-sdk/client-eventbridge';
import { bound } from '../../core/bound.ts';
import type { Random } from '../../core/random.ts';
import type { PolicyDocument, Principal } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { nextDue } from '../scheduler/expression.ts';
import { deliver, parseArn } from './delivery.ts';
import { dispatch, type Failure, RETRY_POLICY } from './dispatch.ts';
import { flatten, matches } from './match.ts';
import { assume } from './role.ts';
import type { Rule } from './rule.ts';
import { BrokenTemplateError, type RuleFacts, targetInput } from './transformer.ts';

/** An event as rules and targets see it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

/** From PutEvents to the target (milliseconds): about half a second at most, as AWS says is typical. */
const LATENCY = { least: 120, spread: 300 };

const SERVICE = 'events.amazonaws.com';

/** `2026-11-02T09:00:00Z` */
export const eventTime = (moment: number) => `${new Date(moment).toISOString().slice(0, 19)}Z`;

/** What the target gets; nothing where a template broke. */
function inputOr(target: Target, event: BusEvent, rule: RuleFacts): string | undefined {
  try {
    return targetInput(target, event, rule);
  } catch (error) {
    if (error instanceof BrokenTemplateError) return undefined;
    throw error;
  }
}

export class EventBus {
  readonly name: string;
  readonly arn: string;
  readonly rules = new Map<string, Rule>();
  /** Milliseconds since the epoch. */
  readonly created: number;
  modified: number;
  description: string | undefined;
  policy: PolicyDocument | undefined;
  tags: readonly Tag[] = [];
  private readonly site: Site;
  private readonly random: Random;

  constructor(site: Site, random: Random, name: string) {
    this.site = site;
    this.created = site.world.clock.now();
    this.modified = this.created;
    this.random = random;
    this.name = name;
    this.arn = site.arn('events', `event-bus/${name}`);
  }

  /** Takes an event. Faults decide whether, when and how often it arrives. */
  put(event: BusEvent): void {
    const { clock, faults } = this.site.world;
    for (const delay of faults.event(event).deliver) {
      const wait = delay + LATENCY.least + this.random.integer(LATENCY.spread);
      clock.after(wait, `${event.source} ${event['detail-type']}`, bound(this, this.route, event));
    }
  }

  private async route(event: BusEvent): Promise<void> {
    const flat = flatten(event);
    const hit = [...this.rules.values()].filter((rule) => rule.enabled && rule.pattern && matches(rule.pattern, flat));
    await Promise.all(hit.map((rule) => this.fire(rule, event)));
  }

  /** Sends an event to the targets of a rule. */
  private async fire(rule: Rule, event: BusEvent): Promise<void> {
    await Promise.all([...rule.targets.values()].map((target) => this.send(rule, target, event)));
  }

  private async send(rule: Rule, target: Target, event: BusEvent): Promise<void> {
    const { site } = this;
    const { clock } = site.world;
    const body = inputOr(target, event, {
      ruleArn: rule.arn,
      ruleName: rule.name,
      ingestionTime: new Date(clock.now()).toISOString(),
    });
    if (body === undefined) return;
    const deadLetterArn = target.DeadLetterConfig?.Arn;
    const labels = { rule: rule.name, target: parseArn(target.Arn!).service, account: site.account, region: site.region };
    await dispatch(site, {
      what: `an event for ${target.Arn}`,
      from: clock.now(),
      maximumRetryAttempts: target.RetryPolicy?.MaximumRetryAttempts ?? RETRY_POLICY.maximumRetryAttempts,
      maximumEventAgeInSeconds: target.RetryPolicy?.MaximumEventAgeInSeconds ?? RETRY_POLICY.maximumEventAgeInSeconds,
      send: bound(this, this.sendOnce, rule, target, event, body, labels),
      deadLetter:
        deadLetterArn === undefined
          ? undefined
          : {
              arn: deadLetterArn,
              principal: bound(this, this.own, rule),
              body,
              attributes: bound(this, this.deadLetterAttributes, rule.arn, target.Arn!),
            },
    });
  }

  private own({ arn }: Rule): Principal {
    const context = { 'aws:SourceArn': arn, 'aws:SourceAccount': this.site.account };
    return { kind: 'service', arn: SERVICE, account: this.site.account, context };
  }

  private async sendOnce(
    rule: Rule,
    target: Target,
    event: BusEvent,
    body: string,
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { site } = this;
    site.world.meter.record('events.invocation', 1, labels);
    const context = { 'aws:SourceArn': rule.arn, 'aws:SourceAccount': site.account };
    const principal =
      target.RoleArn === undefined ? this.own(rule) : assume(site, target.RoleArn, SERVICE, event.id.replaceAll('-', ''), context);
    const group = target.SqsParameters?.MessageGroupId;
    await deliver(site, principal, {
      arn: target.Arn!,
      body,
      event: { source: event.source, detailType: event['detail-type'] },
      ...(group === undefined ? {} : { messageGroupId: group }),
    });
  }

  private deadLetterAttributes(
    ruleArn: string,
    targetArn: string,
    { code, message, attempts, condition }: Failure,
  ): Record<string, string> {
    return {
      RULE_ARN: ruleArn,
      TARGET_ARN: targetArn,
      ERROR_CODE: code,
      ERROR_MESSAGE: message,
      RETRY_ATTEMPTS: String(attempts),
      ...(condition === undefined ? {} : { EXHAUSTED_RETRY_CONDITION: condition }),
    };
  }

  /** Sets the one timer of a scheduled rule to its next time. */
  arm(rule: Rule): void {
    this.disarm(rule);
    const { clock } = this.site.world;
    if (!rule.enabled || rule.schedule === undefined) return;
    const due = nextDue(rule.schedule, clock.now(), rule.anchor);
    if (due === undefined) return;
    rule.timer = clock.at(due, `rule ${rule.name}`, bound(this, this.comesDue, rule, due));
  }

  private comesDue(rule: Rule, due: number): Promise<void> {
    this.arm(rule);
    return this.fire(rule, this.scheduled(rule, due));
  }

  disarm(rule: Rule): void {
    if (rule.timer) this.site.world.clock.cancel(rule.timer);
    rule.timer = undefined;
  }

  private scheduled(rule: Rule, due: number): BusEvent {
    return {
      version: '0',
      id: this.random.uuid(),
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: this.site.account,
      time: eventTime(due),
      region: this.site.region,
      resources: [rule.arn],
      detail: {},
    };
  }
}
