/** One service in one environment, in which a person confirms before traffic shifts step by step. */
import { definePipeline } from '../../../domain/configuration/configuration.ts';

export default definePipeline({
  name: 'steps',
  timeZone: 'Europe/Berlin',
  sites: { main: { account: '333333333333', region: 'eu-central-1' } },
  people: { 'release-manager@example.com': {} },
  repositories: { door: { tags: 'build-*', order: 'build-number' } },
  services: {
    door: {
      taskDefinition: '../../simulation/pipeline/ecs/web.json',
      containers: { web: 'door' },
      web: { container: 'web', port: 8080, path: '/*', health: '/health', graceSeconds: 900 },
      count: 2,
    },
  },
  environments: {
    live: {
      strategy: { kind: 'linear', percent: 25, stepBakeMinutes: 2, bakeMinutes: 3, confirm: true, pauseMinutes: 30 },
      approval: { approvers: ['release-manager@example.com'] },
      checks: [{ service: 'door', path: '/health' }],
    },
  },
  path: ['live'],
});
