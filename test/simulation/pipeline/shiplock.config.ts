/** A small pipeline for random histories: two repositories, three services, three environments, and little patience. */
import { definePipeline } from '../../../domain/configuration/configuration.ts';

export default definePipeline({
  name: 'sim',
  timeZone: 'Europe/Berlin',
  sites: { main: { account: '222222222222', region: 'eu-central-1' } },
  people: {
    'lead@example.com': { groups: ['integrators', 'release-managers'] },
    'manager@example.com': { groups: ['release-managers'] },
    'developer@example.com': { groups: ['integrators', 'release-managers'] },
    'guest@example.com': { groups: ['guests'] },
  },
  repositories: {
    shop: { tags: 'build-*', order: 'build-number' },
    door: { tags: 'build-*', order: 'build-number' },
  },
  services: {
    'shop-web': {
      taskDefinition: 'ecs/web.json',
      containers: { web: 'shop' },
      web: { container: 'web', port: 8080, path: '/shop*', health: '/shop/health' },
      count: { test: 1, beta: 1, live: 2 },
    },
    'shop-worker': { taskDefinition: 'ecs/worker.json', containers: { worker: 'shop' } },
    door: {
      taskDefinition: 'ecs/web.json',
      containers: { web: 'door' },
      web: { container: 'web', port: 8080, path: '/*', health: '/health' },
    },
  },
  environments: {
    test: {
      onDemand: { from: '07:00', to: '20:00', depth: 'cluster', outside: 'wait' },
      checks: [
        { service: 'shop-web', path: '/shop/smoke' },
        { service: 'door', path: '/smoke' },
      ],
      timeouts: { deployMinutes: 15, turnHours: 61 },
    },
    beta: {
      approval: { approvers: ['group:integrators'], expiresHours: 1 },
      checks: [
        { service: 'shop-web', path: '/shop/smoke' },
        { service: 'door', path: '/smoke' },
      ],
      timeouts: { deployMinutes: 15 },
    },
    live: {
      approval: { approvers: ['group:release-managers'], notAuthor: true, expiresHours: 2 },
      checks: [{ service: 'shop-web', path: '/shop/health' }],
      timeouts: { deployMinutes: 15 },
    },
  },
  path: ['test', 'beta', 'live'],
  sweepMinutes: 30,
});
