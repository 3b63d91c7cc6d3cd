/** How ECS is told to bring a service to another revision: by rolling, by shifting traffic, or back to where it was. */
import { rolloutAlarms } from '../pipeline/names.ts';
import type { Environment, ServiceDefinition } from '../pipeline/pipeline.ts';
import type { Rolling, Shifting } from './strategy.ts';

/** What UpdateService is told of it. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html */
export interface Shift {
  readonly deploymentConfiguration: Readonly<Record<string, unknown>>;
  /** The pair of target groups with its rules; absent where ECS keeps what it knows. */
  readonly advancedConfiguration?: Readonly<Record<string, string>>;
}

/** What a service needs for traffic to shift between two target groups. */
export interface ShiftParts {
  readonly alternateTargetGroupArn: string;
  readonly productionRuleArn: string;
  readonly testRuleArn: string;
  readonly infrastructureRoleArn: string;
}

/** Nobody is asked: neither a pause nor an alarm of the strategy that a service may have had before. */
const UNASKED = { lifecycleHooks: [], alarms: { alarmNames: [], enable: false, rollback: false } };

const percentOf = (threshold: `${number}%`) => Number.parseInt(threshold, 10);

/** The threshold of ECS's circuit breaker. A share is of the tasks that are wanted then, clamped to 3 to 200 failures; a count is as it is. */
const thresholdOf = (threshold: Environment['failureThreshold']) =>
  typeof threshold === 'number' ? { type: 'COUNT', value: threshold } : { type: 'BOUNDED_PERCENT', value: percentOf(threshold) };

/** The same in failed tasks, for where ECS has no circuit breaker and we count: of as many tasks as are configured. */
export function failuresOf({ name, failureThreshold }: Environment, { count }: ServiceDefinition): number {
  if (typeof failureThreshold === 'number') return failureThreshold;
  return Math.min(200, Math.max(3, Math.ceil(((count[name] ?? 1) * percentOf(failureThreshold)) / 100)));
}

/**
 * Rolling, given up after so many failed tasks and rolled back by ECS itself; a task that gets healthy begins the count anew.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
export const rolling = ({ failureThreshold }: Environment, { earlySuccess }: Omit<Rolling, 'kind'>) => ({
  strategy: 'ROLLING',
  maximumPercent: 200,
  minimumHealthyPercent: 100,
  deploymentCircuitBreaker: { enable: true, rollback: true, thresholdConfiguration: thresholdOf(failureThreshold) },
  // ECS keeps what is not said.
  earlySuccessCriteria: earlySuccess ? { enable: true, healthyPercent: 100, sourceServiceRevisionCleanup: 'DEFERRED' } : { enable: false },
});

/** Rolling, of a service that has shifted traffic before: ECS keeps what is not taken back. */
export const rollingAgain = (environment: Environment, earlySuccess = false): Shift => ({
  deploymentConfiguration: { ...rolling(environment, { earlySuccess }), ...UNASKED },
});

/** All at once, neither tested nor baked: to a revision that succeeded before. ECS keeps the pair of target groups that it knows. */
export const WAY_BACK: Shift = { deploymentConfiguration: { strategy: 'BLUE_GREEN', bakeTimeInMinutes: 0, ...UNASKED } };

/** How a deployment that succeeded is taken back: as it came, whatever its environment's strategy says by now. */
export const wayBack = (environment: Environment, { pauses }: { readonly pauses?: boolean }): Shift =>
  pauses ? WAY_BACK : { deploymentConfiguration: rolling(environment, { earlySuccess: false }) };

/**
 * A second set of tasks; ECS pauses when the test listener leads to it, and goes back if nobody says to go on.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html
 */
export function renderShift(
  { pipeline, environment, service }: { pipeline: { name: string }; environment: { name: string }; service: { name: string } },
  strategy: Shifting,
  parts: ShiftParts,
): Shift {
  const { kind, bakeMinutes, percent, stepBakeMinutes, pauseMinutes } = strategy;
  return {
    deploymentConfiguration: {
      strategy: { 'blue-green': 'BLUE_GREEN', canary: 'CANARY', linear: 'LINEAR' }[kind],
      bakeTimeInMinutes: bakeMinutes,
      ...(kind === 'canary' ? { canaryConfiguration: { canaryPercent: percent, canaryBakeTimeInMinutes: stepBakeMinutes } } : {}),
      ...(kind === 'linear' ? { linearConfiguration: { stepPercent: percent, stepBakeTimeInMinutes: stepBakeMinutes } } : {}),
      lifecycleHooks: [
        {
          targetType: 'PAUSE',
          lifecycleStages: ['POST_TEST_TRAFFIC_SHIFT'],
          timeoutConfiguration: { timeoutInMinutes: pauseMinutes, action: 'ROLLBACK' },
        },
      ],
      alarms: { alarmNames: rolloutAlarms(pipeline.name, environment.name, service.name), enable: true, rollback: true },
    },
    advancedConfiguration: advanced(parts),
  };
}

/** A service whose traffic shifts, put back as it was before its environment slept: rolled, as nobody is there whose traffic could shift. */
export const restoring = (environment: Environment, parts: ShiftParts): Shift => ({
  ...rollingAgain(environment),
  advancedConfiguration: advanced(parts),
});

const advanced = (parts: ShiftParts) => ({
  alternateTargetGroupArn: parts.alternateTargetGroupArn,
  productionListenerRule: parts.productionRuleArn,
  testListenerRule: parts.testRuleArn,
  roleArn: parts.infrastructureRoleArn,
});

/** The same without a share for those who run before: steps of a canary or of linear need somebody who serves the rest. */
export function atOnce({ deploymentConfiguration, ...rest }: Shift): Shift {
  const { canaryConfiguration: _canary, linearConfiguration: _linear, ...all } = deploymentConfiguration;
  return { deploymentConfiguration: all.strategy === 'ROLLING' ? all : { ...all, strategy: 'BLUE_GREEN' }, ...rest };
}
