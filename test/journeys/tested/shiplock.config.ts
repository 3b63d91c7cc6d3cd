/** Two services in two environments: in the second a build tests and two people confirm at the test listener before a canary shifts traffic. */
import { definePipeline } from '../../../domain/configuration/configuration.ts';

const web = (path: string) => ({ container: 'web', port: 8080, path, health: '/health' });

export default definePipeline({
  name: 'tested',
  timeZone: 'Europe/Berlin',
  sites: { main: { account: '444444444444', region: 'eu-central-1' } },
  people: { 'release-manager@example.com': {}, 'integration-lead@example.com': {}, 'developer@example.com': {} },
  repositories: { desk: { tags: 'build-*', order: 'build-number' }, door: { tags: 'build-*', order: 'build-number' } },
  services: {
    desk: { taskDefinition: '../../simulation/pipeline/ecs/web.json', containers: { web: 'desk' }, web: web('/desk*') },
    door: { taskDefinition: '../../simulation/pipeline/ecs/web.json', containers: { web: 'door' }, web: web('/*'), count: { live: 2 } },
  },
  environments: {
    beta: { checks: [{ service: 'door', path: '/health' }] },
    live: {
      strategy: { kind: 'canary', percent: 10, stepBakeMinutes: 5, bakeMinutes: 5, confirm: true, pauseMinutes: 60 },
      approval: { approvers: ['release-manager@example.com', 'integration-lead@example.com'], quorum: 2 },
      checks: [
        { service: 'door', path: '/health' },
        { service: 'desk', path: '/desk/checkout' },
      ],
      build: 'probe',
    },
  },
  path: ['beta', 'live'],
  builds: { probe: { buildspec: 'probe.yml' } },
});
