/** What traffic that shifts needs of an environment: the role in which ECS shifts it, and the alarms that bring it back. */
import { aws_cloudwatch as cloudwatch, type aws_elasticloadbalancingv2 as elb, type aws_iam as iam, type Stack } from 'aws-cdk-lib';
import * as names from '../domain/pipeline/names.ts';
import type { Environment } from '../domain/pipeline/pipeline.ts';
import { ALARMING } from '../domain/promotion/failure-reasons.ts';
import { pascal } from './names.ts';
import type { Network } from './network.ts';
import type { Place } from './place.ts';
import { role, serviceWithoutConditions } from './policy.ts';

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html, of one environment */
export function infrastructureRole(stack: Stack, place: Place, environment: string): iam.CfnRole {
  const name = names.environmentName(place.name, environment);
  return role(
    stack,
    'InfrastructureRole',
    names.infrastructureRole(place.name, environment),
    `ECS shifts the traffic of ${environment} with it`,
    // AWS documents this trust without conditions; one on `aws:SourceAccount` may keep ECS out.
    serviceWithoutConditions('ecs'),
    [
      {
        Sid: 'Describe',
        Action: [
          'elasticloadbalancing:DescribeListeners',
          'elasticloadbalancing:DescribeRules',
          'elasticloadbalancing:DescribeTargetGroups',
          'elasticloadbalancing:DescribeTargetHealth',
        ],
        Resource: '*',
      },
      {
        Sid: 'ShiftTraffic',
        Action: ['elasticloadbalancing:ModifyRule'],
        Resource: place.arn('elasticloadbalancing', `listener-rule/app/${name}/*`),
      },
      {
        Sid: 'MoveTargets',
        Action: ['elasticloadbalancing:RegisterTargets', 'elasticloadbalancing:DeregisterTargets'],
        Resource: place.arn('elasticloadbalancing', 'targetgroup/*'),
        // CloudFormation names target groups: what says whose they are is their tags.
        Condition: {
          StringEquals: { 'aws:ResourceTag/shiplock:pipeline': place.name, 'aws:ResourceTag/shiplock:environment': environment },
        },
      },
    ],
  );
}

/** Alarms of one service: both target groups take turns, so both are watched. */
export function rolloutOf(
  stack: Stack,
  place: Place,
  environment: Environment,
  service: string,
  { loadBalancer }: Network,
  groups: readonly elb.CfnTargetGroup[],
): void {
  const alarmNames = names.rolloutAlarms(place.name, environment.name, service);
  groups.forEach((group, index) => {
    const dimensions = [
      { name: 'LoadBalancer', value: loadBalancer.attrLoadBalancerFullName },
      { name: 'TargetGroup', value: group.attrTargetGroupFullName },
    ];
    const common = { namespace: 'AWS/ApplicationELB', dimensions, period: 60, treatMissingData: 'notBreaching' };
    const [errors, unhealthy] = alarmNames.slice(index * 2);
    const id = `${pascal(service)}${index === 0 ? 'A' : 'B'}`;
    new cloudwatch.CfnAlarm(stack, `Errors${id}`, {
      ...common,
      alarmName: errors,
      alarmDescription: `${service} in ${environment.name} answers 5xx: a deployment is rolled back`,
      metricName: 'HTTPCode_Target_5XX_Count',
      statistic: 'Sum',
      comparisonOperator: 'GreaterThanOrEqualToThreshold',
      threshold: ALARMING.errors,
      evaluationPeriods: 1,
    });
    new cloudwatch.CfnAlarm(stack, `Unhealthy${id}`, {
      ...common,
      alarmName: unhealthy,
      alarmDescription: `${service} in ${environment.name} has targets that stay unhealthy: a deployment is rolled back`,
      metricName: 'UnHealthyHostCount',
      statistic: 'Maximum',
      comparisonOperator: 'GreaterThanOrEqualToThreshold',
      threshold: 1,
      evaluationPeriods: ALARMING.unhealthyMinutes,
    });
  });
}
