/** What is measured: one service, four environments that always exist, two approvals, HTTP checks, rolling. */
import { definePipeline } from '../../domain/configuration/configuration.ts';

const checks = [{ path: '/health' }];

export default definePipeline({
  name: 'bench',
  sites: { main: { account: '111111111111', region: 'eu-central-1' } },
  people: { 'release-manager@example.com': {} },
  repositories: { shop: { tags: 'git_*' } },
  services: {
    shop: {
      taskDefinition: 'shop.json',
      containers: { shop: 'shop' },
      web: { container: 'shop', port: 8080, path: '/*', health: '/health', graceSeconds: 7200 },
    },
  },
  environments: {
    test: { checks, timeouts: { deployMinutes: 120 } },
    beta: { checks, timeouts: { deployMinutes: 120 }, approval: { approvers: ['release-manager@example.com'] } },
    staging: { checks, timeouts: { deployMinutes: 120 } },
    live: { checks, timeouts: { deployMinutes: 120 }, approval: { approvers: ['release-manager@example.com'] } },
  },
  path: ['test', 'beta', 'staging', 'live'],
  sweepMinutes: 60,
});
