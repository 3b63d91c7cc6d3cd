/**
 * The pipeline of Acme, a shop: three repositories, four services, five environments.
 * It shows every key there is; a test holds it against the schema, and docs/configuration.md is made from it.
 */
import { definePipeline } from '../../domain/configuration/configuration.ts';

export default definePipeline({
  // Prefixes every name in AWS: at most 12 characters.
  name: 'acme',
  // In which people read times, and for the hours below; an environment may have another.
  timeZone: 'Europe/Berlin',

  // One account and Region each, where environments live.
  sites: {
    main: { account: '111111111111', region: 'eu-central-1' },
  },

  // Who may decide. The e-mail address is the session name of their single sign-on role, unless `session` says otherwise.
  people: {
    'release-manager@example.com': { groups: ['release-managers'] },
    'integration-lead@example.com': { groups: ['integrators'], session: 'integration-lead@example.com' },
    // `authorAs`: names under which they appear as author of a change; their own address, if left out.
    'developer@example.com': { groups: ['release-managers'], authorAs: ['developer@example.com', 'developer@users.example.com'] },
  },

  // What is pushed, which of its tags are releases, and how those compare.
  repositories: {
    // push-time: the later push is the newer release. Others: build-number, semver, commit-time.
    orders: { tags: 'git_*', order: 'push-time', platform: 'linux/amd64' },
    catalog: { tags: 'build-*', order: 'build-number' },
    gateway: { tags: '*.*.*', order: 'semver' },
  },

  // What runs. Two services run the repository `orders`, so they move together.
  services: {
    'orders-web': {
      taskDefinition: 'ecs/orders-web.json',
      // Container names of the template: a repository, or a fixed image.
      containers: { web: 'orders' },
      web: {
        container: 'web',
        port: 8080,
        path: '/orders*',
        health: '/orders/health',
        // Seconds a new task may fail its health check.
        graceSeconds: 60,
      },
      // Tasks, by environment or the same in all; 1 if left out.
      count: { test: 1, beta: 1, staging: 1, live: 2, sandbox: 1 },
    },
    'orders-worker': {
      taskDefinition: 'ecs/orders-worker.json',
      containers: { worker: 'orders', statsd: { image: 'public.ecr.aws/cloudwatch-agent/cloudwatch-agent:1.300060.0b1248' } },
    },
    'catalog-web': {
      taskDefinition: 'ecs/catalog-web.json',
      containers: { web: 'catalog' },
      web: { container: 'web', port: 8080, path: '/catalog*', health: '/catalog/health' },
      count: { live: 2 },
    },
    // Last, as its path would catch the others' requests: rules are asked in this order.
    gateway: {
      taskDefinition: 'ecs/gateway.json',
      containers: { gateway: 'gateway' },
      web: { container: 'gateway', port: 8000, path: '/*', health: '/health' },
      count: 1,
      // Where it differs from the environment's. `percent` of the traffic of a canary or of a step of linear; minutes between steps.
      strategy: {
        live: { kind: 'canary', percent: 10, stepBakeMinutes: 5, bakeMinutes: 5, confirm: false, pauseMinutes: 60 },
        test: { kind: 'rolling', earlySuccess: true },
      },
    },
  },

  // Databases that releases bring migrations for. A migration runs once for each database and digest, before any service changes.
  databases: {
    orders: {
      taskDefinition: 'ecs/orders-migrate.json',
      // One container runs what a repository releases: that repository's releases migrate. Others run a fixed image.
      containers: { migrate: 'orders', proxy: { image: 'public.ecr.aws/docker/library/haproxy:3.2' } },
      // Instead of the template's.
      command: ['migrate', '--up'],
      // Minutes after which it is stopped, and the promotion fails.
      timeoutMinutes: 15,
    },
  },

  environments: {
    // For system tests. Destroyed at 20:00, woken by the next push.
    test: {
      site: 'main',
      onDemand: {
        days: 'monday-friday',
        from: '07:00',
        to: '20:00',
        timeZone: 'Europe/Berlin',
        // cluster: services and cluster are deleted. tasks: services stay, at zero.
        depth: 'cluster',
        // What a push after hours does: wait for the morning, or wake.
        outside: 'wait',
      },
      // rolling, blue-green, canary or linear. Workers, which take no requests, are rolled.
      // `earlySuccess`: a deployment succeeds as soon as all new tasks are healthy; the old ones stop afterwards.
      strategy: { kind: 'rolling', earlySuccess: false },
      // Tasks that may fail, one after the other, before a deployment is given up; or a share of those that are wanted, as '25%'.
      failureThreshold: 3,
      // Asked through the load balancer after a deployment; with `service`, only if that was deployed.
      checks: [
        { service: 'orders-web', path: '/orders/health' },
        { service: 'orders-web', path: '/orders/smoke', status: 200, contains: 'orders', attempts: 3 },
        { service: 'catalog-web', path: '/catalog/smoke' },
        { service: 'gateway', path: '/health' },
      ],
      // A CodeBuild project that runs against the environment.
      build: 'system-tests',
      // Every container gets these.
      variables: { ENVIRONMENT: 'test' },
      timeouts: { deployMinutes: 20, verifyMinutes: 30, turnHours: 72 },
      // Dangerous parts of a task definition that are allowed here: privileged, host-network, host-volumes, foreign-roles, foreign-secrets, plaintext-secrets.
      allow: [],
    },
    // For integrators, who do not want to be surprised.
    beta: {
      checks: [
        { service: 'orders-web', path: '/orders/health' },
        { service: 'catalog-web', path: '/catalog/health' },
        { service: 'gateway', path: '/health' },
      ],
      approval: { approvers: ['group:integrators'], quorum: 1, expiresHours: 120 },
      variables: { ENVIRONMENT: 'beta' },
      timeouts: { deployMinutes: 20 },
    },
    // Smoke tests with live's credentials; scaled to zero at night, so that it wakes fast.
    staging: {
      onDemand: { from: '07:00', to: '20:00', depth: 'tasks', outside: 'wait' },
      checks: [
        { service: 'orders-web', path: '/orders/smoke' },
        { service: 'catalog-web', path: '/catalog/smoke' },
        { service: 'gateway', path: '/health' },
      ],
      // Whose database it uses: its own where nothing is said, that of another environment, or none (false). A release of orders
      // that enters staging migrates live's database, so those who approve for live are asked here already.
      databases: { orders: 'live' },
      variables: { ENVIRONMENT: 'staging' },
    },
    // Customers. Whoever wrote a change does not approve it.
    live: {
      checks: [
        { service: 'orders-web', path: '/orders/health' },
        { service: 'catalog-web', path: '/catalog/health' },
        { service: 'catalog-web', path: '/catalog/checkout' },
        { service: 'gateway', path: '/health' },
      ],
      approval: { approvers: ['group:release-managers'], notAuthor: true, expiresHours: 168 },
      variables: { ENVIRONMENT: 'live' },
      // A second set of tasks, checked at the test listener before any customer meets it; kept for `bakeMinutes` afterwards.
      // With `confirm`, one of the approvers has to confirm too. ECS rolls back when nothing is said within `pauseMinutes`.
      strategy: { kind: 'blue-green', bakeMinutes: 5, confirm: false, pauseMinutes: 60 },
      failureThreshold: 3,
    },
    // Customers being onboarded. Moves with live; if it fails, live does not care.
    sandbox: {
      checks: [
        { service: 'orders-web', path: '/orders/health' },
        { service: 'catalog-web', path: '/catalog/health' },
        { service: 'gateway', path: '/onboarding' },
      ],
      variables: { ENVIRONMENT: 'sandbox' },
    },
  },

  // The stages that a release moves through, in order; several environments in one stage move together.
  path: ['test', 'beta', 'staging', ['live', 'sandbox']],

  builds: {
    'system-tests': {
      buildspec: '../../buildspecs/system-tests.yml',
      computeType: 'BUILD_GENERAL1_SMALL',
      image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
      timeoutMinutes: 15,
    },
  },

  // Who is told: at start, waiting and end, with the reason and the command that helps. A topic is there anyway, for whoever subscribes.
  notifications: {
    // SNS asks each address once whether it wants this.
    email: ['release-manager@example.com'],
    // Incoming webhooks. Their addresses are secrets: SecureString parameters, named here.
    slack: { webhook: '/acme/webhooks/slack' },
    teams: { webhook: '/acme/webhooks/teams' },
  },

  // Minutes between two sweeps, which find what lost events would have told.
  sweepMinutes: 5,
});
