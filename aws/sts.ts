/** STS: the credentials of a role, assumed when first needed and kept until shortly before they expire. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { type Connection, clientSettings } from './clients.ts';

/** @returns a credential provider for any SDK client; sessions last an hour */
export function assumedRole(roleArn: string, sessionName: string, connection: Connection = {}): () => Promise<AwsCredentialIdentity> {
  const client = new STSClient(clientSettings(connection));
  return async () => {
    const { Credentials } = await client.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName.slice(0, 64) }));
    if (!Credentials?.AccessKeyId || !Credentials.SecretAccessKey) throw new Error(`STS gave no credentials for ${roleArn}`);
    return {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      ...(Credentials.SessionToken ? { sessionToken: Credentials.SessionToken } : {}),
      ...(Credentials.Expiration ? { expiration: Credentials.Expiration } : {}),
    };
  };
}
