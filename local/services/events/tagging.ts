/** Tags of event buses and rules. */
import type * as Api from '@aws-sdk/client-eventbridge';
import type { Operation, Permission } from '../../core/service.ts';
import { invalid } from './rule.ts';

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TagResource.html */
const MOST_TAGS = 50;

interface Tagged {
  tags: readonly Api.Tag[];
}

/** Where buses and rules are found by name. */
interface Buses {
  /** @throws ServiceError ResourceNotFoundException */
  bus(name?: string): Tagged;
  /** @throws ServiceError ResourceNotFoundException */
  rule(name: string | undefined, bus?: string): Tagged;
}

/** What IAM is told of tags in a request. */
export function tagContext(tags: readonly Api.Tag[] = []): Permission['context'] {
  if (tags.length === 0) return {};
  const context: Record<string, string | string[]> = { 'aws:TagKeys': tags.map(({ Key = '' }) => Key) };
  for (const { Key, Value = '' } of tags) context[`aws:RequestTag/${Key}`] = Value;
  return context;
}

/** A bus or a rule by its ARN. @throws ServiceError ResourceNotFoundException, ValidationException */
function find(events: Buses, arn: string): Tagged {
  const [, , , , , resource = ''] = arn.split(':');
  const [kind, first, second] = resource.split('/');
  if (kind === 'event-bus') return events.bus(first);
  return second === undefined ? events.rule(first) : events.rule(second, first);
}

/** @throws ServiceError ValidationException */
function tagged(arn: string | undefined): string {
  if (arn === undefined || !/^arn:aws:events:[^:]*:\d{12}:(event-bus|rule)\/[^/]+(\/[^/]+)?$/.test(arn))
    throw invalid(`Provided Arn is not in correct format.`);
  return arn;
}

/** TagResource, UntagResource and ListTagsForResource. */
export function tagOperations(events: Buses): Readonly<Record<string, Operation>> {
  const on = (action: string, arn: string | undefined, context: Permission['context'] = {}): Permission[] => [
    { action: `events:${action}`, resource: tagged(arn), context },
  ];
  return {
    TagResource: {
      authorize: ({ ResourceARN, Tags }: Api.TagResourceRequest) => on('TagResource', ResourceARN, tagContext(Tags)),
      handle: ({ ResourceARN, Tags = [] }: Api.TagResourceRequest) => {
        const found = find(events, ResourceARN!);
        const tags = [...found.tags.filter(({ Key }) => !Tags.some((one) => one.Key === Key)), ...Tags];
        if (tags.length > MOST_TAGS) throw invalid(`A resource can have at most ${MOST_TAGS} tags.`);
        found.tags = tags;
        return {};
      },
    },
    UntagResource: {
      authorize: ({ ResourceARN, TagKeys = [] }: Api.UntagResourceRequest) => on('UntagResource', ResourceARN, { 'aws:TagKeys': TagKeys }),
      handle: ({ ResourceARN, TagKeys = [] }: Api.UntagResourceRequest) => {
        const found = find(events, ResourceARN!);
        found.tags = found.tags.filter(({ Key = '' }) => !TagKeys.includes(Key));
        return {};
      },
    },
    ListTagsForResource: {
      authorize: ({ ResourceARN }: Api.ListTagsForResourceRequest) => on('ListTagsForResource', ResourceARN),
      handle: ({ ResourceARN }: Api.ListTagsForResourceRequest): Api.ListTagsForResourceResponse => ({
        Tags: [...find(events, ResourceARN!).tags],
      }),
    },
  };
}
