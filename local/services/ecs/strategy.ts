/** What a deployment configuration may say for each strategy, as CreateService and UpdateService check it. */
import type { DeploymentConfiguration, DeploymentLifecycleHook } from '@aws-sdk/client-ecs';
import { passRole } from '../../core/iam/authorize.ts';
import type { Permission } from '../../core/service.ts';
import { invalid, notImplemented } from './names.ts';

/** The service that deploys, as infrastructure roles and roles of Lambda hooks trust it. */
export const ECS = 'ecs.amazonaws.com';

/** A day, in minutes. */
const DAY = 1440;
/** "1 - 20,160 (14 days)". https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html */
const FORTNIGHT = 14 * DAY;
const MAX_HOOKS_OF_A_TYPE = 10;

/** Does ECS shift traffic from one set of tasks to another, instead of replacing tasks one by one? */
export const shiftsTraffic = ({ strategy = 'ROLLING' }: DeploymentConfiguration): boolean => strategy !== 'ROLLING';

export const typeOf = ({ targetType = 'AWS_LAMBDA' }: DeploymentLifecycleHook): 'AWS_LAMBDA' | 'PAUSE' => targetType;

/** @returns minutes. @default 1440 */
export const timeoutOf = ({ timeoutConfiguration }: DeploymentLifecycleHook): number => timeoutConfiguration?.timeoutInMinutes ?? DAY;

/** A percentage with at most one decimal. */
function assertPercent(name: string, value: number | undefined, least: number): void {
  if (value === undefined) return;
  if (value < least || value > 100 || Math.abs(value * 10 - Math.round(value * 10)) > 1e-9)
    throw invalid(`${name} must be a multiple of 0.1 from ${least.toFixed(1)} to 100.0.`);
}

function assertMinutes(name: string, value: number | undefined, least: number, most: number): void {
  if (value !== undefined && (!Number.isInteger(value) || value < least || value > most))
    throw invalid(`${name} must be from ${least} to ${most} minutes.`);
}

function assertHook(hook: DeploymentLifecycleHook): void {
  const { lifecycleStages: stages = [], hookTargetArn, roleArn } = hook;
  if (stages.length === 0) throw invalid('lifecycleStages must be specified for a lifecycle hook.');
  if (typeOf(hook) === 'PAUSE') {
    if (stages.some((stage) => stage === 'TEST_TRAFFIC_SHIFT' || stage === 'PRODUCTION_TRAFFIC_SHIFT'))
      throw invalid('Invalid lifecycle stage provided for Pause Hook');
    if (hookTargetArn !== undefined || roleArn !== undefined) throw invalid('Pause hooks do not use hookTargetArn or roleArn.');
    assertMinutes('timeoutInMinutes of a pause hook', hook.timeoutConfiguration?.timeoutInMinutes, 1, FORTNIGHT);
    return;
  }
  if (!hookTargetArn?.startsWith('arn:') || !hookTargetArn.includes(':lambda:'))
    throw invalid('hookTargetArn of a Lambda hook must be the ARN of a Lambda function.');
  if (!roleArn) throw invalid('roleArn must be specified for a Lambda hook.');
  assertMinutes('timeoutInMinutes of a Lambda hook', hook.timeoutConfiguration?.timeoutInMinutes, 1, DAY);
}

function assertHooks(hooks: readonly DeploymentLifecycleHook[]): void {
  for (const hook of hooks) assertHook(hook);
  for (const type of ['PAUSE', 'AWS_LAMBDA'] as const)
    if (hooks.filter((hook) => typeOf(hook) === type).length > MAX_HOOKS_OF_A_TYPE)
      throw invalid(`A service can have at most ${MAX_HOOKS_OF_A_TYPE} lifecycle hooks of the type ${type}.`);
}

/** What only rolling deployments do, and what they do not. */
function assertRolling(given: DeploymentConfiguration, leastHealthy: number): void {
  const { enable, healthyPercent, sourceServiceRevisionCleanup } = given.earlySuccessCriteria ?? {};
  if (enable) {
    if (healthyPercent === undefined || sourceServiceRevisionCleanup === undefined)
      throw invalid('healthyPercent and sourceServiceRevisionCleanup must be specified when earlySuccessCriteria is enabled.');
    if (!Number.isInteger(healthyPercent) || healthyPercent < 0 || healthyPercent > 100 || healthyPercent < leastHealthy)
      throw invalid('healthyPercent must be an integer from 0 to 100 that is not less than minimumHealthyPercent.');
  }
  if (given.lifecycleHooks?.length) throw notImplemented('ecs lifecycle hooks with the strategy ROLLING');
  if (given.bakeTimeInMinutes) throw notImplemented('ecs bakeTimeInMinutes with the strategy ROLLING');
}

function assertShifting(given: DeploymentConfiguration, before: DeploymentConfiguration): void {
  const { strategy = before.strategy, bakeTimeInMinutes, canaryConfiguration: canary, linearConfiguration: linear } = given;
  if (given.deploymentCircuitBreaker?.enable)
    throw invalid('The deployment circuit breaker can only be used with the ROLLING deployment strategy.');
  if (given.earlySuccessCriteria?.enable) throw invalid('Early success criteria can only be used with the ROLLING deployment strategy.');
  if (strategy === 'BLUE_GREEN' && before.strategy !== 'BLUE_GREEN' && bakeTimeInMinutes === undefined)
    throw invalid('bakeTimeInMinutes must be specified for the BLUE_GREEN deployment strategy.');
  assertMinutes('bakeTimeInMinutes', bakeTimeInMinutes, 0, DAY);
  assertPercent('canaryPercent', canary?.canaryPercent, 0.1);
  assertMinutes('canaryBakeTimeInMinutes', canary?.canaryBakeTimeInMinutes, 0, DAY);
  assertPercent('stepPercent', linear?.stepPercent, 3);
  assertMinutes('stepBakeTimeInMinutes', linear?.stepBakeTimeInMinutes, 0, DAY);
  assertHooks(given.lifecycleHooks ?? []);
}

/**
 * What was not given keeps its value; a service begins with AWS's defaults.
 * @throws ServiceError InvalidParameterException
 */
export function configurationOf(given: DeploymentConfiguration = {}, before: DeploymentConfiguration = {}): DeploymentConfiguration {
  const strategy = given.strategy ?? before.strategy ?? 'ROLLING';
  const { maximumPercent: most = 200, minimumHealthyPercent: least = 100 } = { ...before, ...given };
  if (least > most) throw invalid('The minimumHealthyPercent must not be greater than the maximumPercent.');
  if (least >= 100 && most <= 100)
    throw invalid('Specifying values for minimumHealthyPercent and maximumPercent that leave no room for a deployment is not allowed.');
  const { thresholdConfiguration: threshold } = given.deploymentCircuitBreaker ?? {};
  if (threshold && (threshold.value ?? 0) < 1) throw invalid('The value of thresholdConfiguration must be at least 1.');
  if (given.canaryConfiguration && strategy !== 'CANARY')
    throw invalid('canaryConfiguration is only valid with the CANARY deployment strategy.');
  if (given.linearConfiguration && strategy !== 'LINEAR')
    throw invalid('linearConfiguration is only valid with the LINEAR deployment strategy.');
  if (strategy === 'ROLLING') assertRolling(given, least);
  else assertShifting(given, before);
  const kept = { maximumPercent: 200, minimumHealthyPercent: 100, ...before, ...given, strategy };
  const { canaryConfiguration, linearConfiguration, lifecycleHooks, earlySuccessCriteria, ...common } = kept;
  if (strategy === 'ROLLING')
    return {
      ...common,
      bakeTimeInMinutes: 0,
      deploymentCircuitBreaker: kept.deploymentCircuitBreaker ?? { enable: false, rollback: false },
      ...(earlySuccessCriteria ? { earlySuccessCriteria } : {}),
    };
  return {
    ...common,
    bakeTimeInMinutes: kept.bakeTimeInMinutes ?? 0,
    deploymentCircuitBreaker: { enable: false, rollback: false },
    ...(lifecycleHooks ? { lifecycleHooks } : {}),
    ...(strategy === 'CANARY' ? { canaryConfiguration: { canaryPercent: 5, canaryBakeTimeInMinutes: 10, ...canaryConfiguration } } : {}),
    ...(strategy === 'LINEAR' ? { linearConfiguration: { stepPercent: 10, stepBakeTimeInMinutes: 6, ...linearConfiguration } } : {}),
  };
}

/**
 * Failed tasks that trip the circuit breaker. Without a threshold of its own: half of the desired tasks, at least 3, at most 200.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
export function thresholdOf({ deploymentCircuitBreaker }: DeploymentConfiguration, desiredCount: number): number | undefined {
  if (!deploymentCircuitBreaker?.enable) return undefined;
  const { type, value = 50 } = deploymentCircuitBreaker.thresholdConfiguration ?? {};
  const percent = Math.ceil((desiredCount * value) / 100);
  if (type === 'COUNT') return value;
  if (type === 'UNBOUNDED_PERCENT') return Math.max(1, percent);
  return Math.min(200, Math.max(3, percent));
}

/** The percentages of production traffic that the new revision has after each step; the last is 100. */
export function stepsOf({ strategy, canaryConfiguration, linearConfiguration }: DeploymentConfiguration): readonly number[] {
  const first =
    strategy === 'CANARY'
      ? canaryConfiguration!.canaryPercent!
      : strategy === 'LINEAR'
        ? linearConfiguration!.stepPercent!
        : /* all at once */ 100;
  if (strategy === 'CANARY') return first < 100 ? [first, 100] : [100];
  const steps: number[] = [];
  // Tenths are counted, so that ten times 10.1 is not a little more than 101.
  for (let tenths = Math.round(first * 10); tenths < 1000; tenths += Math.round(first * 10)) steps.push(tenths / 10);
  return [...steps, 100];
}

/** Minutes between two steps. */
export const stepBakeOf = ({ strategy, canaryConfiguration, linearConfiguration }: DeploymentConfiguration): number =>
  (strategy === 'CANARY' ? canaryConfiguration?.canaryBakeTimeInMinutes : linearConfiguration?.stepBakeTimeInMinutes) ?? 0;

/** Whoever hands roles to ECS, for its hooks and its load balancers, must be allowed to. */
export const rolesPassed = (
  configuration: DeploymentConfiguration | undefined,
  loadBalancers: readonly { readonly advancedConfiguration?: { readonly roleArn?: string | undefined } | undefined }[] = [],
): readonly Permission[] => {
  const roles = [
    ...(configuration?.lifecycleHooks ?? []).map(({ roleArn }) => roleArn),
    ...loadBalancers.map(({ advancedConfiguration }) => advancedConfiguration?.roleArn),
  ];
  return [...new Set(roles)].filter((roleArn) => roleArn !== undefined).map((roleArn) => passRole(roleArn, ECS));
};
