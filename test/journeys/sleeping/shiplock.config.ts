/** One service in two environments that sleep at night: one is deleted, one stays at zero. Traffic shifts in both. */
import { definePipeline } from '../../../domain/configuration/configuration.ts';

export default definePipeline({
  name: 'nights',
  timeZone: 'Europe/Berlin',
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
  environments: {
    deleted: {
      onDemand: { from: '07:00', to: '20:00', depth: 'cluster', outside: 'wait' },
      strategy: { kind: 'canary', percent: 10, stepBakeMinutes: 2, bakeMinutes: 1 },
      checks: [{ service: 'door', path: '/health' }],
    },
    zero: {
      onDemand: { from: '07:00', to: '20:00', depth: 'tasks', outside: 'wait' },
      strategy: { kind: 'blue-green', bakeMinutes: 1 },
      checks: [{ service: 'door', path: '/health' }],
    },
  },
  path: ['deleted', 'zero'],
  sweepMinutes: 60,
});
