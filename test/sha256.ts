/** SHA-256 in the shape that the SDK's signer takes, for tests that sign by hand. */
import { createHash, createHmac } from 'node:crypto';

export class Sha256 {
  private readonly hash: { update(data: never): unknown; digest(): Uint8Array };

  constructor(secret?: unknown) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as never);
  }

  update(data: unknown): void {
    this.hash.update(data as never);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }
}
