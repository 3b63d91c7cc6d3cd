import { describe, expect, it } from 'vitest';
import { failedBuild, failedService, rolledBackBy } from '../../../domain/promotion/failure-reasons.ts';

describe('why a build failed', () => {
  const failed = {
    project: 'acme-test-system-tests',
    phase: 'BUILD',
    message: 'Error while executing command: curl. Reason: exit status 1',
  };
  const noted = [
    '[Container] 2026/11/21 04:00:00 Command did not exit successfully if curl x; then',
    '  exit 1',
    'fi exit status 1',
    '[Container] 2026/11/21 04:00:00 Phase complete: BUILD State: FAILED',
  ];

  it('says what its command said last, not what CodeBuild notes of it', () =>
    expect(failedBuild({ ...failed, lines: ['GET /health', '500 instead of 200', ...noted] })).toBe(
      'the build acme-test-system-tests failed in BUILD: “500 instead of 200”',
    ));

  it('falls back on what CodeBuild says of the phase, and on nothing', () => {
    expect(failedBuild({ ...failed, lines: noted })).toContain('failed in BUILD: Error while executing command');
    expect(failedBuild({ project: 'x', lines: [] })).toBe('the build x failed');
  });
});

describe('why a service failed', () => {
  const crashed = {
    service: 'orders-web',
    reason: 'ECS deployment circuit breaker: tasks failed to start.',
    task: {
      stoppedReason: 'Essential container in task exited',
      containers: [
        { name: 'statsd', exitCode: 0 },
        { name: 'web', exitCode: 1 },
      ],
    },
    lastLine: 'Error: no such table',
  };

  it('names the container that failed, not its innocent neighbour, its code and its last line', () =>
    expect(failedService(crashed)).toBe('orders-web: container web ended with exit code 1; last line: “Error: no such table”'));

  it('explains the codes of signals', () => {
    const code = (exitCode: number) => failedService({ ...crashed, task: { ...crashed.task, containers: [{ name: 'web', exitCode }] } });
    expect(code(137)).toContain('exit code 137 (killed, often for want of memory)');
    expect(code(127)).toContain('exit code 127 (its command was not found)');
  });

  it('tells why a container never ran', () =>
    expect(
      failedService({
        ...crashed,
        lastLine: undefined as never,
        task: { stoppedReason: 'Task failed to start', containers: [{ name: 'web', reason: 'CannotPullContainerError: not found' }] },
      }),
    ).toBe('orders-web: container web: CannotPullContainerError: not found'));

  it('falls back on what ECS says of the task, then of the deployment', () => {
    expect(failedService({ ...crashed, task: { stoppedReason: 'Task failed ELB health checks', containers: [] }, lastLine: '' })).toBe(
      'orders-web: Task failed ELB health checks',
    );
    expect(failedService({ service: 'orders-web', reason: 'it did not end in 30 minutes' })).toBe(
      'orders-web: it did not end in 30 minutes',
    );
  });

  it('tells the health check for which ECS stopped it, not the code with which the container took that', () => {
    const task = {
      stopCode: 'ServiceSchedulerInitiated',
      stoppedReason: 'Task failed ELB health checks',
      containers: [{ name: 'web', exitCode: 137 }],
    };
    expect(failedService({ ...crashed, task, lastLine: '' })).toBe('orders-web: Task failed ELB health checks');
  });

  it('does not repeat a whole novel', () => expect(failedService({ ...crashed, lastLine: 'x'.repeat(9_000) }).length).toBeLessThan(400));
});

describe('why ECS went back by itself', () => {
  it('names the alarm, when it goes off, and what to look at', () =>
    expect(rolledBackBy(['acme-live-orders-web-errors-b'], 'orders-web', 'live')).toBe(
      'orders-web: ECS went back, as the alarm acme-live-orders-web-errors-b (5 answers of 5xx or more in a minute) went off; see what its tasks said: shiplock logs orders-web live',
    ));

  it('names each alarm, and those that somebody else has added as they are', () =>
    expect(rolledBackBy(['acme-live-orders-web-unhealthy-a', 'slow-database'], 'orders-web', 'live')).toContain(
      'the alarms acme-live-orders-web-unhealthy-a (targets that failed their health check for 5 minutes) and slow-database went off',
    ));
});
