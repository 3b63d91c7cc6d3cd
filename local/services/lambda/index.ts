/** AWS Lambda in one account and Region. */
import type { Operation, ResourceType, Service } from '../../core/service.ts';
import { LambdaAccount } from './account.ts';
import { lambdaOperations } from './operations.ts';
import { lambdaResources } from './resources.ts';

declare module '../../core/site.ts' {
  interface Services {
    lambda: Lambda;
  }
}

export class Lambda extends LambdaAccount implements Service {
  readonly operations: Readonly<Record<string, Operation>> = lambdaOperations(this);
  readonly resources: Readonly<Record<string, ResourceType>> = lambdaResources(this);

  resume(): void {
    this.mappings.resume();
  }
}
