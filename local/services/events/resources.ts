/** The CloudFormation resource types of EventBridge. */
import type { Target } from '@aws-sdk/client-eventbridge';
import type { CreatedResource, ResourceType } from '../../core/service.ts';
import type { EventsAccount } from './account.ts';

interface RuleProperties {
  readonly Name?: string;
  readonly Description?: string;
  readonly EventBusName?: string;
  /** An object, or its text. */
  readonly EventPattern?: object | string;
  readonly ScheduleExpression?: string;
  readonly State?: 'ENABLED' | 'DISABLED';
  readonly RoleArn?: string;
  readonly Targets?: readonly Target[];
}

/** Numbers of a template may be text. */
function withNumbers(target: Target): Target {
  const { RetryPolicy } = target;
  if (RetryPolicy === undefined) return target;
  const number = (value: unknown) => (value === undefined ? undefined : Number(value));
  return {
    ...target,
    RetryPolicy: {
      MaximumRetryAttempts: number(RetryPolicy.MaximumRetryAttempts),
      MaximumEventAgeInSeconds: number(RetryPolicy.MaximumEventAgeInSeconds),
    },
  };
}

function ruleType(events: EventsAccount): ResourceType<RuleProperties> {
  const put = (name: string, { EventPattern, Targets = [], Name: _name, ...properties }: RuleProperties): CreatedResource => {
    const text = typeof EventPattern === 'object' ? JSON.stringify(EventPattern) : EventPattern;
    const rule = events.putRule({ ...properties, Name: name, EventPattern: text });
    const ids = new Set(Targets.map(({ Id }) => Id));
    for (const id of rule.targets.keys()) if (!ids.has(id)) rule.targets.delete(id);
    rule.putTargets(Targets.map(withNumbers));
    const bus = properties.EventBusName === undefined || rule.bus === 'default' ? undefined : rule.bus;
    return { ref: bus === undefined ? rule.name : `${bus}|${rule.name}`, attributes: { Arn: rule.arn } };
  };
  const nameOf = (ref: string): [string, string | undefined] => {
    const [first, second] = ref.split('|');
    return second === undefined ? [first!, undefined] : [second, first];
  };
  return {
    properties: ['Name', 'Description', 'EventBusName', 'EventPattern', 'ScheduleExpression', 'State', 'RoleArn', 'Targets'],
    inert: ['Tags'],
    create: (properties, context) => put(properties.Name ?? context.generatedName.slice(0, 64), properties),
    update: (properties, before) => put(nameOf(before.ref)[0], properties),
    delete: (before) => {
      const [name, bus] = nameOf(before.ref);
      events.rule(name, bus).targets.clear();
      events.deleteRule(name, bus);
    },
  };
}

/** All types. */
export function eventsResources(events: EventsAccount): Readonly<Record<string, ResourceType>> {
  return {
    'AWS::Events::Rule': ruleType(events),
    'AWS::Events::EventBus': {
      properties: ['Name'],
      inert: ['Tags', 'Description'],
      create: ({ Name }: { Name: string }) => {
        const bus = events.createBus(Name);
        return { ref: bus.name, attributes: { Arn: bus.arn, Name: bus.name } };
      },
      delete: (before) => events.deleteBus(before.ref),
    },
  };
}
