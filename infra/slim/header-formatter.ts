/** Stands in Lambda bundles for the binary headers of signed event streams, of which Shiplock has none. */
export class HeaderFormatter {
  /** @throws Error always: a client that sends a stream should be bundled with the real one */
  format(): never {
    throw new Error('event streams are left out of Lambda bundles; see infra/slim.ts');
  }
}
