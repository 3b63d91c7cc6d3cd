/** The role that a rule or schedule acts in. */
import { assertAssumable } from '../../core/iam/authorize.ts';
import { identities } from '../../core/iam/identities.ts';
import type { Principal } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';

/**
 * A session of a role, as one of AWS's services takes it; the role's trust policy is asked.
 * @param context condition keys that the service brings, such as `aws:SourceArn`
 * @throws ServiceError AccessDeniedException, NoSuchEntity
 */
export function assume(
  site: Site,
  roleArn: string,
  service: string,
  session: string,
  context: Readonly<Record<string, string>>,
): Principal {
  assertAssumable(site.world, roleArn, service, site.region, context);
  return identities(site.world, roleArn.split(':')[4]!).rolePrincipal(roleArn, session);
}
