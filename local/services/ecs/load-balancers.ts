/** The load balancers of a service, as CreateService and UpdateService check them. */
import type { DeploymentConfiguration, LoadBalancer } from '@aws-sdk/client-ecs';
import { ServiceError } from '../../core/service.ts';
import type { EcsAccount } from './account.ts';
import { invalid, notImplemented } from './names.ts';
import { shiftsTraffic } from './strategy.ts';
import { loadBalancing } from './targets.ts';
import type { Definition } from './task-definitions.ts';

/** A target group that a service may use. @throws ServiceError InvalidParameterException */
function assertTargetGroup(ecs: EcsAccount, targetGroupArn: string): void {
  let balancers: readonly string[];
  try {
    balancers = loadBalancing(ecs.site).targetGroup(targetGroupArn).loadBalancerArns;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw invalid(`The target group with targetGroupArn ${targetGroupArn} does not exist.`);
  }
  if (balancers.length === 0)
    throw invalid(`The target group with targetGroupArn ${targetGroupArn} does not have an associated load balancer.`);
}

/** In AWS's words: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html */
function assertAdvanced(ecs: EcsAccount, loadBalancers: readonly LoadBalancer[], configuration: DeploymentConfiguration): void {
  const advanced = loadBalancers.filter((one) => one.advancedConfiguration !== undefined);
  if (shiftsTraffic(configuration) && advanced.length < loadBalancers.length)
    throw invalid('advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy');
  if (advanced.length > 0 && advanced.length < loadBalancers.length)
    throw invalid('Either all or none of the provided loadBalancers must have advancedConfiguration defined');
  if (loadBalancers.length === 0 && ['CANARY', 'LINEAR'].includes(configuration.strategy ?? ''))
    throw invalid(`The ${configuration.strategy} deployment strategy needs a service with load balancers.`);
  const groups = advanced.flatMap(({ targetGroupArn, advancedConfiguration }) => [
    targetGroupArn,
    advancedConfiguration!.alternateTargetGroupArn,
  ]);
  const double = groups.find((arn, index) => groups.indexOf(arn) !== index);
  if (double !== undefined) throw invalid(`Duplicate targetGroupArn found: ${double}`);
  for (const one of advanced) assertRules(ecs, one);
}

function assertRules(ecs: EcsAccount, { targetGroupArn = '', advancedConfiguration }: LoadBalancer): void {
  const { alternateTargetGroupArn, productionListenerRule, testListenerRule, roleArn } = advancedConfiguration!;
  if (!alternateTargetGroupArn || !productionListenerRule || !roleArn)
    throw invalid('advancedConfiguration must have alternateTargetGroupArn, productionListenerRule and roleArn.');
  for (const [name, arn] of Object.entries({ productionListenerRule, testListenerRule }))
    if (arn !== undefined && !arn.includes(':listener-rule/app/'))
      throw invalid(`${name} has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: ${arn}`);
  if (productionListenerRule === testListenerRule)
    throw invalid(`The following rules cannot be used as both production and test listener rules: ${productionListenerRule}`);
  assertTargetGroup(ecs, targetGroupArn);
  let led: readonly string[];
  try {
    loadBalancing(ecs.site).targetGroup(alternateTargetGroupArn);
    led = loadBalancing(ecs.site).groupsOfRule(productionListenerRule);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw invalid(error.message);
  }
  if (testListenerRule === undefined && !(led.includes(targetGroupArn) && led.includes(alternateTargetGroupArn)))
    throw invalid(
      'For Application LoadBalancer, testListenerRule is required when productionListenerRule is not associated with both targetGroup and alternateTargetGroup',
    );
}

/** @throws ServiceError InvalidParameterException */
export function assertLoadBalancers(
  ecs: EcsAccount,
  loadBalancers: readonly LoadBalancer[],
  { value }: Definition,
  configuration: DeploymentConfiguration,
): void {
  for (const { targetGroupArn, loadBalancerName, containerName, containerPort, advancedConfiguration } of loadBalancers) {
    if (loadBalancerName && advancedConfiguration) throw invalid('advancedConfiguration field is not allowed with ELBv1 loadBalancers');
    if (loadBalancerName) throw notImplemented('ecs services behind a Classic Load Balancer');
    if (!targetGroupArn) throw invalid('targetGroupArn must be specified.');
    const container = value.containerDefinitions?.find(({ name }) => name === containerName);
    if (container === undefined) throw invalid(`The container ${containerName} does not exist in the task definition.`);
    if (!container.portMappings?.some((port) => port.containerPort === containerPort))
      throw invalid(`The container ${containerName} did not have a container port ${containerPort} defined.`);
    if (advancedConfiguration === undefined) assertTargetGroup(ecs, targetGroupArn);
  }
  assertAdvanced(ecs, loadBalancers, configuration);
}
