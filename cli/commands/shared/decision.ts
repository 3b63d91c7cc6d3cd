/** What the commands that change something have in common: live asks for its name, the answer is shown, and the outcome waited for. */
import type { Command } from 'commander';
import type { Reply } from '../../../aws/decisions.ts';
import { inZone } from '../../../domain/text/times.ts';
import type { Outcome } from '../../../queries/outcome.ts';
import type { SourceOptions } from '../../connection/options.ts';
import type { Source } from '../../connection/source.ts';
import { bad, good } from '../../terminal/colours.ts';
import { EXIT, UsageError } from '../../terminal/errors.ts';
import { note, print, printJson } from '../../terminal/output.ts';
import { plain, wrapped } from '../../terminal/text.ts';
import { wholeNumber, withSource } from './options.ts';

export type DecideOptions = SourceOptions & { readonly yesLive?: boolean; readonly wait?: boolean; readonly timeout?: number };

export const withDecision = (command: Command): Command =>
  withSource(command).option('--yes-live', 'do not ask for the name of a live environment');

/** For what starts something. */
export const withWait = (command: Command): Command =>
  withDecision(command)
    .option('--wait', 'wait until it has ended; the exit code says how')
    .option('--timeout <minutes>', 'how long --wait waits', wholeNumber, 60);

/** One that asks people and has nothing after it on the path: customers are there. */
export function isLive({ pipeline }: Pick<Source, 'pipeline'>, environment: string): boolean {
  const last = pipeline.path.at(-1);
  return last?.environments.includes(environment) === true && pipeline.environments[environment]?.approval !== undefined;
}

/** Asks for the name of a live environment to be typed. @throws UsageError if it was not, or nobody can be asked */
export async function confirmLive(source: Source, environments: readonly string[], what: string, options: DecideOptions): Promise<void> {
  source.assertMayDecide(what);
  const { ask, canAsk } = await import('../../terminal/prompt.ts');
  for (const environment of environments) {
    if (!isLive(source, environment) || options.yesLive) continue;
    if (!canAsk())
      throw new UsageError(`${what}: ${environment} is live, and there is no terminal to ask on; add --yes-live if you mean it`);
    const answer = await ask(`${plain(what)}\ntype ${environment} to go on: `);
    if (answer !== environment) throw new UsageError(`not ${environment}: nothing was done`);
  }
}

/** Sends a decision, shows what came of it, and waits if asked. */
export async function carryOut(
  source: Source,
  decision: { readonly verb: string; readonly [field: string]: unknown },
  options: DecideOptions,
): Promise<void> {
  const reply = await source.decide(decision);
  if (options.json && !(options.wait && reply.execution)) return printJson(reply);
  if (!options.json) print(`${good('✓')} ${wrapped(inZone(plain(reply.message), source.timeZone))}`);
  if (reply.execution === undefined) return;
  if (!options.wait) {
    if (!options.json && !reply.stopped) note(`follow it: shiplock wait ${reply.execution}`);
    return;
  }
  const { waitFor, exitCodeOf } = await import('./wait.ts');
  const end = await waitFor(source, { execution: reply.execution }, { minutes: options.timeout ?? 60, silent: options.json === true });
  if (reply.stopped) return back(source, reply, end, options);
  if (options.json) printJson({ ...reply, ...end });
  else if (end.outcome === 'succeeded') print(good('✓ succeeded'));
  else print(bad(wrapped(`✗ ${end.outcome === 'waiting' ? 'has not ended' : end.outcome}: ${inZone(plain(end.reason), source.timeZone)}`)));
  process.exitCode = exitCodeOf(end) ?? EXIT.failed;
}

/** What was stopped has ended: what ran before is back, unless it was through before it could be stopped, or needs manual intervention. */
async function back(source: Source, reply: Reply, { execution, outcome, reason }: Outcome, { json }: DecideOptions): Promise<void> {
  const promotion = await source.ledger.promotion(execution);
  const freeze = promotion && (await source.ledger.freeze(promotion.environment));
  const why = freeze?.manualIntervention
    ? freeze.reason
    : outcome === 'succeeded'
      ? 'it had ended before it could be stopped; roll back again'
      : outcome === 'waiting'
        ? 'it is not recovered yet'
        : undefined;
  if (why !== undefined) process.exitCode = EXIT.failed;
  if (json) return printJson({ ...reply, outcome: why === undefined ? 'succeeded' : 'failed', reason: why ?? reason });
  print(why === undefined ? good('✓ what ran before is back') : bad(wrapped(`✗ ${inZone(plain(why), source.timeZone)}`)));
}

/** `orders@git_cf7edb2` → repository and reference. @throws UsageError */
export function splitRelease(text: string): { readonly repository: string; readonly reference: string } {
  const at = text.indexOf('@');
  if (at <= 0 || at === text.length - 1)
    throw new UsageError(`${plain(text)}: write a release as REPOSITORY@TAG, such as orders@git_cf7edb2`);
  return { repository: text.slice(0, at), reference: text.slice(at + 1) };
}

/** A time to come: ISO 8601, or `2h`, `90m`, `3d` from now. @throws UsageError */
export function instant(text: string, now: number): string {
  const span = /^(\d{1,4})(m|h|d)$/.exec(text);
  const milliseconds = span
    ? now + Number(span[1]) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[span[2] as 'm' | 'h' | 'd']
    : Date.parse(text);
  if (Number.isNaN(milliseconds))
    throw new UsageError(`${plain(text)}: not a time; write 2026-11-27T18:00:00+01:00, or a span such as 90m, 4h, 2d`);
  if (milliseconds <= now) throw new UsageError(`${plain(text)} is over already; give a time to come`);
  return new Date(milliseconds).toISOString();
}
