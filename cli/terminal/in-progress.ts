/** Draws what is in progress: who waits for whom, how far each rollout is, and which migrations run or will. */
import { membersOf } from '../../domain/release/release.ts';
import { inZone } from '../../domain/text/times.ts';
import type { MigrationView } from '../../queries/migrations.ts';
import type { PromotionInProgress } from '../../queries/promotions.ts';
import type { Rollout } from '../../queries/rollouts.ts';
import type { ReleaseInProgress, Status } from '../../queries/status.ts';
import { dim, heading, warn } from './colours.ts';
import { age, columns, cut, plain, titleOf, wrap } from './text.ts';

/**
 * @param room columns
 * @param most so many releases have lines of their own; of the others it is counted what they wait for
 */
export function drawInProgress(
  { inProgress, promotions, migrations }: Pick<Status, 'inProgress' | 'promotions' | 'migrations'>,
  now: number,
  timeZone: string,
  room: number,
  most = Number.POSITIVE_INFINITY,
): string[] {
  const lines: string[] = [];
  const old = (since: string) => age(now - Date.parse(since));
  for (const release of inProgress.slice(0, most)) {
    const own = promotions.filter(({ releaseRun }) => releaseRun === release.execution);
    lines.push(...releaseLines(release, own, old, timeZone, room));
    lines.push(...promotionLines(own, now, room));
  }
  lines.push(...counted(inProgress.slice(most), timeZone, room));
  const runs = new Set(inProgress.map(({ execution }) => execution));
  for (const one of promotions.filter((promotion) => !runs.has(promotion.releaseRun))) {
    const { ordered, release } = one;
    const what = ordered?.verb === 'restart' ? 'restart of' : ordered ? 'back to' : '';
    const text = [what, titleOf(release)].filter(Boolean).join(' ');
    const why = ordered ? `  by ${plain(ordered.by)}${ordered.reason ? `: ${plain(ordered.reason)}` : ''}` : '';
    lines.push(...hanging(text, why, room, dim));
    const whom = one.behind ? ` behind ${titleOf(one.behind)}` : '';
    if (one.state === 'waiting')
      lines.push(
        ...wrap(`waits for its turn in ${one.environment}${whom}, for ${old(one.since)}`, room - 4).map((line) => `    ${warn(line)}`),
      );
    lines.push(...promotionLines([one], now, room));
  }
  const drawn = lines.length > 0 ? [heading('in progress'), ...lines] : [];
  return migrations.length > 0 ? [...drawn, heading('migrations'), ...migrationLines(migrations, old, room)] : drawn;
}

function releaseLines(
  release: ReleaseInProgress,
  own: readonly PromotionInProgress[],
  old: (since: string) => string,
  timeZone: string,
  room: number,
): string[] {
  const name = cut(titleOf(release), Math.max(24, room - 24));
  const waiting = own.filter(({ state }) => state === 'waiting');
  const behind = waiting.find((one) => one.behind)?.behind;
  const since = own[0]?.since ?? release.since;
  if (release.waitsFor) {
    const whom = behind ? `, behind ${titleOf(behind)}` : '';
    return hanging(
      name,
      `  waits for ${inZone(plain(release.waitsFor), timeZone)}${whom}, for ${old(waiting.length > 0 ? since : release.since)}`,
      room,
      warn,
    );
  }
  if (own.length > 0) return [name];
  return hanging(name, `  moves${release.stage ? `, in ${plain(release.stage)}` : ''}, ${old(release.since)}`, room);
}

/** A line for all that wait for the same. */
function counted(inProgress: readonly ReleaseInProgress[], timeZone: string, room: number): string[] {
  const groups = new Map<string, number>();
  for (const { waitsFor, stage } of inProgress) {
    const what = waitsFor ? `for ${inZone(plain(waitsFor), timeZone)}` : stage ? `in ${plain(stage)}` : '';
    groups.set(what, (groups.get(what) ?? 0) + 1);
  }
  return [...groups].flatMap(([what, count]) => {
    const waits = what.startsWith('for ');
    const verb = `${waits ? 'wait' : 'move'}${count === 1 ? 's' : ''}`;
    return hanging(`${count} more`, `  ${verb}${what === '' ? '' : waits ? ` ${what}` : `, ${what}`}`, room, waits ? warn : undefined);
  });
}

/** What waits for its turn says so in the line of its release. */
function promotionLines(promotions: readonly PromotionInProgress[], now: number, room: number): string[] {
  const shown = promotions.filter(({ state }) => state !== 'waiting');
  const wide = Math.max(0, ...shown.map(({ environment }) => columns(environment)));
  return shown.flatMap((promotion) => {
    const place = `    ${promotion.environment.padEnd(wide)}  `;
    return does(promotion, now).flatMap((text, index) => {
      const head = index === 0 ? place : ' '.repeat(place.length);
      const lines = wrap(text, Math.max(20, room - place.length));
      return lines.map((line, at) => (at === 0 ? head : ' '.repeat(place.length)) + line);
    });
  });
}

/** A line for each thing that goes on in it. */
function does({ state, since, release, rollouts, open, among }: PromotionInProgress, now: number): string[] {
  const so = age(now - Date.parse(since));
  // What pauses at its test listener is checked there, and has not come through.
  switch (state === 'verifying' && open.length > 0 ? 'deploying' : state) {
    case 'migrating':
      return [`migrates, ${so}`];
    case 'rolling-back':
      return [`goes back to what ran before, ${so}`];
    case 'verifying':
      return [`runs; its checks are asked, ${so}`];
    default: {
      const shifting = rollouts.map((rollout) => rolloutLine(rollout, now));
      const rolled = among.filter((service) => !rollouts.some((rollout) => rollout.service === service));
      const left = rolled.filter((service) => open.includes(service));
      const names = membersOf(release).length > 1 && left.length > 3 ? `${left.length} services` : left.join(', ');
      const held = rolled.length - left.length;
      const rolling = left.length > 0 ? [`deploys ${names}${held > 0 ? `; ${held} of ${rolled.length} done` : ''}, ${so}`] : [];
      const all = [...shifting, ...rolling];
      return all.length > 0 ? all : [`deploys, ${so}`];
    }
  }
}

/** `gateway canary ▰▱▱▱▱▱▱▱▱▱ 10 % of traffic, step 1 of 2: bakes, then 100 % in 3 min` */
function rolloutLine({ service, strategy, productionPercent, testPercent, step, steps, does: what, until }: Rollout, now: number): string {
  const weight =
    productionPercent === undefined
      ? ''
      : ` ${bar(productionPercent)} ${productionPercent} % of traffic${steps > 1 ? `, step ${step} of ${steps}` : ''}`;
  const test = productionPercent === 0 && testPercent !== undefined && testPercent > 0 ? `, ${testPercent} % at the test listener` : '';
  const left = until === undefined ? '' : `${what.startsWith('waits') ? ', at most' : ' in'} ${age(Date.parse(until) - now)}`;
  return `${service} ${strategy}${weight}${test}: ${what}${left}`;
}

const bar = (percent: number) => {
  const full = Math.max(percent > 0 ? 1 : 0, Math.floor(percent / 10));
  return '▰'.repeat(full) + '▱'.repeat(10 - full);
};

const MIGRATES: Readonly<Record<MigrationView['state'], string>> = {
  running: 'is migrated by',
  waits: 'waits to be migrated by',
  asked: 'would be migrated by',
};

const migrationLines = (migrations: readonly MigrationView[], old: (since: string) => string, room: number): string[] =>
  migrations.flatMap(({ database, state, repository, tag, environment, since }) => {
    const by = `  ${MIGRATES[state]} ${titleOf({ repository, tag })}`;
    const tail = state === 'asked' ? `, once it is let into ${environment}` : ` for ${environment}, for ${old(since)}`;
    return hanging(database, by + tail, room, state === 'waits' ? warn : undefined);
  });

/** At most four lines, those that follow indented; all but the head painted. */
export function hanging(head: string, text: string, room: number, paint: (text: string) => string = (same) => same): string[] {
  const [begin = '', ...more] = wrap(`${head}${text}`, room);
  const lines = [begin, ...(more.length > 0 ? wrap(more.join(' '), Math.max(10, room - 4)).map((one) => `    ${one}`) : [])];
  const shown = lines.length > 4 ? [...lines.slice(0, 3), `${lines[3] ?? ''} …`.slice(0, room)] : lines;
  const [first = '', ...rest] = shown;
  return [first.startsWith(head) ? head + paint(first.slice(head.length)) : first, ...rest.map(paint)];
}
