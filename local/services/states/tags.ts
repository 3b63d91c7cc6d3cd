/** Tags of machines and activities. https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html */
import type * as Api from '@aws-sdk/client-sfn';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { StatesAccount } from './account.ts';
import { checkArn } from './arn.ts';
import { operation } from './call.ts';

/** On one resource. */
const MOST = 50;

export const tagsOf = (list: readonly Api.Tag[] | undefined): Record<string, string> =>
  Object.fromEntries((list ?? []).map(({ key = '', value = '' }) => [key, value]));

export function tagOperations(states: StatesAccount): Readonly<Record<string, Operation>> {
  const onResource =
    (action: string) =>
    ({ resourceArn = '' }: { readonly resourceArn?: string | undefined }): Permission[] => {
      checkArn(resourceArn, 'stateMachine', 'activity');
      // Versions and aliases have no tags, and IAM does not know them.
      return [{ action: `states:${action}`, resource: resourceArn.split(':').slice(0, 7).join(':') }];
    };
  const find = (arn: string | undefined): { tags: Readonly<Record<string, string>> } => {
    const found = states.machines.get(arn ?? '') ?? states.activities.kept.get(arn ?? '');
    if (found === undefined) throw new ServiceError('ResourceNotFound', `Resource not found: '${arn}'`, 400, { resourceName: arn });
    return found;
  };
  return {
    ListTagsForResource: operation<Api.ListTagsForResourceInput, Api.ListTagsForResourceOutput>(
      onResource('ListTagsForResource'),
      ({ resourceArn }) => ({ tags: Object.entries(find(resourceArn).tags).map(([key, value]) => ({ key, value })) }),
    ),

    TagResource: operation<Api.TagResourceInput, Api.TagResourceOutput>(onResource('TagResource'), ({ resourceArn, tags }) => {
      const found = find(resourceArn);
      const all = { ...found.tags, ...tagsOf(tags) };
      if (Object.keys(all).length > MOST)
        throw new ServiceError('TooManyTags', `Too Many Tags: '${resourceArn}'`, 400, { resourceName: resourceArn });
      found.tags = all;
      return {};
    }),

    UntagResource: operation<Api.UntagResourceInput, Api.UntagResourceOutput>(
      onResource('UntagResource'),
      ({ resourceArn, tagKeys = [] }) => {
        const found = find(resourceArn);
        found.tags = Object.fromEntries(Object.entries(found.tags).filter(([key]) => !tagKeys.includes(key)));
        return {};
      },
    ),
  };
}
