/** `AWS::ECR::Repository`. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html */
import type { CreatedResource, ResourceContext, ResourceType } from '../../core/service.ts';
import type { EcrAccount } from './account.ts';
import { parseLifecyclePolicy } from './lifecycle.ts';
import { assertName, assertPolicy, tagMutability } from './repositories.ts';
import type { Repository } from './repository.ts';

interface Properties {
  readonly RepositoryName?: string;
  readonly ImageTagMutability?: string;
  readonly ImageTagMutabilityExclusionFilters?: readonly {
    ImageTagMutabilityExclusionFilterType: string;
    ImageTagMutabilityExclusionFilterValue: string;
  }[];
  readonly ImageScanningConfiguration?: { readonly ScanOnPush?: boolean | string };
  readonly LifecyclePolicy?: { readonly LifecyclePolicyText?: string };
  readonly RepositoryPolicyText?: object | string;
  readonly EmptyOnDelete?: boolean | string;
  readonly Tags?: readonly { Key: string; Value: string }[];
}

/** CloudFormation lets booleans be words. */
const isTrue = (value: boolean | string | undefined) => value === true || value === 'true';

export function repositoryResource(ecr: EcrAccount): ResourceType<Properties> {
  /** Everything about a repository that may change in place. */
  function settle(repository: Repository, properties: Properties): CreatedResource {
    const { settings } = repository;
    const filters = properties.ImageTagMutabilityExclusionFilters?.map((filter) => ({
      filterType: filter.ImageTagMutabilityExclusionFilterType,
      filter: filter.ImageTagMutabilityExclusionFilterValue,
    }));
    Object.assign(settings, tagMutability(properties.ImageTagMutability, filters));
    settings.scanOnPush = isTrue(properties.ImageScanningConfiguration?.ScanOnPush);
    const lifecycle = properties.LifecyclePolicy?.LifecyclePolicyText;
    if (lifecycle === undefined) repository.lifecycle = undefined;
    else if (lifecycle !== repository.lifecycle?.text) {
      parseLifecyclePolicy(lifecycle);
      repository.lifecycle = { text: lifecycle, evaluatedAt: ecr.now };
    }
    const policy = properties.RepositoryPolicyText;
    const text = policy === undefined || typeof policy === 'string' ? policy : JSON.stringify(policy);
    if (text !== undefined) assertPolicy(text);
    repository.policyText = text;
    repository.resourceTags.clear();
    for (const { Key, Value } of properties.Tags ?? []) repository.resourceTags.set(Key, Value);
    repository.emptyOnDelete = isTrue(properties.EmptyOnDelete);
    return { ref: settings.name, attributes: { Arn: settings.arn, RepositoryUri: settings.uri } };
  }

  function create(properties: Properties, context: ResourceContext): CreatedResource {
    const name = properties.RepositoryName ?? context.generatedName.toLowerCase();
    assertName(name);
    const repository = ecr.create({
      name,
      mutability: 'MUTABLE',
      exclusions: [],
      scanOnPush: false,
      encryption: { encryptionType: 'AES256' },
    });
    try {
      return settle(repository, properties);
    } catch (error) {
      ecr.delete(name, true);
      throw error;
    }
  }

  function remove(name: string): void {
    const repository = ecr.repositories.get(name);
    if (repository !== undefined) ecr.delete(name, repository.emptyOnDelete);
  }

  return {
    properties: [
      'RepositoryName',
      'ImageTagMutability',
      'ImageTagMutabilityExclusionFilters',
      'ImageScanningConfiguration',
      'LifecyclePolicy',
      'RepositoryPolicyText',
      'EmptyOnDelete',
      'Tags',
    ],
    inert: ['EncryptionConfiguration'],
    create,
    update: (properties, before, context) => {
      if (properties.RepositoryName === undefined || properties.RepositoryName === before.ref)
        return settle(ecr.repository(before.ref), properties);
      // Another name is another repository.
      const created = create(properties, context);
      remove(before.ref);
      return created;
    },
    delete: (before) => remove(before.ref),
  };
}
