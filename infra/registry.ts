/** The stacks of the image repositories. They outlive everything else. */
import { type App, CfnDeletionPolicy, aws_ecr as ecr, Stack } from 'aws-cdk-lib';
import { pascal } from './names.ts';
import type { Place } from './place.ts';

/** A stack may have 500 resources; this leaves room for what the CDK adds. */
const REPOSITORIES_PER_STACK = 450;

/**
 * As text and not through the L2, which knows no archive rules to add later.
 * A tagged image is a release, and no rule of ECR knows which of them runs: neither their number nor their age says so,
 * and a pull of an index may not count as one of it. So none goes by itself. Untagged ones are what a push that broke off
 * left behind; manifests that an index names stay with it.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
const LIFECYCLE = JSON.stringify({
  rules: [
    {
      rulePriority: 1,
      description: 'untagged images go after 14 days',
      selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
      action: { type: 'expire' },
    },
  ],
});

/** `<Pipeline>Registry`, and further ones where there are very many repositories. */
export function registryStacks(app: App, place: Place): Stack[] {
  const repositories = Object.keys(place.pipeline.repositories);
  const stacks: Stack[] = [];
  for (let start = 0; start < repositories.length; start += REPOSITORIES_PER_STACK) {
    const suffix = stacks.length === 0 ? '' : String(stacks.length + 1);
    const stack = new Stack(app, `${pascal(place.name)}Registry${suffix}`, {
      env: { account: place.account, region: place.region },
      description: `Shiplock ${place.name}: image repositories`,
    });
    for (const name of repositories.slice(start, start + REPOSITORIES_PER_STACK)) repository(stack, name);
    stacks.push(stack);
  }
  return stacks;
}

function repository(stack: Stack, name: string): void {
  const resource = new ecr.CfnRepository(stack, `Repository${pascal(name)}`, {
    repositoryName: name,
    // What was approved under a tag must stay what it was.
    imageTagMutability: 'IMMUTABLE',
    imageScanningConfiguration: { scanOnPush: true },
    lifecyclePolicy: { lifecyclePolicyText: LIFECYCLE },
  });
  resource.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
  resource.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
}
