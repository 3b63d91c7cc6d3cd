/** The access keys with which outsiders reach a running local AWS: one profile for each person and role of the pipeline, and one that may do everything. */
import { peopleRole } from '../domain/pipeline/names.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import type { AccessKey } from '../local/core/client.ts';
import { identities } from '../local/core/iam/identities.ts';
import type { Site } from '../local/core/site.ts';

/** A profile as the AWS CLI and SDKs know it. */
export interface Profile extends AccessKey {
  /** ARN of the role that it is a session of. */
  readonly role?: string;
  /** The e-mail address of the person that it belongs to. */
  readonly person?: string;
}

/** Whose keys to make: what does not change between two starts from one data folder. */
export interface Wanted {
  readonly profile: string;
  readonly role: string;
  readonly session: string;
  readonly person?: string;
}

/** May do everything. */
export const ADMIN = 'shiplock-admin';

/** The profiles of a pipeline whose roles are there: people as their single sign-on would let them in, then roles by name. */
export function profilesOf(site: Site, pipeline: Pipeline): Wanted[] {
  const found = new Map<string, Wanted>();
  const role = `arn:aws:iam::${site.account}:role/${peopleRole(pipeline.name)}`;
  const roles = [...identities(site.world, site.account).roles.values()].filter(({ name }) => name.startsWith(`${pipeline.name}-`));
  const taken = new Set([ADMIN, ...roles.map(({ name }) => name)]);
  for (const { email, session } of Object.values(pipeline.people)) {
    const short = `${pipeline.name}-${email.split('@')[0]}`;
    const profile = taken.has(short) ? email : short;
    taken.add(profile);
    found.set(profile, { profile, role, session, person: email });
  }
  for (const { name, arn } of roles) if (arn !== role) found.set(name, { profile: name, role: arn, session: 'local' });
  return [...found.values()];
}

/** Makes the keys; they stay valid as long as the world lives. The same wishes in the same order make the same keys again. */
export function issueProfiles(
  site: Site,
  wanted: readonly Wanted[],
  before: Readonly<Record<string, Profile>> = {},
): Record<string, Profile> {
  const iam = identities(site.world, site.account);
  const profiles: Record<string, Profile> = { ...before };
  const Statement = { Effect: 'Allow' as const, Action: '*', Resource: '*' };
  const { accessKeyId, secretAccessKey } = iam.user(ADMIN, { everything: { Version: '2012-10-17', Statement } });
  profiles[ADMIN] = { accessKeyId, secretAccessKey };
  for (const { profile, role, session, person } of wanted) {
    if (profiles[profile]?.role === role) continue;
    const key = iam.session(role, session);
    profiles[profile] = {
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey,
      sessionToken: key.sessionToken,
      role,
      ...(person === undefined ? {} : { person }),
    };
  }
  return profiles;
}

/** An AWS configuration file that holds them, for `AWS_CONFIG_FILE`. https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html */
export function profilesFile(profiles: Readonly<Record<string, Profile>>, region: string, endpoint: string): string {
  return Object.entries(profiles)
    .map(([name, { accessKeyId, secretAccessKey, sessionToken }]) =>
      [
        `[profile ${name}]`,
        `region = ${region}`,
        `endpoint_url = ${endpoint}`,
        // Step Functions answers StartSyncExecution and TestState under `sync-` before its host, and no name begins like that here.
        'disable_host_prefix_injection = true',
        `aws_access_key_id = ${accessKeyId}`,
        `aws_secret_access_key = ${secretAccessKey}`,
        ...(sessionToken === undefined ? [] : [`aws_session_token = ${sessionToken}`]),
        '',
      ].join('\n'),
    )
    .join('\n');
}
