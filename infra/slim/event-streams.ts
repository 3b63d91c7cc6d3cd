/** Stands in Lambda bundles for the SDK's event streams: no operation that Shiplock calls has one, some clients set them up all the same. */

function refuse(): never {
  throw new Error('event streams are left out of Lambda bundles; see infra/slim.ts');
}

/** @throws Error always: a client that is given a stream should be bundled with the real one */
export class EventStreamSerde {
  constructor() {
    refuse();
  }
}

/** @throws Error when something is streamed, not before */
export const eventStreamSerdeProvider = () => ({ serialize: refuse, deserialize: refuse });

export const resolveEventStreamSerdeConfig = <Config extends object>(config: Config) =>
  Object.assign(config, { eventStreamMarshaller: eventStreamSerdeProvider() });
