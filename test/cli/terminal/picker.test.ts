/** The picker without a terminal: what keys do, and that what is drawn fits. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Source } from '../../../cli/connection/source.ts';
import { drawPicker, matching, type Option, press, type Standing } from '../../../cli/terminal/picker.ts';
import { nextOf } from '../../../cli/terminal/release-list.ts';
import { columns } from '../../../cli/terminal/text.ts';
import type { ReleaseView } from '../../../queries/releases.ts';

const options: Option[] = Array.from({ length: 100 }, (_, index) => ({
  number: index + 1,
  cells: [String(index + 1), `orders git_${index + 1}`, 'developer', index === 41 ? 'Gift\u001b[31m cards 日本' : 'Faster checkout'],
  details: [`change ${index + 1}`],
}));
const keys = (...names: (string | { ctrl: string })[]) =>
  names.reduce<Standing>(
    (standing, key) => {
      const step =
        typeof key === 'string'
          ? press(options, standing, key.length === 1 ? key : undefined, { name: key }, 10)
          : press(options, standing, undefined, { name: key.ctrl, ctrl: true }, 10);
      if (!('standing' in step)) throw new Error('it ended');
      return step.standing;
    },
    { typed: '', at: 0 },
  );

describe('a release that was chosen', () => {
  const stage = (...environments: string[]) => ({ environments });
  const source = { pipeline: { path: [stage('test'), stage('beta', 'load'), stage('live')] } } as unknown as Pick<Source, 'pipeline'>;
  const chosen = (more: Partial<ReleaseView>) =>
    nextOf(
      { repository: 'orders', tag: 'git_1', state: 'succeeded', runsIn: [], verifiedIn: [], ...more } as unknown as ReleaseView,
      source,
    )[0];

  it.each([
    [{ runsIn: ['test'], verifiedIn: ['test'] }, 'plan promote orders@git_1 --to beta'],
    [{ runsIn: ['beta'], verifiedIn: ['test', 'beta', 'load'] }, 'plan promote orders@git_1 --to live'],
    [{ runsIn: ['test'], verifiedIn: ['test', 'beta', 'load', 'live'] }, 'plan promote orders@git_1 --to live'],
    [{ runsIn: ['test', 'beta', 'load', 'live'] }, undefined],
    [{ state: 'in-progress', waitsFor: 'approval for beta by lead@example.com' }, 'approve orders@git_1'],
    [{ state: 'in-progress' }, 'wait orders@git_1'],
  ] as const)('%j goes on by: %s', (more, expected) => {
    expect(chosen(more as Partial<ReleaseView>)).toBe(expected);
  });
});

describe('the picker', () => {
  it('moves, stops at the ends, and chooses', () => {
    expect(keys('up').at).toBe(0);
    expect(keys('down', 'pagedown', { ctrl: 'n' }).at).toBe(12);
    expect(keys('end', 'down').at).toBe(99);
    expect(press(options, keys('down'), '\r', { name: 'return' }, 10)).toEqual({ chosen: options[1] });
  });

  it('narrows by words, and finds a number first', () => {
    expect(matching(options, 'gift cards').map(({ number }) => number)).toEqual([42]);
    expect(matching(options, '7').map(({ number }) => number)[0]).toBe(7);
    expect(keys('down', 'g', 'i', 'backspace')).toEqual({ typed: 'g', at: 0 });
    expect(press(options, { typed: 'nothing like it', at: 0 }, '\r', { name: 'return' }, 10)).toEqual({
      standing: { typed: 'nothing like it', at: 0 },
    });
  });

  it('is left by Escape, which shows all first, and interrupted by Ctrl-C', () => {
    expect(press(options, { typed: 'x', at: 0 }, undefined, { name: 'escape' }, 10)).toEqual({ standing: { typed: '', at: 0 } });
    expect(press(options, { typed: '', at: 0 }, undefined, { name: 'escape' }, 10)).toEqual({ left: 'nothing' });
    expect(press(options, { typed: 'x', at: 0 }, undefined, { name: 'c', ctrl: true }, 10)).toEqual({ left: 'interrupted' });
  });

  it('keeps what releases are called, where the rest has to give way', () => {
    const alike = ['git_cf7edb2a', 'git_cf7edb2b'].map((tag, index) => ({
      number: index + 1,
      cells: [String(index + 1), `customer-accounts ${tag}`, '38 min', 'integration-lead', 'test, beta, staging, live', 'A long message'],
      details: [],
    }));
    const drawn = drawPicker('which?', alike, { typed: '', at: 0 }, { width: 80, rows: 24 }).map(stripVTControlCharacters).join('\n');
    for (const { cells } of alike) expect(drawn).toContain(cells[1]);
  });

  it('fits every terminal, shows the one that is meant, and obeys no escapes', () => {
    for (const [width, rows] of [
      [80, 24],
      [30, 10],
      [12, 5],
    ] as const) {
      const lines = drawPicker('which release?', options, { typed: '', at: 41 }, { width, rows }).map(stripVTControlCharacters);
      expect(lines.length).toBeLessThan(rows);
      for (const line of lines) expect(columns(line), line).toBeLessThan(width);
      expect(lines.join('\n')).toContain('❯ 42');
      expect(lines.join('')).not.toContain('\u001b');
    }
  });
});
