/** How one logs in to ECR: the user and password of GetAuthorizationToken, and the registry that they open. */
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { type Connection, clientSettings } from './clients.ts';

export interface RegistryLogin {
  readonly user: string;
  readonly password: string;
  /** `<account>.dkr.ecr.<region>.amazonaws.com` */
  readonly host: string;
}

/**
 * Good for twelve hours. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 * @param where.endpoint of local AWS @default the Region's own
 * @param where.profile of the shared configuration files @default what the environment says
 */
export async function registryLogin(
  connection: Connection,
  where: { readonly endpoint?: string; readonly profile?: string } = {},
): Promise<RegistryLogin> {
  // Local AWS may stand at another day, and takes signatures of this machine's time: following its clock would break them.
  const local = where.endpoint === undefined ? {} : { disableClockSkewCorrection: true };
  const client = new ECRClient({ ...clientSettings(connection), ...where, ...local });
  try {
    const { authorizationData = [] } = await client.send(new GetAuthorizationTokenCommand({}));
    const [data] = authorizationData;
    const [user = '', password = ''] = Buffer.from(data?.authorizationToken ?? '', 'base64')
      .toString()
      .split(':', 2);
    return { user, password, host: new URL(data?.proxyEndpoint ?? '').host };
  } finally {
    client.destroy();
  }
}
