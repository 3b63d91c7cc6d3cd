/** Draws an overview: environments side by side in as many columns as the terminal has, what differs first, equal rows as one. */
import type { RunningRecord } from '../../domain/ledger/records.ts';
import { dayTime, inZone } from '../../domain/text/times.ts';
import type { EnvironmentView, ServiceRow, Status } from '../../queries/status.ts';
import { bad, bold, dim, good, heading, warn, width } from './colours.ts';
import { drawInProgress, hanging } from './in-progress.ts';
import { columns, padTo, plain, shortAge, titleOf, wrap } from './text.ts';

/** More rows than these are not read. */
const ROWS = 30;
/** From so many on, those that run the same everywhere are one line. */
const MANY = 12;

/** Up to so many releases that are in progress, or did not succeed, have a line each. */
const TOLD = 20;

/**
 * @param all every service has its row, every release its line
 * @param height rows of the screen, if no more can be seen than these
 */
export function drawStatus(view: Status, timeZone: string, all: boolean, height = Number.POSITIVE_INFINITY): string {
  // Half a screen for what runs, where a service has two lines; what waits and what failed share the rest.
  const most = (usual: number, part: number) => (all ? Number.POSITIVE_INFINITY : Math.min(usual, Math.max(3, Math.floor(height / part))));
  const now = Date.parse(view.at);
  const room = Math.min(width(), 160) - 1;
  const lines = [...grid(view, now, room, all, most(ROWS, 5)), ...holds(view, timeZone, room)];
  lines.push(...drawInProgress(view, now, timeZone, room, most(TOLD, 5)));
  if (view.failed.length > 0) {
    lines.push(heading('did not succeed'));
    const shown = view.failed.slice(0, most(TOLD, 10));
    for (const { repository, tag, state, reason, endedAt } of shown)
      lines.push(
        ...hanging(
          `${titleOf({ repository, tag })}  `,
          `${state} ${dayTime(Date.parse(endedAt ?? ''), timeZone)}: ${inZone(plain(reason ?? 'no reason known'), timeZone)}`,
          room,
          bad,
        ),
      );
    if (view.failed.length > shown.length) lines.push(dim(`… and ${view.failed.length - shown.length} more; see shiplock releases`));
  }
  return lines.join('\n');
}

interface Row {
  readonly name: string;
  readonly cells: readonly (readonly [string, string])[];
}

function grid({ environments, services }: Status, now: number, room: number, all: boolean, most: number): string[] {
  const own = services.filter(({ differs }) => all || differs || services.length < MANY);
  // One table is worth shorter names.
  const spacious = fold(own, environments, now, 3);
  const rows = fits(spacious, environments, room) ? spacious : fold(own, environments, now, 1);
  const left = services.filter((service) => !own.includes(service));
  const same = left.filter(({ runs }) => Object.values(runs).some((records) => records.length > 0)).length;
  const shown = rows.slice(0, most);
  const lines: string[] = [];
  const first = nameWidth(shown);
  const wide = environments.map((environment, index) =>
    Math.min(
      24,
      Math.max(
        columns(environment.name),
        columns(stateOf(environment)),
        ...shown.map(({ cells }) => Math.max(...(cells[index] ?? ['', '']).map(columns))),
        4,
      ),
    ),
  );
  for (const block of blocks(environments, wide, first, room)) {
    const { from, to, widths, name: left } = block;
    const part = <Item>(items: readonly Item[]) => items.slice(from, to);
    const line = (name: string, cells: readonly string[]) =>
      `${padTo(name, left)}  ${cells.map((cell, index) => padTo(cell, widths[index] ?? 0)).join('  ')}`.trimEnd();
    if (lines.length > 0) lines.push('');
    lines.push(
      bold(
        line(
          'runs',
          part(environments).map(({ name }) => name),
        ),
      ),
    );
    const states = part(environments).map(stateOf);
    if (states.some((state) => state !== '')) lines.push(warn(line('', states)));
    for (const { name, cells } of shown) {
      lines.push(
        line(
          name,
          part(cells).map(([tag]) => tag),
        ),
      );
      if (part(cells).some(([, more]) => more !== ''))
        lines.push(
          dim(
            line(
              '',
              part(cells).map(([, more]) => more),
            ),
          ),
        );
    }
  }
  if (rows.length > shown.length) lines.push(dim(`… and ${rows.length - shown.length} rows more that differ; --all shows them`));
  if (same > 0) lines.push(good(`${same} ${rows.length > 0 ? 'more ' : ''}services run the same release everywhere; --all shows them`));
  if (left.length > same)
    lines.push(dim(`of ${left.length - same} ${services.length > left.length || same > 0 ? 'more ' : ''}services nothing runs yet`));
  return lines;
}

interface Block {
  readonly from: number;
  readonly to: number;
  readonly name: number;
  readonly widths: readonly number[];
}

/** Columns of a name. */
const LONGEST = 28;

const nameWidth = (rows: readonly Row[]) => Math.min(LONGEST, Math.max(7, ...rows.map(({ name }) => columns(name))));

/** A column is not made narrower. */
const LEAST = 10;

/** Whether all environments can stand side by side beside these names. */
const fits = (rows: readonly Row[], environments: readonly EnvironmentView[], room: number) =>
  nameWidth(rows) + environments.length * (2 + LEAST) <= room;

/** All environments side by side if their columns can be made narrow enough, else in several tables. */
function blocks(environments: readonly EnvironmentView[], wide: readonly number[], first: number, room: number): Block[] {
  const found: Block[] = [];
  for (let from = 0; from < environments.length; ) {
    let to = from + 1;
    const need = (end: number) => first + wide.slice(from, end).reduce((sum, one) => sum + 2 + Math.min(one, LEAST), 0);
    while (to < environments.length && need(to + 1) <= room) to++;
    const widths = wide.slice(from, to);
    const over = () => first + widths.reduce((sum, one) => sum + 2 + one, 0) - room;
    while (over() > 0 && Math.max(...widths) > LEAST) {
      const widest = widths.indexOf(Math.max(...widths));
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
    found.push({ from, to, name: Math.max(8, Math.min(first, first - Math.max(0, over()))), widths });
    from = to;
  }
  return found;
}

const SLEEP: Readonly<Record<EnvironmentView['state'], string>> = { up: '', waking: 'wakes', down: 'asleep', 'tearing-down': 'goes down' };

/** In one word: what keeps people from expecting the usual. */
function stateOf({ state, frozen, pins }: EnvironmentView): string {
  return [SLEEP[state], frozen ? 'frozen' : '', pins.length > 0 ? 'pinned' : ''].filter(Boolean).join(', ');
}

/** Services whose rows say the same share one. @param names so many of them are told */
function fold(services: readonly ServiceRow[], environments: readonly EnvironmentView[], now: number, names: number): Row[] {
  const rows = new Map<string, { names: string[]; cells: Row['cells'] }>();
  for (const { service, runs, differs } of services) {
    const cells = environments.map(({ name }) => cell(runs[name] ?? [], now));
    const key = JSON.stringify([differs, environments.map(({ name }) => (runs[name] ?? []).map(({ digest, tag }) => [digest, tag]))]);
    const row = rows.get(key);
    if (row) row.names.push(service);
    else rows.set(key, { names: [service], cells });
  }
  return [...rows.values()].map(({ names: found, cells }) => {
    const all = found.join(', ');
    const isShort = found.length === 1 || (found.length <= names && columns(all) <= LONGEST);
    return { name: isShort ? all : `${found[0]} +${found.length - 1}`, cells };
  });
}

/** The tag, and below it commit and age. */
function cell(records: readonly RunningRecord[], now: number): readonly [string, string] {
  const [first] = records;
  if (first === undefined) return ['–', ''];
  const tags = [...new Set(records.map(({ tag }) => plain(tag)))].join('+');
  const commit = first.commit && !tags.includes(first.commit.slice(0, 7)) ? `${plain(first.commit).slice(0, 7)} ` : '';
  return [tags, `${commit}${shortAge(now - Date.parse(first.since))}`];
}

function holds({ environments }: Status, timeZone: string, room: number): string[] {
  const lines: string[] = [];
  const time = (at: string) => dayTime(Date.parse(at), timeZone);
  for (const { name, frozen, pins, until } of environments) {
    if (frozen)
      lines.push(
        ...wrap(
          `${name} is frozen since ${time(frozen.at)}${frozen.until ? ` until ${time(frozen.until)}` : ''} by ${plain(frozen.by)}: ${plain(frozen.reason)}${frozen.manualIntervention ? ` (a rollback failed here; repair it, then shiplock thaw ${name})` : ''}`,
          room,
        ).map(bad),
      );
    for (const pin of pins)
      lines.push(
        ...wrap(
          `${pin.repository === '*' ? name : `${pin.repository} in ${name}`} is pinned since ${time(pin.at)} by ${plain(pin.by)}: ${plain(pin.reason)}`,
          room,
        ).map(warn),
      );
    if (until) lines.push(dim(`${name} stays up until ${time(until)}`));
  }
  return lines.length > 0 ? ['', ...lines] : [];
}
