/** The operations on tags of ECS's resources. */
import type { ListTagsForResourceRequest, TagResourceRequest, UntagResourceRequest } from '@aws-sdk/client-ecs';
import type { Operation, Permission } from '../../core/service.ts';
import type { EcsAccount } from './account.ts';
import { invalid } from './names.ts';
import { requestTags, resourceTags, type TagContext, type Tags, tagList, tagsOf } from './tags.ts';

export function tagOperations(ecs: EcsAccount): Readonly<Record<string, Operation>> {
  const on = (action: string, resourceArn: string | undefined, context: TagContext = {}): readonly Permission[] => [
    { action: `ecs:${action}`, resource: resourceArn ?? '', context: { ...resourceTags(ecs.tagged(resourceArn ?? '')), ...context } },
  ];
  const existing = (arn: string | undefined): Tags => {
    const tags = ecs.tagged(arn ?? '');
    if (tags === undefined) throw invalid('The specified resource is not available. Verify that the resource exists and is active.');
    return tags;
  };
  return {
    TagResource: {
      authorize: ({ resourceArn, tags }: TagResourceRequest) => on('TagResource', resourceArn, requestTags(tags)),
      handle: ({ resourceArn, tags }: TagResourceRequest) => {
        const before = existing(resourceArn);
        for (const [key, value] of tagsOf(tags, before)) before.set(key, value);
        return {};
      },
    },
    UntagResource: {
      authorize: ({ resourceArn, tagKeys }: UntagResourceRequest) => on('UntagResource', resourceArn, { 'aws:TagKeys': tagKeys ?? [] }),
      handle: ({ resourceArn, tagKeys }: UntagResourceRequest) => {
        const before = existing(resourceArn);
        for (const key of tagKeys ?? []) before.delete(key);
        return {};
      },
    },
    ListTagsForResource: {
      authorize: ({ resourceArn }: ListTagsForResourceRequest) => on('ListTagsForResource', resourceArn),
      handle: ({ resourceArn }: ListTagsForResourceRequest) => ({ tags: tagList(existing(resourceArn)) }),
    },
  };
}
