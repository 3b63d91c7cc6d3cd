/** How status looks: it fits the terminal, stays readable with many services, and obeys nobody's escapes. */
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drawStatus } from '../../../cli/terminal/status-table.ts';
import { table } from '../../../cli/terminal/table.ts';
import { columns, cut, wrap } from '../../../cli/terminal/text.ts';
import type { RunningRecord } from '../../../domain/ledger/records.ts';
import type { EnvironmentView, ServiceRow, Status } from '../../../queries/status.ts';

const at = '2026-11-23T12:00:00Z';

const runs = (environment: string, repository: string, tag: string): RunningRecord => ({
  repository,
  digest: `sha256:${tag}`,
  tag,
  order: '1',
  commit: 'cf7edb2aa',
  pushedAt: at,
  environment,
  promotion: 'p',
  since: '2026-11-23T09:00:00Z',
  verified: true,
});

const environment = (name: string, more: Partial<EnvironmentView> = {}): EnvironmentView => ({
  name,
  state: 'up',
  frozen: null,
  pins: [],
  until: null,
  manifest: [],
  ...more,
});

const row = (service: string, tags: Readonly<Record<string, string>>): ServiceRow => ({
  service,
  runs: Object.fromEntries(Object.entries(tags).map(([name, tag]) => [name, [runs(name, service, tag)]])),
  differs: new Set(Object.values(tags)).size > 1,
});

const view = (services: readonly ServiceRow[], names: readonly string[], more: Partial<Status> = {}): Status => ({
  pipeline: 'acme',
  at,
  environments: names.map((name) => environment(name)),
  services,
  inProgress: [],
  promotions: [],
  migrations: [],
  failed: [],
  ...more,
});

const FIVE = ['test', 'beta', 'staging', 'live', 'sandbox'];
const everywhere = (tag: string) => Object.fromEntries(FIVE.map((name) => [name, tag]));

describe('status on a terminal of 80 columns', () => {
  const { isTTY, columns: before } = process.stdout;
  beforeEach(() => Object.assign(process.stdout, { isTTY: true, columns: 80 }));
  afterEach(() => Object.assign(process.stdout, { isTTY, columns: before }));

  it('is drawn as for 80 where the terminal says that it has none', () => {
    const draw = () => drawStatus(view([row('orders-web', everywhere('git_1'))], FIVE), 'UTC', false);
    const eighty = draw();
    Object.assign(process.stdout, { columns: 0 });
    expect(draw()).toBe(eighty);
    expect(() => table(['a', 'b'], [['x', 'y'.repeat(200)]])).not.toThrow();
  });
  const lines = (text: string) => stripVTControlCharacters(text).split('\n');

  it('never writes a longer line, whatever the names are', () => {
    const services = [row('a-service-with-a-name-that-goes-on-and-on', { ...everywhere('git_cf7edb2aa0123456789'), live: 'git_91ff20b' })];
    const release = {
      ...runs('test', 'orders', 'git_1'),
      state: 'in-progress' as const,
      admittedAt: at,
      execution: 'e',
      attempt: 1,
      since: at,
    };
    const text = drawStatus(
      view(services, [...FIVE, 'a-sixth-environment', 'a-seventh-one'], {
        inProgress: [{ ...release, waitsFor: `approval for live by ${'somebody@example.com, '.repeat(8)}` }],
        failed: [{ ...release, state: 'failed', reason: 'word '.repeat(100) + 'x'.repeat(200) }],
      }),
      'UTC',
      false,
    );
    for (const line of lines(text)) expect(columns(line), line).toBeLessThan(80);
    expect(text).toContain('a-seventh-one');
  });

  it('folds two hundred services into those that differ and a number', () => {
    const services = Array.from({ length: 200 }, (_, index) =>
      row(`service-${index}`, index % 40 === 7 ? { ...everywhere('1.0.0'), test: `2.0.${index}` } : everywhere(`1.0.${index}`)),
    );
    const text = drawStatus(view(services, FIVE), 'UTC', false);
    expect(lines(text).length).toBeLessThan(24);
    expect(text).toContain('service-47');
    expect(text).toContain('195 more services run the same release everywhere');
    expect(drawStatus(view(services, FIVE), 'UTC', true)).toContain('service-199');
  });

  it('counts what two hundred releases wait for, and keeps half of a small screen for that', () => {
    const services = Array.from({ length: 200 }, (_, index) =>
      row(`service-${index}`, index < 100 ? { test: `1.0.${index}`, live: '1' } : {}),
    );
    const inProgress = Array.from({ length: 150 }, (_, index) => ({
      ...runs('test', `service-${index}`, `git_${'endless-'.repeat(12)}${index}`),
      state: 'in-progress' as const,
      admittedAt: at,
      since: at,
      execution: `service-${index}-1`,
      attempt: 1,
      stage: index % 2 ? 'beta' : 'test',
      ...(index % 2 ? { waitsFor: 'approval for beta by integration-lead@example.com' } : {}),
    }));
    const failed = Array.from({ length: 30 }, (_, index) => ({
      ...inProgress[index]!,
      state: 'failed' as const,
      reason: 'it crashed',
      endedAt: at,
    }));
    const draw = (all: boolean, height?: number) => lines(drawStatus(view(services, FIVE, { inProgress, failed }), 'UTC', all, height));
    const small = draw(false, 29);
    expect(small.length).toBeLessThanOrEqual(40);
    expect(Math.max(...small.map(columns))).toBeLessThanOrEqual(80);
    expect(small.slice(0, 29)).toContain('in progress');
    expect(small.join('\n')).toMatch(/\d+ more {2}wait for approval for beta by/);
    expect(small.join('\n')).toMatch(/\d+ more {2}move, in test\n/);
    expect(small.join('\n')).toContain('… and 27 more; see shiplock releases');
    expect(small.join('\n')).toContain('of 100 more services nothing runs yet');
    expect(draw(false).join('\n')).toContain('65 more  wait for approval');
    expect(draw(true).join('\n')).not.toContain('more  wait');
  });

  it('gives services that run the same one row', () => {
    const one = row('orders-web', everywhere('git_1'));
    const both = [one, { ...one, service: 'orders-worker' }];
    expect(drawStatus(view(both, FIVE.slice(0, 3)), 'UTC', false)).toContain('orders-web, orders-worker');
    // Shorter names rather than a second table.
    const text = lines(drawStatus(view(both, FIVE), 'UTC', false));
    expect(text[0]).toMatch(/^runs\s+test\s+beta\s+staging\s+live\s+sandbox$/);
    expect(text[1]).toMatch(/^orders-web \+1\s+git_1/);
  });

  it('says who froze and pinned what, and why', () => {
    const environments = [
      environment('live', {
        frozen: { environment: 'live', by: 'release-manager@example.com', at, reason: 'Black Friday', manualIntervention: false },
        pins: [{ environment: 'live', repository: 'orders', by: 'release-manager@example.com', at, reason: 'rolled back' }],
      }),
    ];
    const text = lines(drawStatus({ ...view([], []), environments }, 'UTC', false)).join(' ');
    expect(text).toContain('live is frozen since Mon 23 Nov 12:00 by release-manager@example.com: Black Friday');
    expect(text).toContain('orders in live is pinned since Mon 23 Nov 12:00 by release-manager@example.com: rolled back');
  });

  it('shows the escapes of hostile tags, and does not send them', () => {
    const text = drawStatus(view([row('web', { test: '1\u001b[31mowned\u0007', live: '2\u202e' })], ['test', 'live']), 'UTC', false);
    expect(text).toContain('owned');
    expect(lines(text).join('')).not.toMatch(/\p{Cc}|\u202e/u);
  });

  it('measures wide and combining characters as terminals do', () => {
    expect(columns('日本')).toBe(4);
    expect(columns('e\u0301')).toBe(1);
    expect(cut('日本語', 5)).toBe('日本…');
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    for (const line of lines(table(['a', 'b'], [['日本語'.repeat(20), 'x'.repeat(100)]]))) expect(columns(line)).toBeLessThan(80);
  });
});
