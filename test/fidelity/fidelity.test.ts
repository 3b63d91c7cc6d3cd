import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUGS } from './bugs.ts';
import { recordings } from './folder.ts';
import { judge } from './judge.ts';

/** Whose every case agrees, or differs for a reason that known.ts gives. */
const AGREEING = [
  'asl',
  'asl-neutral',
  'asl-test-state',
  'asl-callbacks',
  'sfn-api',
  'event-patterns',
  'event-inputs',
  'schedule-expressions',
]
  .concat(['scheduler-api', 'sns-filter-policies', 'events-api', 'sqs-api', 'dynamodb-api'])
  .map((folder) => `${folder}/`);

/** The recordings are not part of this repository: where they are not, there is nothing to compare. */
describe.runIf(recordings)('local AWS does what the real one was recorded to do', () => {
  for (const family of AGREEING)
    it(`in ${family.slice(0, -1)}`, async () => {
      const { agreements, gaps } = await judge(recordings!, family);
      expect(gaps).toEqual([]);
      expect(agreements.map(({ differences }) => differences)).toEqual([[]]);
    }, 60_000);
});

describe('the judge', () => {
  const folderOf = (cases: Readonly<Record<string, object>>, counts: Readonly<Record<string, number>>) => {
    const folder = mkdtempSync(join(tmpdir(), 'recordings-'));
    writeFileSync(join(folder, 'index.json'), JSON.stringify({ counts }));
    for (const [name, one] of Object.entries(cases)) {
      const file = join(folder, `${name}.json`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(one));
    }
    return folder;
  };
  const pattern = (matches: boolean) => ({ name: 'one', eventText: EVENT, patternText: '{"source":["a"]}', matches });
  const EVENT = JSON.stringify({
    id: '1',
    source: 'a',
    'detail-type': 'd',
    account: '111111111111',
    time: '2024-01-01T00:00:00Z',
    region: 'us-east-1',
    resources: [],
    detail: {},
  });

  it('misses a folder, and cases that the index names', async () => {
    const folder = folderOf({ 'event-patterns/one': pattern(true) }, { 'event-patterns': 2, 'sqs-api': 1, 'what-is-this': 1 });
    const { gaps } = await judge(folder);
    expect(gaps).toContain('event-patterns has 1 cases, and the index names 2');
    expect(gaps).toContain('the folder sqs-api is missing');
    expect(gaps).toContain('nothing compares the recordings in what-is-this');
    rmSync(folder, { recursive: true });
  });

  it('goes on after a case that breaks', async () => {
    const folder = folderOf(
      { 'event-patterns/a': { name: 'a', eventText: 1 }, 'event-patterns/b': pattern(true), 'event-patterns/c': pattern(false) },
      {},
    );
    const { agreements } = await judge(folder, 'event-patterns');
    expect(agreements).toMatchObject([{ total: 3, agreed: 1, differences: [{ name: 'a' }, { name: 'c' }] }]);
    rmSync(folder, { recursive: true });
  });
});

describe('the bugs that are planted', () => {
  it('have their places, each exactly once', () => {
    const root = join(import.meta.dirname, '../..');
    const lost = BUGS.filter(({ file, find }) => readFileSync(join(root, file), 'utf8').split(find).length !== 2);
    expect(lost.map(({ name }) => name)).toEqual([]);
    expect(BUGS.length).toBeGreaterThanOrEqual(40);
  });
});
