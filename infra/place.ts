/** A pipeline at its site: the ARNs of everything, made from names, so that stacks need not refer to each other. */
import * as names from '../domain/pipeline/names.ts';
import type { Environment, Pipeline, ServiceDefinition } from '../domain/pipeline/pipeline.ts';
import { undeliveredQueue, unhandledQueue } from './names.ts';

export class Place {
  readonly pipeline: Pipeline;
  readonly name: string;
  readonly account: string;
  readonly region: string;

  /** @throws Error for a pipeline with several sites */
  constructor(pipeline: Pipeline) {
    const sites = Object.entries(pipeline.sites);
    const [site] = sites;
    if (site === undefined || sites.length > 1)
      throw new Error(
        `sites: ${sites.map(([name]) => name).join(', ') || 'none'}: a pipeline has one site so far. Make one pipeline for each site`,
      );
    this.pipeline = pipeline;
    this.name = pipeline.name;
    this.account = site[1].account;
    this.region = site[1].region;
  }

  get environments(): readonly Environment[] {
    return Object.values(this.pipeline.environments);
  }

  get services(): readonly ServiceDefinition[] {
    return Object.values(this.pipeline.services);
  }

  arn(service: string, resource: string): string {
    return `arn:aws:${service}:${this.region}:${this.account}:${resource}`;
  }

  roleArn(name: string): string {
    return `arn:aws:iam::${this.account}:role/${name}`;
  }

  functionArn(file: string): string {
    return this.arn('lambda', `function:${names.functionName(this.name, file)}`);
  }

  machineArn(workflow: names.Workflow): string {
    return this.arn('states', `stateMachine:${names.stateMachineName(this.name, workflow)}`);
  }

  /** Every execution of a workflow. */
  executionsArn(workflow: names.Workflow): string {
    return this.arn('states', `execution:${names.stateMachineName(this.name, workflow)}:*`);
  }

  get ledgerArn(): string {
    return this.arn('dynamodb', `table/${names.ledgerTable(this.name)}`);
  }

  get journalArn(): string {
    return this.arn('dynamodb', `table/${names.journalTable(this.name)}`);
  }

  get noticesArn(): string {
    return this.arn('sns', names.noticesTopic(this.name));
  }

  get undeliveredArn(): string {
    return this.arn('sqs', undeliveredQueue(this.name));
  }

  get unhandledArn(): string {
    return this.arn('sqs', unhandledQueue(this.name));
  }

  /**
   * The ARNs of the repositories, for policies: each by itself, or all of a path where they are too many for a role's
   * 10,240 characters. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
   */
  get repositoryArns(): string[] {
    const repositories = Object.keys(this.pipeline.repositories);
    const each = repositories.map((name) => this.arn('ecr', `repository/${name}`));
    if (each.join().length <= 2_000) return each;
    const paths = new Set(repositories.map((name) => (name.includes('/') ? `${name.slice(0, name.indexOf('/'))}/*` : '*')));
    return paths.has('*') ? [this.arn('ecr', 'repository/*')] : [...paths].map((path) => this.arn('ecr', `repository/${path}`));
  }

  /** Whether CDK owns the cluster: the pipeline makes and deletes that of an environment which is torn down whole. */
  hasOwnCluster({ onDemand }: Environment): boolean {
    return onDemand?.depth !== 'cluster';
  }
}
