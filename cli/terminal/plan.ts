/** Draws a plan: the commits, what it waits for, and each service with the lines of its definition that change. */

import type { PlannedRequest } from '../../domain/promotion/planned-requests.ts';
import { releaseTitle, shortDigest } from '../../domain/release/release.ts';
import type { Strategy } from '../../domain/rollout/strategy.ts';
import { hunks } from '../../domain/text/diff.ts';
import { inZone } from '../../domain/text/times.ts';
import type { Change, Commit, EnvironmentPlan, Plan, ServicePlan } from '../../queries/plan/types.ts';
import { bad, bold, dim, good, heading, warn, width } from './colours.ts';
import { cut, padTo, plain, wrap } from './text.ts';

/** Where nothing cuts lines, words still break here. */
const WIDEST = 120;

const room = () => Math.min(width(), WIDEST);

/** So many commits, and so many changed lines of a definition, are shown at once. */
const COMMITS = 10;
const LINES = 24;

/**
 * @param timeZone in which people read times: an IANA name
 * @param full all commits and all lines; else what is long is cut, and says so
 */
export function planLines(plan: Plan, timeZone: string, full = false): string[] {
  const { release, stage, to, environments, waitsFor, refusals } = plan;
  const what = release.members ? release.members.map(releaseTitle).join(', ') : releaseTitle(release);
  const beside =
    environments.length > 1
      ? ` (${to} moves with ${environments
          .map(({ environment }) => environment)
          .filter((name) => name !== to)
          .join(', ')})`
      : '';
  return [
    ...wrap(`${plain(what)} into ${stage}${beside}`, room()).map(bold),
    ...refusals.flatMap((reason) => told('would be refused', inZone(reason, timeZone), bad)),
    ...waitsFor.flatMap(({ text }) => told('waits for', inZone(text, timeZone), warn)),
    ...environments.flatMap((environment) => environmentLines(environment, timeZone, full)),
  ];
}

/** `word  text`, further lines under the text. */
function told(word: string, text: string, paint: (text: string) => string): string[] {
  return wrap(plain(text), room() - word.length - 4).map((line, index) =>
    index === 0 ? `  ${paint(word)}  ${line}` : `  ${' '.repeat(word.length)}  ${line}`,
  );
}

function environmentLines(
  { environment, changes, waitsFor, services, migrations, configuration }: EnvironmentPlan,
  timeZone: string,
  full: boolean,
): string[] {
  return [
    heading(environment),
    ...changes.flatMap((change) => changeLines(change, full)),
    ...waitsFor.flatMap(({ text }) => told('waits for', inZone(text, timeZone), warn)),
    ...migrations
      .filter(({ state }) => state === 'has run')
      .map(({ database, by }) => dim(`  ${database} is migrated by ${plain(by)} already`)),
    ...(configuration
      ? told(
          'note',
          `the last promotion here used another configuration (${shortDigest(configuration.last)}) than the one that this is rendered by (${shortDigest(configuration.here)}); what AWS renders by is what was deployed`,
          warn,
        )
      : []),
    ...services.flatMap((service) => serviceLines(service, full)),
  ];
}

const WAYS: Readonly<Record<Change['direction'], (count: number) => string>> = {
  first: () => 'nothing of it runs here yet',
  same: () => 'runs here already: new tasks, nothing else',
  forward: (count) => `${count} ${count === 1 ? 'release' : 'releases'} further`,
  back: (count) => `goes back: ${count} ${count === 1 ? 'release is' : 'releases are'} taken out`,
  unknown: () => 'which of them is newer, the ledger does not know',
};

function changeLines({ repository, from, to, direction, commits }: Change, full: boolean): string[] {
  const tags = direction === 'same' ? plain(to.tag) : `${plain(from?.tag ?? '–')} → ${plain(to.tag)}`;
  const paint = direction === 'back' ? bad : dim;
  const digits = Math.max(...commits.map(({ number }) => String(number).length), 0);
  return [
    `  ${repository}  ${tags}  ${paint(WAYS[direction](commits.length))}`,
    ...shortened(
      commits.map((commit) => commitLine(commit, direction, digits)),
      full ? commits.length : COMMITS,
      'releases',
    ),
  ];
}

function commitLine({ number, tag, commit, message, author, state }: Commit, direction: Change['direction'], digits: number): string {
  const sign = direction === 'back' ? bad('-') : good('+');
  const failed = state === 'failed' || state === 'errored' ? ` (${state})` : '';
  const who = plain(author ?? 'nobody known');
  const start = `${String(number).padStart(digits)}  ${padTo(plain(commit ?? tag).slice(0, 12), 12)}  `;
  const text = cut(`${plain(message ?? 'no message')}${failed}`, Math.max(16, room() - start.length - who.length - 9));
  return `    ${sign} ${start}${text}  ${dim(who)}`;
}

function serviceLines({ service, runs, against, diff, strategy, alarms, missing }: ServicePlan, full: boolean): string[] {
  if (missing) return [`\n  ${bold(service)}  ${dim(`not deployed: nothing of ${missing.join(', ')} runs here yet`)}`];
  const head = `\n  ${bold(service)}  ${dim(strategyText(strategy, alarms))}`;
  if (diff.every(({ sign }) => sign === ' ')) return [head, dim('    its definition stays as it is')];
  const revision = runs?.split('/').at(-1) ?? 'nothing';
  const name = against === 'ecs' ? revision : `${revision}, as the configuration here renders it`;
  return [
    head,
    dim(`    --- ${name}`),
    dim('    +++ what would be registered'),
    ...shortened(
      hunks(diff).map((line) => {
        if (line === undefined) return dim('      …');
        const text = `    ${line.sign} ${plain(line.text)}`;
        return line.sign === '+' ? good(text) : line.sign === '-' ? bad(text) : dim(text);
      }),
      full ? diff.length : LINES,
      'lines',
    ),
  ];
}

/** The first of many, and how many there are beside them. */
function shortened(lines: readonly string[], most: number, what: string): readonly string[] {
  return lines.length <= most ? lines : [...lines.slice(0, most), dim(`      … ${lines.length - most} further ${what}: --full shows them`)];
}

/** A request in a few lines: what it is about, its images, its size. */
export function requestLines({ call, input }: PlannedRequest): string[] {
  const request = input as Readonly<Record<string, unknown>>;
  if (call !== 'ecs:RegisterTaskDefinition') {
    const { strategy } = (request.deploymentConfiguration ?? {}) as { readonly strategy?: string };
    return [
      heading(call),
      `  ${String(request.service)} in ${String(request.cluster)}: ${String(request.taskDefinition)}, ${strategy ?? ''}`,
    ];
  }
  const containers = (request.containerDefinitions ?? []) as readonly { readonly [member: string]: unknown }[];
  const widest = Math.max(...containers.map(({ name }) => String(name).length));
  const count = (value: unknown, what: string) => (Array.isArray(value) && value.length > 0 ? [`${value.length} ${what}`] : []);
  return [
    heading(call),
    `  ${String(request.family)}  ${dim(`cpu ${String(request.cpu)}, memory ${String(request.memory)}`)}`,
    ...containers.map(({ name, image, environment, secrets }) => {
      const holds = [...count(environment, 'variables'), ...count(secrets, 'secrets')].join(', ');
      return `  ${padTo(plain(String(name)), widest)}  ${plain(String(image))}${holds ? `  ${dim(holds)}` : ''}`;
    }),
  ];
}

function strategyText(strategy: Strategy, alarms: readonly string[]): string {
  if (strategy.kind === 'rolling') return strategy.earlySuccess ? 'rolling, succeeds as soon as all new tasks are healthy' : 'rolling';
  const { kind, percent, stepBakeMinutes, bakeMinutes, pauseMinutes, confirm } = strategy;
  const steps =
    kind === 'blue-green'
      ? ''
      : kind === 'canary'
        ? ` ${percent} % for ${stepBakeMinutes} min, then all`
        : ` ${percent} % every ${stepBakeMinutes} min`;
  return `${kind}${steps}; pauses at the test listener (≤ ${pauseMinutes} min${confirm ? ', a person confirms' : ''}), bakes ${bakeMinutes} min; ${alarms.length} alarms bring it back`;
}
