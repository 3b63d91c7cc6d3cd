/** Stands in Lambda bundles for the cache of DynamoDB's endpoint discovery, which is off unless asked for, and its LRU library. */

function refuse(): never {
  throw new Error('endpoint discovery is left out of Lambda bundles; see infra/slim.ts');
}

/** @throws Error when it is used, not before: every DynamoDB client makes one */
export class EndpointCache {
  readonly getEndpoint = refuse;
  readonly get = refuse;
  readonly set = refuse;
  readonly delete = refuse;
  readonly has = refuse;
  readonly clear = refuse;
}
