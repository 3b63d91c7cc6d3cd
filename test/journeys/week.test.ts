/** The week that `npm start` plays: every line of it is an expectation, and each must hold. */
import { expect, inject, it } from 'vitest';
import week from '../../examples/acme/week.ts';
import { bill } from '../../rehearsal/bill.ts';
import { play } from '../../rehearsal/play.ts';
import { timeOf } from '../../rehearsal/script.ts';
import { Stage } from '../../rehearsal/stage.ts';
import { exampleConfig } from '../assembly.ts';

it('the sample’s working week goes as its script expects', { timeout: 240_000 }, async () => {
  const stage = await Stage.open({ config: exampleConfig, start: timeOf(week, 'Mon 05:00'), assembly: inject('assembly') });
  try {
    const { checks, traffic, journal } = await play(stage, week);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(checks.length).toBeGreaterThan(50);
    expect(traffic.requests).toBeGreaterThan(5_000);
    expect(traffic.failed).toBe(0);
    // Whatever a task token opens must not be said anywhere.
    const tokens = stage.site
      .service('states')
      .view()
      .flatMap(({ tokens: pending }) => pending ?? [])
      .map(String);
    for (const token of tokens) expect(JSON.stringify(journal)).not.toContain(token);
    expect(stage.site.service('iam').denials.map(({ message }) => message)).toEqual([]);
    const account = bill(stage, journal);
    expect(account.orchestration).toBeGreaterThan(0);
    expect(account.sentences.join()).toMatch(/test was down \d+ of/);
  } finally {
    await stage.close();
  }
});
