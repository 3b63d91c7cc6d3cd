import { describe, expect, it } from 'vitest';
import { diffDefinitions } from '../../../domain/task-definition/comparison.ts';
import { renderTaskDefinition } from '../../../domain/task-definition/rendering.ts';
import { type DiffLine, diffLines, hunks } from '../../../domain/text/diff.ts';
import { parts, release } from '../parts.ts';

const drawn = (lines: readonly (DiffLine | undefined)[]) => lines.map((line) => (line ? line.sign + line.text.trim() : '…'));
const changed = (lines: readonly DiffLine[]) => drawn(lines.filter(({ sign }) => sign !== ' '));
const lines = (text: string) => text.split('');

describe('a diff', () => {
  it.each([
    ['', 'ab', '+a+b'],
    ['ab', '', '-a-b'],
    ['abc', 'axc', ' a-b+x c'],
    ['abcabba', 'cbabac', '-a-b c-a b+a b a+c'],
    ['same', 'same', ' s a m e'],
  ])('of %j and %j is %j', (before, after, expected) => {
    const found = diffLines(lines(before), lines(after));
    expect(
      found
        .filter(({ sign }) => sign !== '+')
        .map(({ text }) => text)
        .join(''),
    ).toBe(before);
    expect(
      found
        .filter(({ sign }) => sign !== '-')
        .map(({ text }) => text)
        .join(''),
    ).toBe(after);
    expect(found.filter(({ sign }) => sign === ' ')).toHaveLength(expected.split(' ').length - 1);
  });

  it('is shown with the lines around what changes, and marks where some are left out', () =>
    expect(drawn(hunks(diffLines(lines('abcdefghi'), lines('aXcdefghY')), 1))).toEqual([' a', '-b', '+X', ' c', '…', ' h', '-i', '+Y']));
});

describe('two definitions', () => {
  const rendered = (tag: string, letter: string) =>
    renderTaskDefinition(parts({ service: 'orders-web', releases: { orders: release('orders', tag, letter) } }));

  it('differ in nothing but what the release brings, whatever ECS fills in by itself', () => {
    const { containerDefinitions, ...rest } = rendered('git_1', 'a');
    const registered = {
      ...rest,
      taskDefinitionArn: 'arn:aws:ecs:eu-central-1:111111111111:task-definition/acme-test-orders-web:7',
      revision: 7,
      status: 'ACTIVE',
      registeredAt: new Date(),
      compatibilities: ['EC2', 'FARGATE'],
      volumes: [],
      tags: [...rest.tags.filter(({ key }) => key !== 'shiplock:promotion'), { key: 'shiplock:promotion', value: 'another' }],
      containerDefinitions: containerDefinitions.map((container) => ({
        ...container,
        cpu: 0,
        mountPoints: [],
        environment: (container.environment as object[]).toReversed(),
        portMappings: (container.portMappings as object[]).map((port) => ({ ...port, hostPort: 8080, protocol: 'tcp' })),
      })),
    };
    expect(changed(diffDefinitions(registered, rendered('git_1', 'a')))).toEqual([]);
    expect(changed(diffDefinitions(registered, rendered('git_2', 'b')))).toEqual([
      expect.stringMatching(/^-"image": ".*orders@sha256:a{64}"$/),
      expect.stringMatching(/^\+"image": ".*orders@sha256:b{64}"$/),
      '-{ "name": "VERSION", "value": "git_1" }',
      '+{ "name": "VERSION", "value": "git_2" }',
    ]);
  });

  it('never show the value of a secret, and still that it is another one', () => {
    const secret = (value: string) => ({
      containerDefinitions: [
        {
          name: 'web',
          command: ['run', '--password', value],
          environment: [{ name: 'DB_PASSWORD', value }],
          secrets: [{ name: 'API_TOKEN', valueFrom: '/acme/live/token' }],
          logConfiguration: { logDriver: 'splunk', options: { 'splunk-token': value } },
        },
      ],
    });
    const text = JSON.stringify(diffDefinitions(secret('hunter2-before'), secret('hunter2-after')));
    expect(text).not.toContain('hunter2');
    expect(text).toContain('/acme/live/token');
    expect(changed(diffDefinitions(secret('hunter2-before'), secret('hunter2-after')))).toHaveLength(6);
    expect(changed(diffDefinitions(secret('hunter2-before'), secret('hunter2-before')))).toEqual([]);
  });

  it('are all new where nothing runs', () =>
    expect(diffDefinitions(undefined, rendered('git_1', 'a')).every(({ sign }) => sign === '+')).toBe(true));
});
