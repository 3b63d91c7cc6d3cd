/** Roles and their policies as plain values. */
import { aws_iam as iam } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { acknowledgeWildcards } from './wildcards.ts';

/** A statement that allows something. */
export interface Statement {
  readonly Sid?: string;
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Who may take a role on. */
export interface Trust {
  readonly Principal: Readonly<Record<string, string>>;
  readonly Condition?: Statement['Condition'];
}

/** An AWS service that takes a role on for this account's resources only. https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html */
export const serviceOf = (service: string, account: string): Trust => ({
  Principal: { Service: `${service}.amazonaws.com` },
  Condition: { StringEquals: { 'aws:SourceAccount': account } },
});

/** An AWS service that takes a role on, where AWS documents no condition keys that it brings. */
export const serviceWithoutConditions = (service: string): Trust => ({ Principal: { Service: `${service}.amazonaws.com` } });

/** All policies of a role together may have 10,240 characters, white space aside. */
const POLICY_LIMIT = 10_240;

/** @throws Error if the policy is larger than IAM takes; whatever holds a token is counted as it is written here */
export function role(
  scope: Construct,
  id: string,
  name: string,
  description: string,
  trust: Trust,
  statements: readonly Statement[],
): iam.CfnRole {
  const length = JSON.stringify(statements).length;
  if (length > POLICY_LIMIT)
    throw new Error(`role ${name}: its policy has ${length} characters, IAM takes ${POLICY_LIMIT}. Use prefixes instead of lists`);
  const resource = new iam.CfnRole(scope, id, {
    roleName: name,
    description,
    assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', ...trust }] },
    policies: statements.length === 0 ? [] : [{ policyName: 'allows', policyDocument: document(statements) }],
  });
  acknowledgeWildcards(
    resource,
    statements.flatMap(({ Resource }) => Resource),
  );
  return resource;
}

export const document = (statements: readonly Statement[]) => ({
  Version: '2012-10-17',
  Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
});
