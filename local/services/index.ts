/** The services of local AWS, by the name in their endpoint and in IAM. */
import type { ServiceFactory } from '../core/world.ts';
import { Iam } from './iam.ts';
import { Sts } from './sts.ts';

export const factories: Readonly<Record<string, ServiceFactory>> = {
  iam: (site) => new Iam(site),
  sts: (site) => new Sts(site),
};
