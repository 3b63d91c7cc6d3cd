/** How SDK clients are set up: regional, patient with throttles, with deadlines below every Lambda's timeout. */
import type { AwsCredentialIdentity, Logger } from '@smithy/types';

type Provider = AwsCredentialIdentity | (() => Promise<AwsCredentialIdentity>);

/** What every SDK client of ours takes; in a Lambda nothing needs to be said. */
export interface Connection {
  readonly region?: string;
  /** @default AWS's own, or what AWS_ENDPOINT_URL says */
  readonly endpoint?: string;
  readonly credentials?: Provider;
  /** Replaces the network: how commands reach local AWS without a server. */
  // biome-ignore lint/suspicious/noExplicitAny: the SDK's own type differs from client to client in names only.
  readonly requestHandler?: any;
}

/**
 * The SDK's silent one lets every call's input and output be copied for a line that nobody reads. Errors are logged by the step,
 * without their input. The SDK looks whether there is `info`, and does not look for `debug`, where it reads profiles.
 */
const logger = { warn: (...words: unknown[]) => console.warn(...words), debug: () => undefined } as unknown as Logger;

/**
 * Seven tries with full jitter, at most about two minutes of throttling at the worst but cut by the Lambda's own timeout;
 * a single try may take 10 s, so that a stalled one ends while the function still lives.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export function clientSettings(connection: Connection) {
  return {
    maxAttempts: 7,
    logger,
    // The chain that a command passes is made once a client, not once a call.
    cacheMiddleware: true,
    ...(connection.requestHandler ? {} : { requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000 } }),
    ...connection,
  };
}
