/**
 * Stands in Lambda bundles for the SDK's chain of credential providers, which is 130 KB of profiles, single sign-on and
 * instance metadata: Lambda puts the role's credentials into the environment, and nowhere else.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The function of `@aws-sdk/credential-provider-node` that every client calls. */
export const defaultProvider = () => async (): Promise<Credentials> => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = process.env;
  if (!accessKeyId || !secretAccessKey) throw new Error('there are no credentials in the environment: this code runs in a Lambda only');
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
};
