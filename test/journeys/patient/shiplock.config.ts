/** One service in one environment that has patience: a deployment may take two hours. */
import { definePipeline } from '../../../domain/configuration/configuration.ts';

export default definePipeline({
  name: 'slow',
  timeZone: 'Europe/Berlin',
  sites: { main: { account: '333333333333', region: 'eu-central-1' } },
  people: {},
  repositories: { door: { tags: 'build-*', order: 'build-number' } },
  services: {
    door: {
      taskDefinition: '../../simulation/pipeline/ecs/web.json',
      containers: { web: 'door' },
      web: { container: 'web', port: 8080, path: '/*', health: '/health', graceSeconds: 7200 },
    },
  },
  environments: { live: { checks: [{ service: 'door', path: '/health' }], timeouts: { deployMinutes: 120 } } },
  path: ['live'],
});
