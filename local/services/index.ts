/** The services of local AWS, by the name in their endpoint and in IAM. */
import type { ServiceFactory } from '../core/world.ts';
import { DynamoDb } from './dynamodb/index.ts';
import { Ecr } from './ecr/index.ts';
import { Events } from './events/index.ts';
import { Iam } from './iam.ts';
import { Lambda } from './lambda/index.ts';
import { Scheduler } from './scheduler/index.ts';
import { Sqs } from './sqs.ts';
import { Sts } from './sts.ts';

export const factories: Readonly<Record<string, ServiceFactory>> = {
  dynamodb: (site) => new DynamoDb(site),
  ecr: (site) => new Ecr(site),
  events: (site) => new Events(site),
  iam: (site) => new Iam(site),
  lambda: (site) => new Lambda(site),
  scheduler: (site) => new Scheduler(site),
  sqs: (site) => new Sqs(site),
  sts: (site) => new Sts(site),
};
