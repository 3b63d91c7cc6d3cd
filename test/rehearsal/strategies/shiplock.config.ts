/** One service in four environments, each with a strategy of its own. */
import { definePipeline } from '../../../domain/configuration/configuration.ts';

const checks = [{ service: 'door', path: '/health' }];

export default definePipeline({
  name: 'ways',
  timeZone: 'Europe/Berlin',
  sites: { main: { account: '444444444444', region: 'eu-central-1' } },
  people: { 'release-manager@example.com': {} },
  repositories: { door: { tags: 'build-*', order: 'build-number' } },
  services: {
    door: {
      taskDefinition: '../../simulation/pipeline/ecs/web.json',
      containers: { web: 'door' },
      web: { container: 'web', port: 8080, path: '/*', health: '/health' },
      count: 2,
    },
  },
  environments: {
    rolling: { strategy: 'rolling', checks },
    bluegreen: { strategy: { kind: 'blue-green', bakeMinutes: 2 }, checks },
    canary: { strategy: { kind: 'canary', percent: 10, stepBakeMinutes: 2, bakeMinutes: 2 }, checks },
    linear: { strategy: { kind: 'linear', percent: 25, stepBakeMinutes: 1, bakeMinutes: 2 }, checks },
  },
  path: ['rolling', 'bluegreen', 'canary', 'linear'],
});
