import { describe, expect, it } from 'vitest';
import shape from '../../../domain/task-definition/shape.json' with { type: 'json' };
import { refuseMisfits } from '../../../domain/task-definition/shape.ts';
import { readShape } from '../../../scripts/task-definition-shape.ts';

const misfits = (change: object, container: object = {}) => {
  const found: string[] = [];
  const request = { family: 'a', containerDefinitions: [{ name: 'web', ...container }], ...change };
  refuseMisfits(request, (place, message) => void found.push(`${place}: ${message}`));
  return found;
};

it('the shape that rules know is that of the ECS client: run scripts/task-definition-shape.ts after an update', () =>
  expect(shape).toEqual(readShape()));

describe('a task definition', () => {
  it.each<[string, string, object, object?]>([
    [
      'a case that ECS does not write',
      'containerDefinitions[0].healthcheck: ECS knows no such member, did you mean "healthCheck"?',
      {},
      { healthcheck: {} },
    ],
    ['a slip of the pen', 'containerDefinitions[0].secrest: ECS knows no such member, did you mean "secrets"?', {}, { secrest: [] }],
    ['capitals of CloudFormation', 'Cpu: ECS knows no such member, did you mean "cpu"?', { Cpu: '256' }],
    ['a name that every object has', 'constructor: ECS knows no such member; take it out, or take one of ', { constructor: 1 }],
    [
      'a member of the service',
      'desiredCount: ECS knows no such member of a task definition: it is a member of the service',
      { desiredCount: 2 },
    ],
    ['what a description adds', 'registeredAt: ECS adds it when it describes a task definition', { registeredAt: 1 }],
    [
      'deep within',
      'containerDefinitions[0].linuxParameters.capabilities.dorp: ECS knows no such member, did you mean "drop"?',
      {},
      { linuxParameters: { capabilities: { dorp: [] } } },
    ],
    ['a number for a text', 'cpu: a text is needed here, and this is the number 256; write "256"', { cpu: 256 }],
    ['a text for a number', 'containerDefinitions[0].cpu: a number is needed here, and this is a text; write 256', {}, { cpu: '256' }],
    ['half a unit', 'containerDefinitions[0].cpu: a whole number is needed here, and this is 0.5', {}, { cpu: 0.5 }],
    [
      'a text for a switch',
      'containerDefinitions[0].essential: true or false is needed here, and this is the text "False"; write false',
      {},
      { essential: 'False' },
    ],
    [
      'a switch for a text',
      'containerDefinitions[0].logConfiguration.options.x: a text is needed here, and this is a boolean; write it in double quotes',
      {},
      { logConfiguration: { logDriver: 'awslogs', options: { x: true } } },
    ],
    [
      'one where several may stand',
      'containerDefinitions[0].command: a list is needed here, and this is the text "serve"; write it in [ ]',
      {},
      { command: 'serve' },
    ],
    [
      'a map where a list is needed',
      'containerDefinitions[0].environment: a list is needed here, and this is an object',
      {},
      { environment: { A: 'b' } },
    ],
    ['a value that ECS does not have', 'networkMode: ECS knows no "awsvcp" here, did you mean "awsvpc"?', { networkMode: 'awsvcp' }],
    [
      'a value in capitals',
      'containerDefinitions[0].portMappings[0].protocol: ECS knows no "TCP" here, did you mean "tcp"?',
      {},
      { portMappings: [{ containerPort: 1, protocol: 'TCP' }] },
    ],
    ['an empty value', 'pidMode: is empty; leave it out, or write one of host, task', { pidMode: '' }],
    [
      'what a secret needs',
      'containerDefinitions[0].secrets[0]: "valueFrom" is missing, without which ECS registers no Secret',
      {},
      { secrets: [{ name: 'A' }] },
    ],
  ])('with %s is refused at its place', (_, text, change, container) =>
    expect(misfits(change, container)).toEqual([expect.stringContaining(text)]),
  );

  it('never shows what a variable, a label or an option holds', () => {
    const all = misfits(
      {},
      {
        environment: [{ name: 'PIN', value: 4711 }],
        dockerLabels: { pin: 4711 },
        logConfiguration: { logDriver: 'splunk', options: { 'splunk-token': 4711 } },
      },
    );
    expect(all).toHaveLength(3);
    expect(all.join()).not.toContain('4711');
  });

  it('with everything that ECS takes passes', () => {
    const value = (type: unknown): unknown => {
      if (type === 'string') return 'x';
      if (type === 'number') return 1;
      if (type === 'boolean') return true;
      const { values, list, map, of } = type as { values?: string[]; list?: unknown; map?: unknown; of?: string };
      if (values) return values[0];
      if (list) return [value(list)];
      if (map) return { x: value(map) };
      const { members } = shape[of as keyof typeof shape] as { members: Record<string, unknown> };
      return Object.fromEntries(Object.entries(members).map(([name, one]) => [name, value(one)]));
    };
    expect(misfits(value({ of: 'RegisterTaskDefinitionRequest' }) as object)).toEqual([]);
  });
});
