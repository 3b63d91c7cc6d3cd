/** Amazon EventBridge in one account and Region: buses, rules, targets. */
import type { ResourceType, Service } from '../../core/service.ts';
import { EventsAccount } from './account.ts';
import { eventsResources } from './resources.ts';

declare module '../../core/site.ts' {
  interface Services {
    events: Events;
  }
}

export class Events extends EventsAccount implements Service {
  readonly resources: Readonly<Record<string, ResourceType>> = eventsResources(this);
}
