/** The Lambdas: one for each file of functions/, with a role, a log and a version of its own. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, aws_iam as iam, aws_lambda as lambda, aws_logs as logs, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import * as names from '../domain/pipeline/names.ts';
import { pascal } from './names.ts';
import { statementsFor } from './permissions.ts';
import type { Place } from './place.ts';
import { role } from './policy.ts';

/** A step as workflows call it and events wake it. */
export interface StepFunction {
  /** The file's name, such as `take-turn`. */
  readonly file: string;
  readonly function: lambda.Function;
  /**
   * What is published of it now: code, configuration and pipeline together. Workflows call this ARN, so that an open
   * execution ends with what it began with. See docs/decisions/0001-versions.md.
   */
  readonly versionArn: string;
}

/** Those that call many services, or wait for a web server: a minute. No writer may live longer. */
const LONG = [
  'register-task-definitions',
  'migrate-databases',
  'on-migration-ended',
  'deploy-services',
  'run-checks',
  'roll-back',
  'shift-traffic',
  'wake-environment',
  'teardown-environment',
  'on-execution-ended',
  'sweep',
];

/** Environment variables beyond those that all functions get. */
const MACHINES: Readonly<Record<string, readonly names.Workflow[]>> = {
  'on-image-push': ['release'],
  'take-turn': ['wake'],
  'teardown-environment': ['wake'],
  decide: ['release', 'promotion', 'wake', 'teardown'],
  sweep: ['release', 'wake', 'teardown'],
};

/** @param folders of the bundles, by function */
export function stepFunctions(stack: Stack, place: Place, folders: Readonly<Record<string, string>>): Map<string, StepFunction> {
  return new Map(Object.entries(folders).map(([file, folder]) => [file, stepFunction(stack, place, file, folder)]));
}

function stepFunction(stack: Stack, place: Place, file: string, folder: string): StepFunction {
  const name = names.functionName(place.name, file);
  const id = pascal(file);
  const group = new logs.LogGroup(stack, `${id}Log`, {
    logGroupName: `/aws/lambda/${name}`,
    retention: logs.RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const trust = { Principal: { Service: 'lambda.amazonaws.com' } };
  const ownRole = role(stack, `${id}Role`, name, `What functions/${file}.ts may do`, trust, statementsFor(place, file));
  const fn = new lambda.Function(stack, id, {
    functionName: name,
    description: `Shiplock ${place.name}: ${file}`,
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    handler: 'index.handler',
    // Without a hash of ours the CDK would remember its own in the home of whoever synthesises.
    code: lambda.Code.fromAsset(folder, { assetHash: contentHash(folder) }),
    memorySize: 256,
    timeout: Duration.seconds(LONG.includes(file) ? 60 : 30),
    role: iam.Role.fromRoleArn(stack, `${id}RoleArn`, ownRole.attrArn, { mutable: false }),
    logGroup: group,
    environment: variables(place, file),
    currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
  });
  return { file, function: fn, versionArn: fn.currentVersion.functionArn };
}

function variables(place: Place, file: string): Record<string, string> {
  return {
    SHIPLOCK_PIPELINE: place.name,
    POWERTOOLS_SERVICE_NAME: place.name,
    POWERTOOLS_METRICS_NAMESPACE: 'Shiplock',
    ...(file === 'notify' ? { NOTICES_TOPIC_ARN: place.noticesArn } : {}),
    LEDGER_TABLE: names.ledgerTable(place.name),
    ...(file === 'notify' || file === 'post-notice' ? {} : { JOURNAL_TABLE: names.journalTable(place.name) }),
    ...Object.fromEntries((MACHINES[file] ?? []).map((workflow) => [`${workflow.toUpperCase()}_MACHINE_ARN`, place.machineArn(workflow)])),
  };
}

/** Of the files of a function's folder, which has no others below. */
function contentHash(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort())
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(folder, name)))
      .update('\0');
  return hash.digest('hex');
}
