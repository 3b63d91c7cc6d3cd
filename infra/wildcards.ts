/** The wildcards in our policies, by what they stand for. One that is not here is a finding of cdk-nag. */
import { type CfnResource, Validations } from 'aws-cdk-lib';

interface Wildcard {
  /** What the resource of a statement looks like. */
  readonly resource: RegExp;
  readonly reason: string;
}

export const wildcards: readonly Wildcard[] = [
  {
    resource: /^\*$/,
    reason: 'These actions know no resource. test/infra/permissions.test.ts holds them against the service authorization reference.',
  },
  {
    resource: /:log-group:\/[\w/-]+[:/]\*$/,
    reason: 'Log streams get their names when something is written, log groups of one environment share its path.',
  },
  { resource: /:function:[\w-]+:\*$/, reason: 'Any version of one function: an open execution goes on with the one it began with.' },
  { resource: /:execution:[\w-]+:\*$/, reason: 'Executions of one state machine get their names when they start.' },
  {
    resource: /:(service|service-deployment|service-revision|task|container-instance)\/[\w-]+\/\*$/,
    reason: 'What there is in one cluster: the pipeline makes it, and one cluster is one environment.',
  },
  { resource: /:task-definition\/[\w*-]+:\*$/, reason: 'Revisions of one family are numbered by ECS.' },
  { resource: /:listener(-rule)?\/app\/[\w-]+\/\*$/, reason: 'Listener and rules of one load balancer: their ids are made by AWS.' },
  {
    resource: /:targetgroup\/\*$/,
    reason: 'CloudFormation names target groups; a condition on their tag leaves those of one environment.',
  },
  { resource: /:parameter\/shiplock\/[\w-]+\/\*$/, reason: 'The parameters of one pipeline.' },
  { resource: /:table\/[\w-]+\/stream\/\*$/, reason: 'The stream of one table is named by the time of its making.' },
  { resource: /:repository\/([\w-]+\/)?\*$/, reason: 'Where the repositories are too many to be named in a policy: all of their path.' },
];

/** Tells cdk-nag the reason of every wildcard that has one among the resources which a role's policy names. */
export function acknowledgeWildcards(role: CfnResource, resources: readonly string[]): void {
  for (const resource of new Set(resources)) {
    const known = wildcards.find((wildcard) => wildcard.resource.test(resource));
    if (known) Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason: known.reason });
  }
}
