/** The services of local AWS, by the name in their endpoint and in IAM. */
import type { ServiceFactory } from '../core/world.ts';
import { CloudWatch } from './cloudwatch.ts';
import { Codebuild } from './codebuild/index.ts';
import { DynamoDb } from './dynamodb/index.ts';
import { Ecr } from './ecr/index.ts';
import { Ecs } from './ecs/index.ts';
import { LoadBalancing } from './elasticloadbalancing/index.ts';
import { Events } from './events/index.ts';
import { Iam } from './iam.ts';
import { Lambda } from './lambda/index.ts';
import { Logs } from './logs.ts';
import { Scheduler } from './scheduler/index.ts';
import { Sns } from './sns.ts';
import { Sqs } from './sqs.ts';
import { Ssm } from './ssm.ts';
import { States } from './states/index.ts';
import { Sts } from './sts.ts';

export const factories: Readonly<Record<string, ServiceFactory>> = {
  cloudwatch: (site) => new CloudWatch(site),
  codebuild: (site) => new Codebuild(site),
  dynamodb: (site) => new DynamoDb(site),
  ecr: (site) => new Ecr(site),
  ecs: (site) => new Ecs(site),
  elasticloadbalancing: (site) => new LoadBalancing(site),
  events: (site) => new Events(site),
  iam: (site) => new Iam(site),
  lambda: (site) => new Lambda(site),
  logs: (site) => new Logs(site),
  scheduler: (site) => new Scheduler(site),
  sns: (site) => new Sns(site),
  sqs: (site) => new Sqs(site),
  ssm: (site) => new Ssm(site),
  states: (site) => new States(site),
  sts: (site) => new Sts(site),
};
