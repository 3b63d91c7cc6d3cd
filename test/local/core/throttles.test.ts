import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/core/clock.ts';
import { Throttles } from '../../../local/core/throttles.ts';

const start = Date.parse('2026-11-23T08:00:00Z');
let clock: VirtualClock;
let throttles: Throttles;

beforeEach(() => {
  clock = new VirtualClock(start);
  throttles = new Throttles(clock);
});

const take = (operation: string, region = 'eu-central-1', account = '1') => throttles.take(account, region, 'ecs', operation);
const drain = (operation: string) => {
  let taken = 0;
  while (taken < 10_000 && take(operation)) taken++;
  return taken;
};

describe('throttles', () => {
  it('are off until they are switched on', () => {
    expect(drain('RegisterTaskDefinition')).toBe(10_000);
  });

  it('let registering and deregistering share twenty requests and one a second', async () => {
    throttles.enable();
    expect(drain('RegisterTaskDefinition')).toBe(20);
    expect(take('DeregisterTaskDefinition')).toBe(false);
    await clock.run({ until: start + 2999 });
    expect(drain('DeregisterTaskDefinition')).toBe(2);
    await clock.run({ until: start + 3000 });
    expect(drain('RegisterTaskDefinition')).toBe(1);
  });

  it('fill a bucket no further than its size', async () => {
    throttles.enable();
    expect(drain('UpdateService')).toBe(50);
    await clock.run({ until: start + 3_600_000 });
    expect(drain('UpdateService')).toBe(50);
  });

  it('count each account, Region and bucket apart', () => {
    throttles.enable();
    drain('RegisterTaskDefinition');
    expect(take('RegisterTaskDefinition', 'us-east-1')).toBe(true);
    expect(take('RegisterTaskDefinition', 'eu-central-1', '2')).toBe(true);
    expect(take('UpdateService')).toBe(true);
  });

  it('know larger limits in large Regions and other quotas by choice', () => {
    throttles.enable();
    throttles.set('events', 'PutEvents', { burst: 3, refill: 1 });
    const count = (service: string, operation: string, region: string) => {
      let taken = 0;
      while (throttles.take('1', region, service, operation)) taken++;
      return taken;
    };
    expect(count('states', 'StartExecution', 'us-east-1')).toBe(1300);
    expect(count('states', 'StartExecution', 'eu-central-1')).toBe(800);
    expect(count('events', 'PutEvents', 'us-east-1')).toBe(3);
  });
});
