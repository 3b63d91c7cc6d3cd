/** Tags of ECS's resources: the operations on them, and what giving them asks of IAM. */
import type { ListTagsForResourceRequest, Tag, TagResourceRequest, UntagResourceRequest } from '@aws-sdk/client-ecs';
import type { Operation, Permission } from '../../core/service.ts';
import type { Ecs } from './index.ts';
import { invalid } from './names.ts';

export type Tags = Map<string, string>;

/** "The following basic restrictions apply to tags." https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html */
const MAX_TAGS = 50;

/** @throws ServiceError InvalidParameterException */
export function tagsOf(tags: readonly Tag[] = [], before: ReadonlyMap<string, string> = new Map()): Tags {
  const result: Tags = new Map(before);
  for (const { key = '', value = '' } of tags) {
    if (key.length < 1 || key.length > 128 || value.length > 256)
      throw invalid('The tag key must have 1 to 128 characters and the value at most 256.');
    if (/^aws:/i.test(key)) throw invalid(`Tag keys must not start with aws: (${key}).`);
    result.set(key, value);
  }
  if (result.size > MAX_TAGS) throw invalid(`Resource is being tagged with too many tags. The limit is ${MAX_TAGS}.`);
  return result;
}

export const tagList = (tags: ReadonlyMap<string, string>): Tag[] => [...tags].map(([key, value]) => ({ key, value }));

type Context = Record<string, string | readonly string[]>;

/** Condition keys for tags in a request. */
export function requestTags(tags: readonly Tag[] | undefined): Context {
  if (!tags?.length) return {};
  const context: Context = { 'aws:TagKeys': tags.map(({ key }) => key ?? '') };
  for (const { key, value } of tags) context[`aws:RequestTag/${key}`] = value ?? '';
  return context;
}

/** Condition keys for the tags that a resource carries. */
export function resourceTags(tags: ReadonlyMap<string, string> | undefined): Context {
  return Object.fromEntries([...(tags ?? [])].map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
}

/**
 * Tagging while creating needs a permission of its own.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
 */
export const tagOnCreate = (resource: string, action: string, tags: readonly Tag[] | undefined): readonly Permission[] =>
  tags?.length ? [{ action: 'ecs:TagResource', resource, context: { 'ecs:CreateAction': action, ...requestTags(tags) } }] : [];

export function tagOperations(ecs: Ecs): Readonly<Record<string, Operation>> {
  const on = (action: string, resourceArn: string | undefined, context: Context = {}): readonly Permission[] => [
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
