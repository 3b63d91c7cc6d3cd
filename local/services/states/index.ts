/** AWS Step Functions in one account and Region. */
import type { Operation, ResourceType, Service } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { StatesAccount } from './account.ts';
import { statesOperations } from './operations.ts';
import { statesResources } from './resources.ts';

declare module '../../core/site.ts' {
  interface Services {
    states: States;
  }
}

export class States extends StatesAccount implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;

  constructor(site: Site) {
    super(site);
    this.operations = statesOperations(this);
    this.resources = statesResources(this);
  }
}
