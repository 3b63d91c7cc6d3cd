/** Finds the Lambda environment whose promise was rejected without anybody to catch it, and ends that one instead of the process. */

const owners = new WeakMap<object, (reason: unknown) => void>();
let watching = false;

function rejected(reason: unknown, promise: Promise<unknown>): void {
  const owner = owners.get(promise.constructor);
  if (owner) owner(reason);
  // Not ours: as Node does when nobody listens.
  else if (process.listenerCount('unhandledRejection') === 1) throw reason;
}

/** Calls `onReject` for every promise of a realm (known by its own Promise constructor) that is rejected and not caught. */
export function watchRejections(realmPromise: PromiseConstructor, onReject: (reason: unknown) => void): void {
  owners.set(realmPromise, onReject);
  if (watching) return;
  watching = true;
  process.on('unhandledRejection', rejected);
}
