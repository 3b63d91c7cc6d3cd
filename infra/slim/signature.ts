/** Stands in Lambda bundles for the signer of requests to several Regions at once, which STS brings along. One Region is signed as ever. */
import { SignatureV4 } from '@smithy/signature-v4';

export class SignatureV4MultiRegion extends SignatureV4 {
  /** Says to clients that they should not choose signatures for several Regions. */
  static sigv4aDependency(): 'none' {
    return 'none';
  }
}
