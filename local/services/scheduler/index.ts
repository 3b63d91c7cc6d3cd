/** Amazon EventBridge Scheduler in one account and Region. */
import type { ResourceType, Service } from '../../core/service.ts';
import { SchedulerAccount } from './account.ts';
import { schedulerResources } from './resources.ts';

declare module '../../core/site.ts' {
  interface Services {
    scheduler: Scheduler;
  }
}

export class Scheduler extends SchedulerAccount implements Service {
  readonly resources: Readonly<Record<string, ResourceType>> = schedulerResources(this);
}
