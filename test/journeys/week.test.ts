/** The week that `npm start` plays: every line of it is an expectation, and each must hold. */
import { expect, inject, it } from 'vitest';
import week from '../../examples/acme/week.ts';
import { bill } from '../../rehearsal/bill.ts';
import { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { play } from '../../rehearsal/play.ts';
import { timeOf } from '../../rehearsal/script.ts';
import { exampleConfig } from '../assembly.ts';

it('the sample’s working week goes as its script expects', { timeout: 240_000 }, async () => {
  const local = await LocalPipeline.open({ config: exampleConfig, start: timeOf(week, 'Mon 05:00'), assembly: inject('assembly') });
  try {
    const { checks, traffic, journal } = await play(local, week);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(checks.length).toBeGreaterThan(50);
    expect(traffic.requests).toBeGreaterThan(5_000);
    expect(traffic.failed).toBe(0);
    // Whatever a token or a key opens must not be said anywhere: of the sample's tokens and keys, each has the shape that this looks for.
    const { tokens } = local.site.service('states');
    expect(tokens.issue(1)).toMatch(OPENS);
    expect(local.site.service('iam').session(`arn:aws:iam::${local.site.account}:role/acme-decide`, 'x').sessionToken).toMatch(OPENS);
    expect(journal.filter(({ text }) => OPENS.test(text))).toEqual([]);
    const { groups, lines } = await everyLine(local);
    expect(groups).toEqual(expect.arrayContaining(['/aws/lambda/acme-decide', '/aws/lambda/acme-sweep', '/shiplock/acme/test/orders-web']));
    expect(lines.length).toBeGreaterThan(1_000);
    expect(lines.filter((line) => OPENS.test(line))).toEqual([]);
    expect(local.site.service('iam').denials.map(({ message }) => message)).toEqual([]);
    const account = bill(local, journal);
    expect(account.orchestration).toBeGreaterThan(0);
    expect(account.sentences.join()).toMatch(/test was down \d+ of/);
  } finally {
    await local.close();
  }
});

/** Task tokens and session tokens of local AWS, signatures, and the names under which keys are kept and sent. */
const OPENS = /AQB4AAAAKgAAAAMA|local[0-9a-f]{64}|AWS4-HMAC-SHA256|x-amz-security-token|secret_?access_?key|taskToken"/i;

/** All that was ever logged. */
async function everyLine(local: LocalPipeline): Promise<{ readonly groups: readonly string[]; readonly lines: readonly string[] }> {
  const self = local.site.service('iam').userPrincipal('rehearsal');
  const all = async <Item>(operation: string, member: string, input: object): Promise<Item[]> => {
    const items: Item[] = [];
    let nextToken: string | undefined;
    do {
      const page = await local.site.call<Record<string, unknown>>(self, 'logs', operation, {
        ...input,
        ...(nextToken ? { nextToken } : {}),
      });
      items.push(...((page[member] ?? []) as Item[]));
      nextToken = page.nextToken as string | undefined;
    } while (nextToken !== undefined);
    return items;
  };
  const groups = (await all<{ logGroupName: string }>('DescribeLogGroups', 'logGroups', {})).map(({ logGroupName }) => logGroupName);
  const lines: string[] = [];
  for (const logGroupName of groups)
    for (const { message } of await all<{ message: string }>('FilterLogEvents', 'events', { logGroupName })) lines.push(message);
  return { groups, lines };
}
