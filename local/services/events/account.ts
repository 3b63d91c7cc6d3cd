/** The buses, rules and targets of one account and Region, and the operations on them. */
import type * as Api from '@aws-sdk/client-eventbridge';
import { passRole } from '../../core/iam/authorize.ts';
import type { Random } from '../../core/random.ts';
import { type Call, type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { type BusEvent, EventBus, eventTime } from './bus.ts';
import { putPermission, removePermission } from './permissions.ts';
import { invalid, Rule } from './rule.ts';
import { tagContext, tagOperations } from './tagging.ts';
import { testEventPattern } from './verdict.ts';

/** An entry of PutEvents, in bytes. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MAX_ENTRY = 262_144;

/** What one of AWS's services puts on the default bus; the rest is added. */
export interface ServiceEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: object;
  /** @default [] */
  readonly resources?: readonly string[];
}

const SERVICE = 'events.amazonaws.com';

/** A bus by name or ARN. */
const busName = (text: string | undefined) => (text === undefined ? 'default' : text.replace(/^arn:.*:event-bus\//, ''));

const describeBus = ({ name, arn, created, modified, description, policy }: EventBus) => ({
  Name: name,
  Arn: arn,
  CreationTime: new Date(created),
  LastModifiedTime: new Date(modified),
  ...(description === undefined ? {} : { Description: description }),
  ...(policy === undefined ? {} : { Policy: JSON.stringify(policy) }),
});

function page<Item>(
  items: readonly Item[],
  token: string | undefined,
  size: number | undefined,
): { items: Item[]; next: { NextToken?: string } } {
  const from = token === undefined ? 0 : Number(token);
  const to = from + (size ?? 100);
  return { items: items.slice(from, to), next: to < items.length ? { NextToken: String(to) } : {} };
}

export class EventsAccount {
  readonly site: Site;
  readonly operations: Readonly<Record<string, Operation>>;
  private readonly buses = new Map<string, EventBus>();
  private readonly random: Random;

  constructor(site: Site) {
    this.site = site;
    this.random = site.world.random.fork(`events/${site.account}/${site.region}`);
    this.buses.set('default', new EventBus(site, this.random, 'default'));
    this.operations = this.table();
  }

  /** Puts an event of an AWS service on the default bus. */
  publish({ source, detail, resources = [], ...event }: ServiceEvent): void {
    const { site } = this;
    site.world.meter.record('events.aws-event', 1, { source, account: site.account, region: site.region });
    this.bus().put({
      version: '0',
      id: this.random.uuid(),
      'detail-type': event['detail-type'],
      source,
      account: site.account,
      time: eventTime(site.world.clock.now()),
      region: site.region,
      resources: [...resources],
      // A copy: what the service changes afterwards is no longer this event.
      detail: JSON.parse(JSON.stringify(detail)) as unknown,
    });
  }

  /** @throws ServiceError ResourceNotFoundException */
  bus(name?: string): EventBus {
    const bus = this.buses.get(busName(name));
    if (bus === undefined) throw new ServiceError('ResourceNotFoundException', `Event bus ${busName(name)} does not exist.`);
    return bus;
  }

  /** @throws ServiceError ResourceNotFoundException */
  rule(name: string | undefined, bus?: string): Rule {
    const rule = this.bus(bus).rules.get(name ?? '');
    if (rule === undefined) throw new ServiceError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${busName(bus)}.`);
    return rule;
  }

  private ruleArn(name: string | undefined, bus: string | undefined): string {
    const on = busName(bus);
    return this.site.arn('events', on === 'default' ? `rule/${name}` : `rule/${on}/${name}`);
  }

  /** Makes or changes a rule. @throws ServiceError */
  putRule(input: Api.PutRuleRequest): Rule {
    const bus = this.bus(input.EventBusName);
    if (!/^[.\-_A-Za-z0-9]{1,64}$/.test(input.Name ?? ''))
      throw invalid(
        `1 validation error detected: Value '${input.Name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+`,
      );
    let rule = bus.rules.get(input.Name!);
    if (rule) rule.change(input);
    else {
      rule = new Rule(this.ruleArn(input.Name, input.EventBusName), bus.name, input);
      bus.rules.set(rule.name, rule);
    }
    rule.anchor = this.site.world.clock.now();
    bus.arm(rule);
    return rule;
  }

  deleteRule(name: string | undefined, busGiven?: string): void {
    const bus = this.bus(busGiven);
    const rule = bus.rules.get(name ?? '');
    if (rule === undefined) return;
    if (rule.targets.size > 0) throw invalid("Rule can't be deleted since it has targets.");
    bus.disarm(rule);
    bus.rules.delete(rule.name);
  }

  createBus(name: string, { Description, Tags = [] }: Pick<Api.CreateEventBusRequest, 'Description' | 'Tags'> = {}): EventBus {
    if (this.buses.has(name)) throw new ServiceError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
    const bus = new EventBus(this.site, this.random, name);
    bus.description = Description;
    bus.tags = Tags;
    this.buses.set(name, bus);
    return bus;
  }

  deleteBus(name: string): void {
    if (name === 'default') throw invalid('Cannot delete event bus default.');
    const bus = this.buses.get(name);
    if (bus && bus.rules.size > 0) throw invalid(`Cannot delete event bus ${name} with rules still present.`);
    this.buses.delete(name);
  }

  /** What events are put on, and its policy. */
  private busPermission(name: string | undefined): Pick<Permission, 'resource' | 'resourcePolicy'> {
    const [, , , region = this.site.region, account = this.site.account] = (name ?? '').split(':');
    const policy = this.site.world.site(account, region).service('events').buses.get(busName(name))?.policy;
    const resource = name?.startsWith('arn:') === true ? name : this.site.arn('events', `event-bus/${busName(name)}`);
    return { resource, ...(policy === undefined ? {} : { resourcePolicy: policy }) };
  }

  private setState(name: string | undefined, bus: string | undefined, enabled: boolean): void {
    const rule = this.rule(name, bus);
    rule.enabled = enabled;
    this.bus(bus).arm(rule);
  }

  private putEntry(entry: Api.PutEventsRequestEntry): Api.PutEventsResultEntry {
    const { site } = this;
    const failed = (ErrorCode: string, ErrorMessage: string) => ({ ErrorCode, ErrorMessage });
    for (const name of ['Source', 'DetailType', 'Detail'] as const)
      if (!entry[name]) return failed('InvalidArgument', `Parameter ${name} is not valid. Reason: ${name} is a required argument.`);
    if (entry.Source!.startsWith('aws.')) return failed('NotAuthorizedForSourceException', 'Not authorized for the source.');
    let detail: unknown;
    try {
      detail = JSON.parse(entry.Detail!);
    } catch {
      return failed('MalformedDetail', 'Detail is malformed.');
    }
    if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return failed('MalformedDetail', 'Detail is malformed.');
    const [, , , region = site.region, account = site.account] = (entry.EventBusName ?? '').split(':');
    const bus = site.world.site(account, region).service('events').buses.get(busName(entry.EventBusName));
    const id = this.random.uuid();
    site.world.meter.record('events.custom-event', 1, { source: entry.Source!, account: site.account, region: site.region });
    // An event for a bus that is not there is accepted and lost, as on AWS (judgement).
    const event: BusEvent = {
      version: '0',
      id,
      'detail-type': entry.DetailType!,
      source: entry.Source!,
      account: site.account,
      time: eventTime(entry.Time?.getTime() ?? site.world.clock.now()),
      region: site.region,
      resources: entry.Resources ?? [],
      detail,
    };
    bus?.put(event);
    return { EventId: id };
  }

  private putEvents({ Entries = [] }: Api.PutEventsRequest): Api.PutEventsResponse {
    const size = Entries.reduce(
      (sum, { Time, Source = '', DetailType = '', Detail = '', Resources = [] }) =>
        sum +
        (Time ? 14 : 0) +
        [Source, DetailType, Detail, ...Resources].reduce((bytes, text) => bytes + Buffer.byteLength(text ?? ''), 0),
      0,
    );
    if (size > MAX_ENTRY) throw invalid('Total size of the entries in the request is over the limit.');
    const results = Entries.map((entry) => this.putEntry(entry));
    return { FailedEntryCount: results.filter(({ ErrorCode }) => ErrorCode !== undefined).length, Entries: results };
  }

  private table(): Readonly<Record<string, Operation>> {
    interface OfRule {
      readonly Name?: string | undefined;
      readonly Rule?: string | undefined;
      readonly EventBusName?: string | undefined;
    }
    const onRule =
      (action: string) =>
      (input: OfRule): Permission[] => [
        { action: `events:${action}`, resource: this.ruleArn(input.Name ?? input.Rule, input.EventBusName) },
      ];
    const onBus =
      (action: string) =>
      (input: { Name?: string; EventBusName?: string }): Permission[] => [
        { action: `events:${action}`, resource: this.site.arn('events', `event-bus/${busName(input.EventBusName ?? input.Name)}`) },
      ];
    const operation = <Input extends object, Output>(
      authorize: (input: Input) => readonly Permission[],
      handle: (input: Input, call: Call) => Output,
    ): Operation => ({ authorize, handle });
    return {
      PutEvents: operation<Api.PutEventsRequest, Api.PutEventsResponse>(
        ({ Entries = [] }) =>
          Entries.map((entry) => ({
            action: 'events:PutEvents',
            ...this.busPermission(entry.EventBusName),
            context: { 'events:source': entry.Source ?? '', 'events:detail-type': entry.DetailType ?? '' },
          })),
        (input) => this.putEvents(input),
      ),
      PutRule: operation<Api.PutRuleRequest, Api.PutRuleResponse>(
        (input) => [
          ...onRule('PutRule')(input).map((one) => ({ ...one, context: tagContext(input.Tags) })),
          ...(input.RoleArn ? [passRole(input.RoleArn, SERVICE)] : []),
        ],
        (input) => ({ RuleArn: this.putRule(input).arn }),
      ),
      DescribeRule: operation<Api.DescribeRuleRequest, Api.DescribeRuleResponse>(onRule('DescribeRule'), ({ Name, EventBusName }) => ({
        ...this.rule(Name, EventBusName).describe(),
        CreatedBy: this.site.account,
      })),
      ListRules: operation<Api.ListRulesRequest, Api.ListRulesResponse>(
        () => [{ action: 'events:ListRules', resource: '*' }],
        ({ NamePrefix = '', EventBusName, NextToken, Limit }) => {
          const rules = [...this.bus(EventBusName).rules.values()].filter((rule) => rule.name.startsWith(NamePrefix));
          const { items, next } = page(
            rules.sort((a, b) => (a.name < b.name ? -1 : 1)),
            NextToken,
            Limit,
          );
          return { Rules: items.map((rule) => rule.describe()), ...next };
        },
      ),
      EnableRule: operation<Api.EnableRuleRequest, object>(onRule('EnableRule'), ({ Name, EventBusName }) => {
        this.setState(Name, EventBusName, true);
        return {};
      }),
      DisableRule: operation<Api.DisableRuleRequest, object>(onRule('DisableRule'), ({ Name, EventBusName }) => {
        this.setState(Name, EventBusName, false);
        return {};
      }),
      DeleteRule: operation<Api.DeleteRuleRequest, object>(onRule('DeleteRule'), ({ Name, EventBusName }) => {
        this.deleteRule(Name, EventBusName);
        return {};
      }),
      PutTargets: operation<Api.PutTargetsRequest, Api.PutTargetsResponse>(
        (input) => [
          ...onRule('PutTargets')(input).map((one) => ({
            ...one,
            context: { 'events:TargetArn': (input.Targets ?? []).map(({ Arn }) => Arn ?? '') },
          })),
          ...(input.Targets ?? []).flatMap(({ RoleArn }) => (RoleArn ? [passRole(RoleArn, SERVICE)] : [])),
        ],
        (input) => {
          this.rule(input.Rule, input.EventBusName).putTargets(input.Targets ?? []);
          return { FailedEntryCount: 0, FailedEntries: [] };
        },
      ),
      RemoveTargets: operation<Api.RemoveTargetsRequest, Api.RemoveTargetsResponse>(onRule('RemoveTargets'), (input) => {
        const rule = this.rule(input.Rule, input.EventBusName);
        const missing = (input.Ids ?? []).filter((id) => !rule.targets.delete(id));
        const FailedEntries = missing.map((TargetId) => ({
          TargetId,
          ErrorCode: 'ResourceNotFoundException',
          ErrorMessage: `Rule ${rule.name} does not have a target with the Id ${TargetId}.`,
        }));
        return { FailedEntryCount: missing.length, FailedEntries };
      }),
      ListTargetsByRule: operation<Api.ListTargetsByRuleRequest, Api.ListTargetsByRuleResponse>(onRule('ListTargetsByRule'), (input) => {
        const { items, next } = page([...this.rule(input.Rule, input.EventBusName).targets.values()], input.NextToken, input.Limit);
        return { Targets: items, ...next };
      }),
      TestEventPattern: operation<Api.TestEventPatternRequest, Api.TestEventPatternResponse>(
        () => [{ action: 'events:TestEventPattern', resource: '*' }],
        ({ Event, EventPattern }) => ({ Result: testEventPattern(Event ?? '', EventPattern ?? '') }),
      ),
      ListRuleNamesByTarget: operation<Api.ListRuleNamesByTargetRequest, Api.ListRuleNamesByTargetResponse>(
        () => [{ action: 'events:ListRuleNamesByTarget', resource: '*' }],
        ({ TargetArn, EventBusName, NextToken, Limit }) => {
          const rules = [...this.bus(EventBusName).rules.values()];
          const names = rules.filter(({ targets }) => [...targets.values()].some(({ Arn }) => Arn === TargetArn)).map(({ name }) => name);
          const { items, next } = page(names.sort(), NextToken, Limit);
          return { RuleNames: items, ...next };
        },
      ),
      CreateEventBus: operation<Api.CreateEventBusRequest, Api.CreateEventBusResponse>(
        (input) => onBus('CreateEventBus')(input).map((one) => ({ ...one, context: tagContext(input.Tags) })),
        ({ Name = '', EventSourceName, KmsKeyIdentifier, DeadLetterConfig, LogConfig, ...settings }) => {
          for (const [name, value] of Object.entries({ EventSourceName, KmsKeyIdentifier, DeadLetterConfig, LogConfig }))
            if (value !== undefined) throw invalid(`local AWS does not know ${name} of an event bus`);
          const bus = this.createBus(Name, settings);
          return { EventBusArn: bus.arn, ...(bus.description === undefined ? {} : { Description: bus.description }) };
        },
      ),
      PutPermission: operation<Api.PutPermissionRequest, object>(
        // Authorised against the bus only where it is given: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
        () => [{ action: 'events:PutPermission', resource: '*' }],
        (input) => {
          const bus = this.bus(input.EventBusName);
          putPermission(bus, input);
          bus.modified = this.site.world.clock.now();
          return {};
        },
      ),
      RemovePermission: operation<Api.RemovePermissionRequest, object>(
        () => [{ action: 'events:RemovePermission', resource: '*' }],
        (input) => {
          const bus = this.bus(input.EventBusName);
          removePermission(bus, input);
          bus.modified = this.site.world.clock.now();
          return {};
        },
      ),
      DeleteEventBus: operation<Api.DeleteEventBusRequest, object>(onBus('DeleteEventBus'), ({ Name }) => {
        this.deleteBus(Name!);
        return {};
      }),
      DescribeEventBus: operation<Api.DescribeEventBusRequest, Api.DescribeEventBusResponse>(onBus('DescribeEventBus'), ({ Name }) => {
        return describeBus(this.bus(Name));
      }),
      ListEventBuses: operation<Api.ListEventBusesRequest, Api.ListEventBusesResponse>(
        () => [{ action: 'events:ListEventBuses', resource: '*' }],
        ({ NamePrefix = '', NextToken, Limit }) => {
          const buses = [...this.buses.values()].filter(({ name }) => name.startsWith(NamePrefix));
          const { items, next } = page(
            buses.sort((a, b) => (a.name < b.name ? -1 : 1)),
            NextToken,
            Limit,
          );
          return { EventBuses: items.map(describeBus), ...next };
        },
      ),
      ...tagOperations(this),
    };
  }
}
