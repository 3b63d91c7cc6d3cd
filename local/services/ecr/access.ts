/** Says of an operation on a repository which permission it needs, and finds the repository, in whichever account it is. */
import type { Call, Operation, Permission, PolicyDocument } from '../../core/service.ts';
import type { EcrAccount } from './account.ts';
import type { Repository } from './repository.ts';

interface OnRepository {
  readonly registryId?: string | undefined;
  readonly repositoryName: string | undefined;
}

/** No policy lets nobody of another account in. */
const closed: PolicyDocument = { Version: '2012-10-17', Statement: [] };

/** The permission for an action on a repository, with the repository's own policy. */
export function permissionOn(ecr: EcrAccount, action: string, input: OnRepository): Permission {
  const owner = ecr.registry(input.registryId);
  const name = input.repositoryName ?? '';
  return { action: `ecr:${action}`, resource: owner.arn(name), resourcePolicy: owner.repositories.get(name)?.policy ?? closed };
}

/** An operation on one existing repository. */
export function onRepository<Input extends OnRepository, Output>(
  ecr: EcrAccount,
  action: string,
  handle: (
    found: { readonly repository: Repository; readonly owner: EcrAccount; readonly ids: { registryId: string; repositoryName: string } },
    input: Input,
    call: Call,
  ) => Output,
): Operation<Input, Output> {
  return {
    authorize: (input) => [permissionOn(ecr, action, input)],
    handle: (input, call) => {
      const owner = ecr.registry(input.registryId);
      const repository = owner.repository(input.repositoryName!);
      return handle({ repository, owner, ids: { registryId: owner.site.account, repositoryName: repository.settings.name } }, input, call);
    },
  };
}
