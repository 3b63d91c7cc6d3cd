/** The operations on repositories themselves: making, describing, settings, policies, authorization tokens. */
import type {
  CreateRepositoryCommandInput,
  DeleteLifecyclePolicyCommandInput,
  DeleteRepositoryCommandInput,
  DeleteRepositoryPolicyCommandInput,
  DescribeRepositoriesCommandInput,
  GetAuthorizationTokenCommandInput,
  GetLifecyclePolicyCommandInput,
  GetRepositoryPolicyCommandInput,
  ListTagsForResourceCommandInput,
  PutImageScanningConfigurationCommandInput,
  PutImageTagMutabilityCommandInput,
  PutLifecyclePolicyCommandInput,
  SetRepositoryPolicyCommandInput,
  TagResourceCommandInput,
  UntagResourceCommandInput,
} from '@aws-sdk/client-ecr';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import { onRepository, permissionOn } from './access.ts';
import type { EcrAccount } from './account.ts';
import { parseLifecyclePolicy } from './lifecycle.ts';
import { page } from './page.ts';
import type { ExclusionFilter, Repository, TagMutability } from './repository.ts';
import { issueToken } from './tokens.ts';

const NAME = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/;
const MODES: readonly string[] = ['MUTABLE', 'IMMUTABLE', 'MUTABLE_WITH_EXCLUSION', 'IMMUTABLE_WITH_EXCLUSION'];

const invalid = (place: string, why: string) =>
  new ServiceError('InvalidParameterException', `Invalid parameter at '${place}' failed to satisfy constraint: '${why}'`);

/** @throws ServiceError InvalidParameterException */
export function assertName(name: string): void {
  if (name.length < 2 || name.length > 256 || !NAME.test(name))
    throw invalid('repositoryName', `must satisfy regular expression '${NAME.source}'`);
}

/** Checks the mode together with its filters. @throws ServiceError InvalidParameterException */
export function tagMutability(
  mode: string = 'MUTABLE',
  filters: readonly { filterType?: string | undefined; filter?: string | undefined }[] = [],
): { readonly mutability: TagMutability; readonly exclusions: readonly ExclusionFilter[] } {
  if (!MODES.includes(mode)) throw invalid('imageTagMutability', `must be one of ${MODES.join(', ')}`);
  const excluding = mode.endsWith('_WITH_EXCLUSION');
  if (excluding !== filters.length > 0)
    throw invalid('imageTagMutabilityExclusionFilters', excluding ? `${mode} needs at least one filter` : `${mode} takes no filters`);
  if (filters.length > 5) throw invalid('imageTagMutabilityExclusionFilters', 'at most 5 filters');
  const exclusions = filters.map(({ filterType, filter = '' }): ExclusionFilter => {
    if (filterType !== 'WILDCARD') throw invalid('filterType', 'must be WILDCARD');
    if (!/^[0-9a-zA-Z._*-]{1,128}$/.test(filter)) throw invalid('filter', `'${filter}' is not a tag pattern`);
    if (filter.split('*').length > 3) throw invalid('filter', 'at most 2 wildcards');
    return { filterType, filter };
  });
  return { mutability: mode as TagMutability, exclusions };
}

/** @throws ServiceError InvalidParameterException */
export function assertPolicy(text: string): void {
  let document: { Statement?: unknown };
  try {
    document = JSON.parse(text);
  } catch {
    throw invalid('PolicyText', 'Invalid repository policy provided');
  }
  if (document?.Statement === undefined) throw invalid('PolicyText', 'Invalid repository policy provided');
}

function describe(owner: EcrAccount, { settings }: Repository) {
  return {
    repositoryArn: settings.arn,
    registryId: owner.site.account,
    repositoryName: settings.name,
    repositoryUri: settings.uri,
    createdAt: new Date(settings.createdAt),
    imageTagMutability: settings.mutability,
    ...mutabilityFilters(settings),
    imageScanningConfiguration: { scanOnPush: settings.scanOnPush },
    encryptionConfiguration: settings.encryption,
  };
}

const mutabilityFilters = ({ exclusions }: Repository['settings']) =>
  exclusions.length === 0 ? {} : { imageTagMutabilityExclusionFilters: [...exclusions] };

const noPolicy = (kind: 'Lifecycle' | 'Repository', ids: { registryId: string; repositoryName: string }) =>
  new ServiceError(
    `${kind}PolicyNotFoundException`,
    `${kind} policy does not exist for the repository with name '${ids.repositoryName}' in the registry with id '${ids.registryId}'`,
  );

export function repositoryOperations(ecr: EcrAccount): Readonly<Record<string, Operation>> {
  return {
    CreateRepository: {
      authorize: (input: CreateRepositoryCommandInput): Permission[] => [
        permissionOn(ecr, 'CreateRepository', input),
        ...(input.tags === undefined || input.tags.length === 0 ? [] : [permissionOn(ecr, 'TagResource', input)]),
      ],
      handle: (input: CreateRepositoryCommandInput) => {
        assertName(input.repositoryName!);
        const repository = ecr.registry(input.registryId).create({
          name: input.repositoryName!,
          ...tagMutability(input.imageTagMutability, input.imageTagMutabilityExclusionFilters),
          scanOnPush: input.imageScanningConfiguration?.scanOnPush ?? false,
          encryption: { encryptionType: 'AES256', ...input.encryptionConfiguration },
        });
        for (const { Key, Value } of input.tags ?? []) repository.resourceTags.set(Key!, Value!);
        return { repository: describe(ecr.registry(input.registryId), repository) };
      },
    },

    DeleteRepository: onRepository(ecr, 'DeleteRepository', ({ owner, repository }, input: DeleteRepositoryCommandInput) => {
      owner.delete(repository.settings.name, input.force ?? false);
      return { repository: describe(owner, repository) };
    }),

    DescribeRepositories: {
      authorize: ({ registryId, repositoryNames }: DescribeRepositoriesCommandInput) =>
        (repositoryNames?.length ? repositoryNames : ['*']).map((repositoryName) =>
          permissionOn(ecr, 'DescribeRepositories', { registryId, repositoryName }),
        ),
      handle: (input: DescribeRepositoriesCommandInput) => {
        const owner = ecr.registry(input.registryId);
        if (input.repositoryNames?.length)
          return { repositories: input.repositoryNames.map((name) => describe(owner, owner.repository(name))) };
        const all = [...owner.repositories.values()].toSorted((a, b) => (a.settings.name < b.settings.name ? -1 : 1));
        const { items, nextToken } = page(all, ({ settings }) => settings.name, input.maxResults ?? 100, input.nextToken);
        return { repositories: items.map((repository) => describe(owner, repository)), nextToken };
      },
    },

    PutImageTagMutability: onRepository(ecr, 'PutImageTagMutability', ({ repository, ids }, input: PutImageTagMutabilityCommandInput) => {
      Object.assign(repository.settings, tagMutability(input.imageTagMutability, input.imageTagMutabilityExclusionFilters));
      return { ...ids, imageTagMutability: repository.settings.mutability, ...mutabilityFilters(repository.settings) };
    }),

    PutImageScanningConfiguration: onRepository(
      ecr,
      'PutImageScanningConfiguration',
      ({ repository, ids }, input: PutImageScanningConfigurationCommandInput) => {
        repository.settings.scanOnPush = input.imageScanningConfiguration?.scanOnPush ?? false;
        return { ...ids, imageScanningConfiguration: { scanOnPush: repository.settings.scanOnPush } };
      },
    ),

    PutLifecyclePolicy: onRepository(ecr, 'PutLifecyclePolicy', ({ repository, ids, owner }, input: PutLifecyclePolicyCommandInput) => {
      const text = input.lifecyclePolicyText!;
      parseLifecyclePolicy(text);
      repository.lifecycle = { text, evaluatedAt: owner.now };
      return { ...ids, lifecyclePolicyText: text };
    }),

    GetLifecyclePolicy: onRepository(ecr, 'GetLifecyclePolicy', ({ repository, ids }, _input: GetLifecyclePolicyCommandInput) => {
      if (repository.lifecycle === undefined) throw noPolicy('Lifecycle', ids);
      return { ...ids, lifecyclePolicyText: repository.lifecycle.text, lastEvaluatedAt: new Date(repository.lifecycle.evaluatedAt) };
    }),

    DeleteLifecyclePolicy: onRepository(ecr, 'DeleteLifecyclePolicy', ({ repository, ids }, _input: DeleteLifecyclePolicyCommandInput) => {
      const { lifecycle } = repository;
      if (lifecycle === undefined) throw noPolicy('Lifecycle', ids);
      repository.lifecycle = undefined;
      return { ...ids, lifecyclePolicyText: lifecycle.text, lastEvaluatedAt: new Date(lifecycle.evaluatedAt) };
    }),

    SetRepositoryPolicy: onRepository(ecr, 'SetRepositoryPolicy', ({ repository, ids }, input: SetRepositoryPolicyCommandInput) => {
      assertPolicy(input.policyText!);
      repository.policyText = input.policyText;
      return { ...ids, policyText: input.policyText };
    }),

    GetRepositoryPolicy: onRepository(ecr, 'GetRepositoryPolicy', ({ repository, ids }, _input: GetRepositoryPolicyCommandInput) => {
      if (repository.policyText === undefined) throw noPolicy('Repository', ids);
      return { ...ids, policyText: repository.policyText };
    }),

    DeleteRepositoryPolicy: onRepository(
      ecr,
      'DeleteRepositoryPolicy',
      ({ repository, ids }, _input: DeleteRepositoryPolicyCommandInput) => {
        const { policyText } = repository;
        if (policyText === undefined) throw noPolicy('Repository', ids);
        repository.policyText = undefined;
        return { ...ids, policyText };
      },
    ),

    GetAuthorizationToken: {
      authorize: () => [{ action: 'ecr:GetAuthorizationToken', resource: '*' }],
      handle: (input: GetAuthorizationTokenCommandInput, { principal }) => {
        const { password, expires } = issueToken(ecr.site.world, principal, ecr.random.hex(64));
        const authorizationToken = Buffer.from(`AWS:${password}`).toString('base64');
        const registries = input.registryIds?.length ? input.registryIds : [ecr.site.account];
        return {
          authorizationData: registries.map((id) => ({
            authorizationToken,
            expiresAt: new Date(expires),
            proxyEndpoint: `https://${id}.dkr.ecr.${ecr.site.region}.amazonaws.com`,
          })),
        };
      },
    },

    TagResource: onArn(ecr, 'TagResource', (repository, input: TagResourceCommandInput) => {
      for (const { Key, Value } of input.tags ?? []) repository.resourceTags.set(Key!, Value!);
      return {};
    }),

    UntagResource: onArn(ecr, 'UntagResource', (repository, input: UntagResourceCommandInput) => {
      for (const key of input.tagKeys ?? []) repository.resourceTags.delete(key);
      return {};
    }),

    ListTagsForResource: onArn(ecr, 'ListTagsForResource', (repository, _input: ListTagsForResourceCommandInput) => ({
      tags: [...repository.resourceTags].map(([Key, Value]) => ({ Key, Value })),
    })),
  };
}

function onArn<Input extends { resourceArn: string | undefined }, Output>(
  ecr: EcrAccount,
  action: string,
  handle: (repository: Repository, input: Input) => Output,
): Operation<Input, Output> {
  return {
    authorize: (input) => [{ action: `ecr:${action}`, resource: input.resourceArn! }],
    handle: (input) => {
      const name = input.resourceArn!.split(':repository/')[1];
      if (name === undefined || ecr.arn(name) !== input.resourceArn)
        throw invalid('resourceArn', `${input.resourceArn} is no repository of this registry`);
      return handle(ecr.repository(name), input);
    },
  };
}
