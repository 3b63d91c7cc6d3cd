/** What a rehearsal's meter comes to: calls, transitions, dollars, with orchestration and verification apart; and what teardown saved. */

import type { JournalEntry } from '../domain/ledger/records.ts';
import { functionName } from '../domain/pipeline/names.ts';
import { sum, type Usage } from '../local/core/meter.ts';
import { PRICES_AS_OF, price } from '../local/core/prices.ts';
import type { LocalPipeline } from './local-pipeline.ts';

export interface Bill {
  readonly calls: Readonly<Record<string, number>>;
  readonly transitions: number;
  readonly orchestration: number;
  readonly verification: number;
  readonly lines: readonly { readonly what: string; readonly amount: string; readonly dollars: string }[];
  readonly sentences: readonly string[];
}

/** Which part of the bill a usage belongs to. Running the team's own tasks is nobody's orchestration. */
export function partOf(pipeline: string, usage: Usage): 'orchestration' | 'verification' | 'standing' | 'workload' {
  // By the month, however much or little happens.
  if (usage.kind.startsWith('cloudwatch.')) return 'standing';
  if (usage.kind.startsWith('codebuild.')) return 'verification';
  if (usage.labels.function === functionName(pipeline, 'run-checks')) return 'verification';
  if (usage.kind.startsWith('fargate.') || usage.kind.startsWith('elasticloadbalancing.')) return 'workload';
  return 'orchestration';
}

export function bill(local: LocalPipeline, journal: readonly JournalEntry[]): Bill {
  // What goes by time is counted up to now.
  local.site.service('ecs').settleUsage();
  local.site.service('cloudwatch').accrue();
  const { usage } = local.world.meter;
  const cost = price(usage, (one) => partOf(local.pipeline.name, one));
  const total = (kind: Usage['kind']) => sum(usage, kind);
  const own = usage.filter(({ kind, labels }) => kind === 'call' && labels.caller !== 'rehearsal' && labels.caller !== 'ecs.amazonaws.com');
  const calls: Record<string, number> = {};
  for (const { labels, amount } of own) calls[labels.service ?? ''] = (calls[labels.service ?? ''] ?? 0) + amount;
  const transitions = total('states.transition');
  const dollars = (amount: number) => `$${amount.toFixed(4)}`;
  const kind = (name: Usage['kind']) => dollars(cost.kinds[name] ?? 0);
  const releases = Math.max(
    1,
    total('states.execution') > 0 ? sum(usage, 'states.execution', { machine: `${local.pipeline.name}-release` }) : 1,
  );
  const lines = [
    ...Object.entries(calls)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([service, amount]) => ({ what: `calls to ${service}`, amount: String(amount), dollars: '' })),
    { what: 'state transitions', amount: String(transitions), dollars: kind('states.transition') },
    {
      what: 'Lambda invocations',
      amount: String(total('lambda.invocation')),
      dollars: dollars((cost.kinds['lambda.invocation'] ?? 0) + (cost.kinds['lambda.gb-second'] ?? 0)),
    },
    {
      what: 'ledger writes and reads',
      amount: `${total('dynamodb.write-unit')} / ${total('dynamodb.read-unit')}`,
      dollars: dollars((cost.kinds['dynamodb.write-unit'] ?? 0) + (cost.kinds['dynamodb.read-unit'] ?? 0)),
    },
    { what: 'build minutes', amount: String(total('codebuild.minute')), dollars: kind('codebuild.minute') },
    { what: 'orchestration', amount: `${releases} releases`, dollars: dollars(cost.groups.orchestration ?? 0) },
    { what: '  of a release', amount: 'on average', dollars: dollars((cost.groups.orchestration ?? 0) / releases) },
    { what: 'metrics and alarms', amount: 'a month', dollars: dollars(cost.groups.standing ?? 0) },
    { what: 'verification', amount: '', dollars: dollars(cost.groups.verification ?? 0) },
    {
      what: 'tasks (Fargate)',
      amount: `${(total('fargate.vcpu-second') / 3600).toFixed(0)} vCPU hours`,
      dollars: dollars(cost.groups.workload ?? 0),
    },
  ];
  return {
    calls,
    transitions,
    orchestration: cost.groups.orchestration ?? 0,
    verification: cost.groups.verification ?? 0,
    lines,
    sentences: [
      `Prices of ${PRICES_AS_OF}, us-east-1, without free tier; the idle sweeps of the week are in them.`,
      ...savings(local, journal),
    ],
  };
}

/** How long each on-demand environment was down: from the start, or a teardown's end, to the next wake. */
function savings(local: LocalPipeline, journal: readonly JournalEntry[]): string[] {
  const now = local.clock.now();
  return Object.values(local.pipeline.environments)
    .filter(({ onDemand }) => onDemand !== undefined)
    .map(({ name }) => {
      let down = 0;
      let since: number | undefined = local.opened;
      for (const entry of journal.filter(({ environment, repository }) => environment === name && repository === undefined)) {
        const at = Date.parse(entry.at);
        if (entry.event === 'waking' && since !== undefined) {
          down += at - since;
          since = undefined;
        } else if (entry.event === 'ended' && entry.tone === 'info') since ??= at;
      }
      if (since !== undefined) down += now - since;
      const hours = (milliseconds: number) => (milliseconds / 3_600_000).toFixed(0);
      return `${name} was down ${hours(down)} of ${hours(now - local.opened)} hours: ${((100 * down) / (now - local.opened)).toFixed(0)} % of its running cost saved.`;
    });
}
