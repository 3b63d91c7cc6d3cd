/** STS: who am I, and may I be a role for a while. */
import type { AssumeRoleCommandInput, AssumeRoleCommandOutput, GetCallerIdentityCommandOutput } from '@aws-sdk/client-sts';
import { identities } from '../core/iam/identities.ts';
import { type Call, type Operation, type Permission, type PolicyDocument, type Service, ServiceError } from '../core/service.ts';
import type { Site } from '../core/site.ts';

declare module '../core/site.ts' {
  interface Services {
    sts: Sts;
  }
}

type Answer<Output> = Omit<Output, '$metadata'>;

/** The trust policy of a role that does not exist: nobody may assume it, and the answer does not tell which it was. */
const NOBODY: PolicyDocument = { Version: '2012-10-17', Statement: [] };

const UNSUPPORTED = ['Policy', 'PolicyArns', 'SerialNumber', 'TokenCode', 'SourceIdentity', 'ProvidedContexts'] as const;

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, …/API_GetCallerIdentity.html */
export class Sts implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  private readonly site: Site;

  constructor(site: Site) {
    this.site = site;
    this.operations = {
      AssumeRole: { authorize: (input) => this.permissions(input), handle: (input, call) => this.assumeRole(input, call) },
      // "No permissions are required to perform this operation."
      GetCallerIdentity: { authorize: () => [], handle: (_, call) => this.callerIdentity(call) },
    } satisfies Readonly<Record<string, Operation>>;
  }

  private permissions(input: AssumeRoleCommandInput): readonly Permission[] {
    const resource = input.RoleArn!;
    const resourcePolicy = identities(this.site.world, accountOf(resource)).roles.get(resource)?.trust ?? NOBODY;
    const context: Record<string, string | readonly string[]> = { 'sts:RoleSessionName': input.RoleSessionName! };
    if (input.ExternalId !== undefined) context['sts:ExternalId'] = input.ExternalId;
    const tags = input.Tags ?? [];
    for (const { Key, Value } of tags) context[`aws:RequestTag/${Key}`] = Value!;
    if (tags.length > 0) context['aws:TagKeys'] = tags.map(({ Key }) => Key!);
    const assume: Permission = { action: 'sts:AssumeRole', resource, resourcePolicy, context };
    if (tags.length === 0) return [assume];
    const { 'sts:ExternalId': _external, 'sts:RoleSessionName': _name, ...tagContext } = context;
    return [assume, { action: 'sts:TagSession', resource, resourcePolicy, context: tagContext }];
  }

  private assumeRole(input: AssumeRoleCommandInput, call: Call): Answer<AssumeRoleCommandOutput> {
    for (const member of UNSUPPORTED)
      if (input[member] !== undefined)
        throw new ServiceError('NotImplemented', `not implemented on local AWS: sts.AssumeRole with ${member}`, 501);
    const roleArn = input.RoleArn!;
    const name = input.RoleSessionName!;
    if (!/^[\w+=,.@-]{2,64}$/.test(name))
      throw invalid(
        `Value '${name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*`,
      );
    const store = identities(this.site.world, accountOf(roleArn));
    const role = store.role(roleArn);
    const duration = input.DurationSeconds ?? 3600;
    if (duration < 900)
      throw invalid(
        `Value '${duration}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900`,
      );
    if (duration > role.maxSessionDuration)
      throw invalidPlain('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
    // A session that becomes another role is chained, and lives one hour at most.
    if (call.principal.kind === 'role' && duration > 3600)
      throw invalidPlain('The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.');
    const tags = Object.fromEntries((input.Tags ?? []).map(({ Key, Value }) => [Key!, Value!]));
    const session = store.session(roleArn, name, { duration, tags, ...(call.received === undefined ? {} : { received: call.received }) });
    return {
      Credentials: {
        AccessKeyId: session.accessKeyId,
        SecretAccessKey: session.secretAccessKey,
        SessionToken: session.sessionToken,
        Expiration: new Date(session.expires!),
      },
      AssumedRoleUser: { AssumedRoleId: `${role.id}:${name}`, Arn: store.rolePrincipal(roleArn, name).arn },
    };
  }

  private callerIdentity({ principal }: Call): Answer<GetCallerIdentityCommandOutput> {
    const store = identities(this.site.world, principal.account);
    const session = principal.context?.['aws:userid'];
    const id = typeof session === 'string' ? session : (store.identityOf(principal)?.id ?? principal.account);
    return { Account: principal.account, Arn: principal.arn, UserId: id };
  }
}

const accountOf = (arn: string) => arn.split(':')[4] ?? '';
const invalidPlain = (message: string) => new ServiceError('ValidationError', message);
const invalid = (message: string) => invalidPlain(`1 validation error detected: ${message}`);
