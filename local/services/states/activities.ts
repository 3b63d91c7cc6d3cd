/** The operations on activities. */
import type * as Api from '@aws-sdk/client-sfn';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { StatesAccount } from './account.ts';
import type { Activity } from './activity.ts';
import { checkArn } from './arn.ts';
import { operation, page } from './call.ts';
import { checkName } from './machine.ts';

export function activityOperations(states: StatesAccount): Readonly<Record<string, Operation>> {
  const { site, activities } = states;
  const onActivity =
    (action: string) =>
    ({ activityArn }: { readonly activityArn?: string | undefined }): Permission[] => {
      checkArn(activityArn, 'activity');
      return [{ action: `states:${action}`, resource: activityArn! }];
    };
  const find = (arn: string | undefined): Activity => {
    const activity = activities.kept.get(arn ?? '');
    if (activity === undefined) throw new ServiceError('ActivityDoesNotExist', `Activity Does Not Exist: '${arn}'`);
    return activity;
  };

  return {
    CreateActivity: operation<Api.CreateActivityInput, Api.CreateActivityOutput>(
      ({ name = '' }) => {
        // IAM knows no resource by such a name.
        checkName(name);
        return [{ action: 'states:CreateActivity', resource: site.arn('states', `activity:${name}`) }];
      },
      ({ name = '', tags = [] }) => {
        const given = Object.fromEntries(tags.map(({ key = '', value = '' }) => [key, value]));
        const { arn, created } = activities.create(site.arn('states', `activity:${name}`), name, given);
        return { activityArn: arn, creationDate: new Date(created) };
      },
    ),

    DeleteActivity: operation<Api.DeleteActivityInput, Api.DeleteActivityOutput>(onActivity('DeleteActivity'), ({ activityArn = '' }) => {
      // Deleting what is not there succeeds.
      activities.kept.delete(activityArn);
      return {};
    }),

    DescribeActivity: operation<Api.DescribeActivityInput, Api.DescribeActivityOutput>(
      onActivity('DescribeActivity'),
      ({ activityArn }) => {
        const { arn, name, created } = find(activityArn);
        return { activityArn: arn, name, creationDate: new Date(created), encryptionConfiguration: { type: 'AWS_OWNED_KEY' } };
      },
    ),

    ListActivities: operation<Api.ListActivitiesInput, Api.ListActivitiesOutput>(
      () => [{ action: 'states:ListActivities', resource: '*' }],
      ({ nextToken, maxResults }) => {
        const all = [...activities.kept.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
        const { items, next } = page(all, nextToken, maxResults);
        return {
          activities: items.map(({ arn, name, created }) => ({ activityArn: arn, name, creationDate: new Date(created) })),
          ...next,
        };
      },
    ),

    GetActivityTask: operation<Api.GetActivityTaskInput, Promise<Api.GetActivityTaskOutput>>(
      onActivity('GetActivityTask'),
      ({ activityArn, workerName }) => activities.take(find(activityArn), workerName),
    ),
  };
}
