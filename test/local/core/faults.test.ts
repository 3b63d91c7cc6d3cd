import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/core/clock.ts';
import { Faults } from '../../../local/core/faults.ts';

const call = (service: string, operation: string, caller = 'deployer') => ({
  account: '1',
  region: 'r',
  service,
  operation,
  caller,
  input: {},
});

describe('faults of calls', () => {
  it('strike the n-th matching call and as many in a row as asked', () => {
    const faults = new Faults(new VirtualClock(0));
    faults.add({ kind: 'throttle', match: { service: 'ecs' }, nth: 2, times: 2 });
    const seen = ['ecs', 'sqs', 'ecs', 'sqs', 'ecs', 'ecs'].map((service) => faults.call(call(service, 'X')));
    expect(seen).toEqual([undefined, undefined, 'throttle', undefined, 'throttle', undefined]);
  });

  it('of a conflict strike writes of DynamoDB alone, and count no others', () => {
    const faults = new Faults(new VirtualClock(0));
    faults.add({ kind: 'conflict', nth: 2 });
    const seen = [
      ['dynamodb', 'PutItem'],
      ['dynamodb', 'GetItem'],
      ['ecs', 'UpdateService'],
      ['dynamodb', 'TransactWriteItems'],
    ].map(([service = '', operation = '']) => faults.call(call(service, operation)));
    expect(seen).toEqual([undefined, undefined, undefined, 'conflict']);
  });

  it('choose by any member or by a function, and the one armed first wins', () => {
    const faults = new Faults(new VirtualClock(0));
    faults.add({ kind: 'error-500', match: { caller: 'deployer', operation: 'UpdateService' } });
    faults.add({ kind: 'timeout-after', match: ({ operation }) => operation.startsWith('Update'), times: 2 });
    expect(faults.call(call('ecs', 'UpdateService', 'other'))).toBe('timeout-after');
    expect(faults.call(call('ecs', 'UpdateService'))).toBe('error-500');
    expect(faults.call(call('ecs', 'UpdateService'))).toBeUndefined();
  });

  it('can be aimed at any call that a recorded run made, by its index', () => {
    const faults = new Faults(new VirtualClock(5));
    faults.call(call('ecs', 'Before'));
    faults.record();
    faults.call(call('ecs', 'A'));
    faults.call(call('sqs', 'B'));
    expect(faults.calls).toEqual([
      { index: 2, time: 5, ...call('ecs', 'A') },
      { index: 3, time: 5, ...call('sqs', 'B') },
    ]);
    const again = new Faults(new VirtualClock(5));
    again.add({ kind: 'throttle', match: { index: 3 } });
    expect([again.call(call('a', 'A')), again.call(call('a', 'A')), again.call(call('a', 'A'))]).toEqual([
      undefined,
      undefined,
      'throttle',
    ]);
  });

  it('never aim a kill at a call that no Lambda makes', () => {
    const faults = new Faults(new VirtualClock(0));
    faults.add({ kind: 'kill-before' });
    expect(faults.call(call('ecs', 'X'))).toBeUndefined();
    expect(faults.call({ ...call('ecs', 'X'), invocation: 'i' })).toBe('kill-before');
  });
});

describe('faults of events', () => {
  it('lose, double and delay the events they match, others arrive at once', () => {
    const faults = new Faults(new VirtualClock(0));
    const event = (source: string) => ({ source, 'detail-type': 'T', detail: {} });
    faults.addEvent({ match: { source: 'aws.ecr' }, deliver: [] });
    faults.addEvent({ match: { source: 'aws.ecs' }, nth: 2, deliver: [0, 60_000] });
    const delays = ['aws.ecr', 'aws.ecr', 'aws.ecs', 'aws.ecs', 'x'].map((source) => faults.event(event(source)).deliver);
    expect(delays).toEqual([[], [0], [0], [0, 60_000], [0]]);
    faults.addEvent({ deliver: [] });
    faults.clear();
    expect(faults.event(event('x')).deliver).toEqual([0]);
  });
});
