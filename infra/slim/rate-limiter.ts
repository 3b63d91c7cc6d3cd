/** Stands in Lambda bundles for the limiter of the SDK's adaptive retries, which nobody here asks for: the standard ones are paced by the throttles themselves. */
export class DefaultRateLimiter {
  /** @throws Error always: a client with `retryMode: 'adaptive'` should be bundled with the real one */
  constructor() {
    throw new Error('adaptive retries are left out of Lambda bundles; see infra/slim.ts');
  }
}
