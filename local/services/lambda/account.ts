/** What Lambda keeps in one account and Region: functions, and whatever invokes them. */
import type { Site } from '../../core/site.ts';
import type { LambdaFunction } from './function.ts';
import { LambdaFunctions } from './functions.ts';
import { EventSourceMappings } from './mapping.ts';
import { FunctionUrls } from './url.ts';

export class LambdaAccount extends LambdaFunctions {
  readonly urls: FunctionUrls;
  readonly mappings: EventSourceMappings;

  constructor(site: Site) {
    super(site);
    this.urls = new FunctionUrls(this);
    this.mappings = new EventSourceMappings(this);
  }

  delete(owner: LambdaFunction): void {
    for (const qualifier of [...owner.urls.keys()]) this.urls.delete(owner, qualifier);
    this.invocations.forget(owner);
    this.functions.delete(owner.name);
  }
}
