/** One service in one environment, whose strategy is the only thing that changes. */
import { definePipeline } from '../../../domain/configuration/configuration.ts';

type Strategy = NonNullable<Parameters<typeof definePipeline>[0]['environments'][string]['strategy']>;

export const changing = (strategy: Strategy, failureThreshold: number | string = 3) =>
  definePipeline({
    name: 'change',
    sites: { main: { account: '333333333333', region: 'eu-central-1' } },
    repositories: { door: { tags: 'build-*', order: 'build-number' } },
    services: {
      door: {
        taskDefinition: '../../simulation/pipeline/ecs/web.json',
        containers: { web: 'door' },
        web: { container: 'web', port: 8080, path: '/*', health: '/health' },
        count: 2,
      },
    },
    environments: { live: { strategy, failureThreshold, checks: [{ service: 'door', path: '/checked' }] } },
    path: ['live'],
    sweepMinutes: 60,
  });
