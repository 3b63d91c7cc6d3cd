/** Tags of ECS's resources, and what giving them asks of IAM. */
import type { Tag } from '@aws-sdk/client-ecs';
import type { Permission } from '../../core/service.ts';
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

export type TagContext = Record<string, string | readonly string[]>;

/** Condition keys for tags in a request. */
export function requestTags(tags: readonly Tag[] | undefined): TagContext {
  if (!tags?.length) return {};
  const context: TagContext = { 'aws:TagKeys': tags.map(({ key }) => key ?? '') };
  for (const { key, value } of tags) context[`aws:RequestTag/${key}`] = value ?? '';
  return context;
}

/** Condition keys for the tags that a resource carries. */
export function resourceTags(tags: ReadonlyMap<string, string> | undefined): TagContext {
  return Object.fromEntries([...(tags ?? [])].map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
}

/**
 * Tagging while creating needs a permission of its own.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
 */
export const tagOnCreate = (resource: string, action: string, tags: readonly Tag[] | undefined): readonly Permission[] =>
  tags?.length ? [{ action: 'ecs:TagResource', resource, context: { 'ecs:CreateAction': action, ...requestTags(tags) } }] : [];
