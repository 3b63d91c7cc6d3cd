/** One working week of the sample pipeline, as `npm start` plays it: what people and builders do, and what must come of it. */
import { defineRehearsal } from '../../rehearsal/script.ts';

const manager = 'release-manager@example.com';
const integrator = 'integration-lead@example.com';
const developer = 'developer@example.com';

export default defineRehearsal({
  monday: '2026-11-23',
  timeZone: 'Europe/Berlin',
  traffic: { environment: 'live', path: '/orders', everySeconds: 60 },
  steps: [
    // Monday: the first push wakes test; everything moves to live.
    { at: 'Mon 06:30', expect: { environment: 'test', services: 'down' } },
    {
      at: 'Mon 08:30',
      push: {
        repository: 'orders',
        tag: 'git_cf7edb2',
        commit: 'cf7edb2',
        message: 'Take orders by post code',
        author: developer,
        provenance: true,
      },
      as: 'orders 1',
    },
    {
      at: 'Mon 08:40',
      push: { repository: 'catalog', tag: 'build-101', commit: '5b1c09e', message: 'Show what is in stock', author: developer },
      as: 'catalog 1',
    },
    {
      at: 'Mon 08:45',
      push: { repository: 'gateway', tag: '1.4.0', commit: 'a90d3f1', message: 'Route by locale', author: developer },
      as: 'gateway 1',
    },
    { at: 'Mon 09:30', expect: { environment: 'test', runs: { orders: 'git_cf7edb2', catalog: 'build-101', gateway: '1.4.0' } } },
    { at: 'Mon 09:30', expect: { environment: 'test', services: 4 } },
    { at: 'Mon 09:31', approve: 'orders 1', stage: 'beta', by: 'stranger@example.com', answer: 'refused' },
    { at: 'Mon 09:32', approve: 'orders 1', stage: 'beta', by: integrator, answer: 'done' },
    { at: 'Mon 09:33', approve: 'catalog 1', stage: 'beta', by: integrator, answer: 'done' },
    { at: 'Mon 09:34', approve: 'gateway 1', stage: 'beta', by: integrator, answer: 'done' },
    // Staging shares live's database, which this would migrate: those who approve for live are asked first.
    { at: 'Mon 10:00', expect: { environment: 'staging', runs: { catalog: 'build-101', gateway: '1.4.0' } } },
    { at: 'Mon 10:00', approve: 'orders 1', stage: 'staging', by: developer, answer: 'refused', note: 'wrote the change' },
    { at: 'Mon 10:01', approve: 'orders 1', stage: 'staging', by: manager, answer: 'done' },
    { at: 'Mon 10:30', expect: { environment: 'staging', runs: { orders: 'git_cf7edb2', catalog: 'build-101', gateway: '1.4.0' } } },
    { at: 'Mon 10:31', approve: 'orders 1', stage: 'live+sandbox', by: developer, answer: 'refused', note: 'wrote the change' },
    { at: 'Mon 10:32', approve: 'orders 1', stage: 'live+sandbox', by: manager, answer: 'done' },
    { at: 'Mon 10:33', approve: 'catalog 1', stage: 'live+sandbox', by: manager, answer: 'done' },
    { at: 'Mon 10:34', approve: 'gateway 1', stage: 'live+sandbox', by: manager, answer: 'done' },
    { at: 'Mon 11:30', expect: { release: 'orders 1', state: 'succeeded' } },
    { at: 'Mon 11:30', expect: { environment: 'live', runs: { orders: 'git_cf7edb2', catalog: 'build-101', gateway: '1.4.0' } } },
    { at: 'Mon 11:30', expect: { environment: 'sandbox', runs: { orders: 'git_cf7edb2', catalog: 'build-101', gateway: '1.4.0' } } },
    { at: 'Mon 20:15', expect: { environment: 'test', services: 'down' } },

    // Tuesday: two bad images, each with its reason; then a newer push overtakes one that waits for people.
    {
      at: 'Tue 09:00',
      push: {
        repository: 'orders',
        tag: 'git_0badc0d',
        commit: '0badc0d',
        message: 'Read the price list at start',
        author: developer,
        labels: { 'local.aws.exit-code': '1', 'local.aws.log': 'reading prices\nError: no such file: /etc/prices.csv' },
      },
      as: 'crashes',
    },
    { at: 'Tue 10:00', expect: { release: 'crashes', state: 'failed', reason: 'exit code 1' } },
    { at: 'Tue 10:00', expect: { release: 'crashes', state: 'failed', reason: '/etc/prices.csv' } },
    { at: 'Tue 10:00', expect: { environment: 'test', runs: { orders: 'git_cf7edb2' } } },
    {
      at: 'Tue 10:10',
      push: {
        repository: 'catalog',
        tag: 'build-102',
        commit: '77aa01c',
        message: 'Cache the shelves',
        author: developer,
        labels: { 'local.aws.responses': '{"/catalog/smoke":500}' },
      },
      as: 'smokes',
    },
    { at: 'Tue 11:00', expect: { release: 'smokes', state: 'failed', reason: '/catalog/smoke' } },
    { at: 'Tue 11:00', expect: { environment: 'test', runs: { catalog: 'build-101' } } },
    {
      at: 'Tue 11:10',
      push: {
        repository: 'orders',
        tag: 'git_3e1a7c4',
        commit: '3e1a7c4',
        message: 'Ship prices with the image',
        author: developer,
        provenance: true,
      },
      as: 'orders 2',
    },
    {
      at: 'Tue 14:00',
      push: {
        repository: 'orders',
        tag: 'git_91ff20b',
        commit: '91ff20b',
        message: 'Round prices half up',
        author: developer,
        provenance: true,
      },
      as: 'orders 3',
    },
    { at: 'Tue 15:00', expect: { release: 'orders 2', state: 'superseded', reason: 'git_91ff20b' } },
    { at: 'Tue 15:01', approve: 'orders 2', stage: 'beta', by: integrator, answer: 'refused', note: 'its request is dead' },
    { at: 'Tue 15:02', approve: 'orders 3', stage: 'beta', by: integrator, answer: 'done' },
    { at: 'Tue 15:20', approve: 'orders 3', stage: 'staging', by: manager, answer: 'done' },
    { at: 'Tue 15:45', approve: 'orders 3', stage: 'live+sandbox', by: manager, answer: 'done' },
    { at: 'Tue 16:30', expect: { release: 'orders 3', state: 'succeeded' } },
    { at: 'Tue 16:30', expect: { environment: 'live', runs: { orders: 'git_91ff20b' } } },

    // Wednesday: events get doubled and lost, and nothing comes of it. A push after hours waits for the morning.
    {
      at: 'Wed 09:00',
      push: { repository: 'gateway', tag: '1.5.0', commit: 'c4d1b6a', message: 'Compress answers', author: developer },
      as: 'gateway 2',
      fault: 'event-doubled',
    },
    { at: 'Wed 10:00', expect: { release: 'gateway 2', executions: 1 } },
    { at: 'Wed 10:00', expect: { environment: 'test', runs: { gateway: '1.5.0' } } },
    {
      at: 'Wed 10:05',
      push: { repository: 'catalog', tag: 'build-103', commit: '08b2ee5', message: 'Cache the shelves, right', author: developer },
      as: 'catalog 2',
      fault: 'event-lost',
    },
    { at: 'Wed 11:00', expect: { environment: 'test', runs: { catalog: 'build-103' } } },
    { at: 'Wed 11:05', lose: 'ecs-event' },
    { at: 'Wed 11:05', approve: 'gateway 2', stage: 'beta', by: integrator, answer: 'done' },
    { at: 'Wed 12:30', expect: { environment: 'beta', runs: { gateway: '1.5.0' } } },
    {
      at: 'Wed 21:00',
      push: { repository: 'orders', tag: 'git_6d0e5f8', commit: '6d0e5f8', message: 'Say thank you', author: developer, provenance: true },
      as: 'orders 4',
    },
    { at: 'Wed 23:00', expect: { environment: 'test', services: 'down' } },
    { at: 'Wed 23:00', expect: { release: 'orders 4', state: 'in-progress' } },

    // Thursday: the morning restores what ran and lets it in. Sandbox fails, live does not care.
    { at: 'Thu 07:45', expect: { environment: 'test', services: 4 } },
    { at: 'Thu 07:45', expect: { environment: 'test', runs: { orders: 'git_6d0e5f8', catalog: 'build-103', gateway: '1.5.0' } } },
    { at: 'Thu 09:00', approve: 'gateway 2', stage: 'live+sandbox', by: manager, answer: 'done' },
    { at: 'Thu 10:00', expect: { release: 'gateway 2', state: 'succeeded' } },
    {
      at: 'Thu 10:05',
      push: {
        repository: 'gateway',
        tag: '1.6.0',
        commit: 'e2f7a18',
        message: 'New customers sign themselves up',
        author: developer,
        labels: { 'local.aws.responses': '{"/onboarding":500}' },
      },
      as: 'gateway 3',
    },
    { at: 'Thu 11:00', approve: 'gateway 3', stage: 'beta', by: integrator, answer: 'done' },
    { at: 'Thu 12:00', approve: 'gateway 3', stage: 'live+sandbox', by: manager, answer: 'done' },
    { at: 'Thu 13:00', expect: { release: 'gateway 3', state: 'failed', reason: 'sandbox' } },
    { at: 'Thu 13:00', expect: { environment: 'live', runs: { gateway: '1.6.0' } } },
    { at: 'Thu 13:00', expect: { environment: 'sandbox', runs: { gateway: '1.5.0' } } },
    // A migration that fails: no service changes.
    {
      at: 'Thu 14:00',
      push: {
        repository: 'orders',
        tag: 'git_a17e2d9',
        commit: 'a17e2d9',
        message: 'Keep the history of prices',
        author: developer,
        labels: {
          'local.aws.commands':
            '{"migrate":{"exit-code":3,"exit-after":20,"log":"ALTER TABLE prices ADD COLUMN since\\nERROR: lock timeout"}}',
        },
      },
      as: 'cannot migrate',
    },
    { at: 'Thu 15:00', expect: { release: 'cannot migrate', state: 'failed', reason: 'exit code 3' } },
    { at: 'Thu 15:00', expect: { release: 'cannot migrate', state: 'failed', reason: 'lock timeout' } },
    { at: 'Thu 15:00', expect: { environment: 'test', runs: { orders: 'git_6d0e5f8' } } },

    // Friday: one says no.
    { at: 'Fri 09:00', reject: 'orders 4', stage: 'beta', by: integrator, reason: 'thank them in their own language', answer: 'done' },
    { at: 'Fri 09:30', expect: { release: 'orders 4', state: 'refused', reason: 'their own language' } },
    { at: 'Fri 20:15', expect: { environment: 'test', services: 'down' } },
  ],
  ends: 'Fri 21:00',
});
