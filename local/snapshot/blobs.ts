/** Where the large bytes of a snapshot lie, each under a name of its content. */
import { createHash } from 'node:crypto';

export interface Blobs {
  /** @returns the name under which they are read again */
  keep(bytes: Uint8Array): string;
  read(name: string): Uint8Array;
}

export const contentName = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** As long as the process lives. */
export class MemoryBlobs implements Blobs {
  private readonly kept = new Map<string, Uint8Array>();

  keep(bytes: Uint8Array): string {
    const name = contentName(bytes);
    this.kept.set(name, bytes);
    return name;
  }

  read(name: string): Uint8Array {
    const bytes = this.kept.get(name);
    if (bytes === undefined) throw new Error(`there are no bytes called ${name}`);
    return bytes;
  }
}
