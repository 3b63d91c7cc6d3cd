/** What IAM refuses when a policy is stored: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
import { type PolicyDocument, ServiceError } from '../service.ts';
import { statements } from './statements.ts';

/** Characters without white space. */
const LIMITS = { managed: 6144, trust: 2048, roleInline: 10_240, userInline: 2048 } as const;

/** @throws ServiceError MalformedPolicyDocument, LimitExceeded */
export function validatePolicy(document: PolicyDocument, kind: 'identity' | 'managed' | 'trust'): void {
  try {
    for (const { source } of statements(document)) {
      const trust = kind === 'trust';
      if (trust && source.Principal === undefined && source.NotPrincipal === undefined)
        throw new Error('the trust policy needs a Principal in each statement');
      if (trust && (source.Resource !== undefined || source.NotResource !== undefined)) throw new Error('Has prohibited field Resource');
      if (!trust && (source.Principal !== undefined || source.NotPrincipal !== undefined))
        throw new Error('Policy document should not specify a principal.');
      if (!trust && source.Resource === undefined && source.NotResource === undefined)
        throw new Error('Policy statement must contain resources.');
      for (const resource of [source.Resource, source.NotResource].flat())
        if (resource !== undefined && resource !== '*' && !/^arn:|^\*/.test(resource))
          throw new Error(`Resource ${resource} must be in ARN format or "*".`);
    }
  } catch (error) {
    throw new ServiceError('MalformedPolicyDocument', (error as Error).message.replace(/^MalformedPolicyDocument: /, ''));
  }
  if (kind === 'managed') limit(size(document), LIMITS.managed, 'Cannot exceed quota for PolicySize');
  if (kind === 'trust') limit(size(document), LIMITS.trust, 'Cannot exceed quota for ACLSizePerRole');
}

/** The sum over all inline policies of a role or user is limited. @throws ServiceError LimitExceeded */
export function validateInline(kind: 'role' | 'user', name: string, documents: Iterable<PolicyDocument>): void {
  let total = 0;
  for (const document of documents) total += size(document);
  const most = kind === 'role' ? LIMITS.roleInline : LIMITS.userInline;
  limit(total, most, `Maximum policy size of ${most} bytes exceeded for ${kind} ${name}`);
}

const size = (document: PolicyDocument) => JSON.stringify(document).replace(/\s/g, '').length;

function limit(actual: number, most: number, message: string): void {
  if (actual > most) throw new ServiceError('LimitExceeded', `${message}: ${actual} of ${most}`, 409);
}
