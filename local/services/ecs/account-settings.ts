/** What scripts ask of an account before they deploy to it: its settings, and which capacity it has. */
import type { CapacityProvider, DescribeCapacityProvidersRequest, ListAccountSettingsRequest, Setting } from '@aws-sdk/client-ecs';
import type { Operation } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { page } from './paging.ts';

/** The defaults of an account in which nothing was changed, as far as the client knows their names: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html */
const DEFAULTS = {
  awsvpcTrunking: 'disabled',
  containerInsights: 'disabled',
  containerInstanceLongArnFormat: 'enabled',
  defaultLogDriverMode: 'non-blocking',
  fargateFIPSMode: 'disabled',
  fargateTaskRetirementWaitPeriod: '7',
  guardDutyActivate: 'off',
  serviceLongArnFormat: 'enabled',
  tagResourceAuthorization: 'on',
  taskLongArnFormat: 'enabled',
} as const satisfies Readonly<Record<string, string>>;

/** The two that every account has, and nobody can change. */
const FARGATE = ['FARGATE', 'FARGATE_SPOT'] as const;

export function accountOperations(site: Site): Readonly<Record<string, Operation>> {
  const provider = (name: string): CapacityProvider => ({
    capacityProviderArn: site.arn('ecs', `capacity-provider/${name}`),
    name,
    status: 'ACTIVE',
    tags: [],
  });
  return {
    ListAccountSettings: {
      // Knows no resource.
      authorize: () => [{ action: 'ecs:ListAccountSettings', resource: '*' }],
      handle: (input: ListAccountSettingsRequest) => {
        const principalArn = input.principalArn ?? `arn:aws:iam::${site.account}:root`;
        // Nothing was ever put here: without effectiveSettings there is nothing to list.
        const all = input.effectiveSettings === true ? Object.entries(DEFAULTS) : [];
        const settings = all
          .filter(([name, value]) => (input.name ?? name) === name && (input.value ?? value) === value)
          .map(([name, value]) => ({ name, value, principalArn, type: name === 'guardDutyActivate' ? 'aws_managed' : 'user' }) as Setting);
        const { items, ...next } = page(
          settings.map(({ name }) => name ?? ''),
          input,
        );
        return { settings: settings.filter(({ name }) => items.includes(name ?? '')), ...next };
      },
    },
    DescribeCapacityProviders: {
      authorize: ({ capacityProviders = [] }: DescribeCapacityProvidersRequest) =>
        (capacityProviders.length === 0 ? ['*'] : capacityProviders).map((one) => ({
          action: 'ecs:DescribeCapacityProviders',
          resource: site.arn('ecs', `capacity-provider/${one.split('/').at(-1)}`),
        })),
      handle: ({ capacityProviders: asked = [] }: DescribeCapacityProvidersRequest) => {
        const names = asked.map((one) => one.split('/').at(-1) ?? '');
        const known = FARGATE.filter((name) => names.length === 0 || names.includes(name));
        const missing = names.filter((name) => !FARGATE.some((one) => one === name));
        return {
          capacityProviders: known.map(provider),
          failures: missing.map((name) => ({ arn: site.arn('ecs', `capacity-provider/${name}`), reason: 'MISSING' })),
        };
      },
    },
  };
}
