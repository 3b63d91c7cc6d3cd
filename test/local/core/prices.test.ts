import { describe, expect, it } from 'vitest';
import { Meter } from '../../../local/core/meter.ts';
import { PRICES, price } from '../../../local/core/prices.ts';

describe('the meter', () => {
  it('adds what has the same labels, in whatever order they come', () => {
    const meter = new Meter();
    meter.record('call', 1, { service: 'ecs', operation: 'UpdateService' });
    meter.record('call', 2, { operation: 'UpdateService', service: 'ecs' });
    meter.record('call', 1, { service: 'ecs', operation: 'ListServices' });
    expect(meter.usage).toHaveLength(2);
    expect(meter.calls()).toEqual({ 'ecs:UpdateService': 3, 'ecs:ListServices': 1 });
    expect(meter.total('call', { operation: 'UpdateService' })).toBe(3);
  });

  it('tells what came after a moment, and nothing that did not move', () => {
    const meter = new Meter();
    meter.record('states.transition', 5, { machine: 'release' });
    meter.record('lambda.invocation');
    const before = meter.snapshot();
    meter.record('states.transition', 2, { machine: 'release' });
    meter.record('states.transition', 1, { machine: 'promotion' });
    expect(meter.since(before)).toEqual([
      { kind: 'states.transition', labels: { machine: 'release' }, amount: 2 },
      { kind: 'states.transition', labels: { machine: 'promotion' }, amount: 1 },
    ]);
    expect(meter.total('states.transition', {}, before)).toBe(3);
  });
});

describe('prices', () => {
  it('add up by kind and by any grouping of the usage', () => {
    const meter = new Meter();
    meter.record('states.transition', 40, { machine: 'release' });
    meter.record('lambda.invocation', 10, { function: 'deploy' });
    meter.record('lambda.gb-second', 1.5, { function: 'deploy', architecture: 'arm64' });
    meter.record('codebuild.minute', 3, { environmentType: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_SMALL' });
    meter.record('call', 100, { service: 'ecs', operation: 'UpdateService' });
    const cost = price(meter.usage, ({ kind }) => (kind.startsWith('codebuild') ? 'verification' : 'orchestration'));
    // 40 transitions at $25 a million, 10 requests at $0.20 a million, 1.5 GB-seconds on Arm
    expect(cost.groups.orchestration).toBeCloseTo(0.001 + 0.000002 + 0.0000200001, 12);
    expect(cost.groups.verification).toBeCloseTo(0.015, 12);
    expect(cost.kinds['states.transition']).toBeCloseTo(0.001, 12);
    expect(cost.dollars).toBeCloseTo(cost.groups.orchestration! + 0.015, 12);
    expect(cost.unpriced).toEqual([]);
  });

  it('name usage whose price they do not know instead of calling it free', () => {
    const usage = {
      kind: 'codebuild.minute',
      labels: { environmentType: 'LINUX_GPU_CONTAINER', computeType: 'BUILD_GENERAL1_LARGE' },
      amount: 2,
    } as const;
    expect(price([usage])).toMatchObject({ dollars: 0, unpriced: [usage] });
  });

  it('name the page of AWS that each of them stands on', () => {
    for (const { source, dollars } of PRICES) {
      expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/.+\/pricing\//);
      expect(dollars).toBeGreaterThanOrEqual(0);
    }
  });
});
