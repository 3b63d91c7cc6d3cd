/** Judges local AWS by the recordings: every folder that their index names, every case by itself. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareExecution } from './executions.ts';
import { compareFilter } from './filters.ts';
import { KNOWN } from './known.ts';
import { comparePattern } from './patterns.ts';
import { compareExpression } from './schedules.ts';
import { play } from './sequence.ts';
import { compareState } from './states.ts';
import { compareTarget } from './targets.ts';

/** Says why a case differs; nothing where it agrees. */
type Compare = (one: never) => Promise<string | undefined>;

/** By folder of the recordings. */
const FAMILIES: Readonly<Record<string, Compare>> = {
  asl: compareExecution,
  'asl-neutral': compareExecution,
  'asl-test-state': compareState,
  'asl-callbacks': play,
  'sfn-api': play,
  'event-patterns': comparePattern,
  'event-inputs': compareTarget,
  'events-api': play,
  'schedule-expressions': compareExpression,
  'scheduler-api': play,
  'sns-filter-policies': compareFilter,
  'sqs-api': play,
  'dynamodb-api': play,
};

/** How far local AWS agrees with the recordings of one folder. */
export interface Agreement {
  readonly folder: string;
  readonly total: number;
  readonly agreed: number;
  /** On the list, with the reason. */
  readonly known: readonly { readonly name: string; readonly why: string; readonly reason: string }[];
  /** Not on the list. */
  readonly differences: readonly { readonly name: string; readonly why: string }[];
}

export interface Judgement {
  readonly agreements: readonly Agreement[];
  /** What keeps the comparison from being whole: a folder that is missing, fewer cases than the index names. */
  readonly gaps: readonly string[];
}

interface Index {
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * @param folder the folder of all recordings
 * @param wanted only cases whose `folder/name` contains this
 */
export async function judge(folder: string, wanted = ''): Promise<Judgement> {
  const gaps: string[] = [];
  const index = indexOf(folder);
  if (index === undefined) gaps.push(`${join(folder, 'index.json')} is missing, so nobody knows how many cases there should be`);
  const counts = index?.counts ?? {};
  const agreements: Agreement[] = [];
  for (const family of new Set([...Object.keys(FAMILIES), ...Object.keys(counts)])) {
    const place = join(folder, family);
    const compare = FAMILIES[family];
    if (compare === undefined) gaps.push(`nothing compares the recordings in ${family}`);
    else if (!existsSync(place)) gaps.push(`the folder ${family} is missing`);
    else {
      const names = readdirSync(place)
        .filter((name) => name.endsWith('.json'))
        .sort();
      const count = counts[family] ?? 0;
      if (names.length < count) gaps.push(`${family} has ${names.length} cases, and the index names ${count}`);
      const chosen = names.filter((name) => `${family}/${name}`.includes(wanted));
      if (chosen.length > 0) agreements.push(await measure(family, place, chosen, compare));
    }
  }
  return { agreements, gaps };
}

function indexOf(folder: string): Index | undefined {
  const file = join(folder, 'index.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Index) : undefined;
}

async function measure(family: string, place: string, files: readonly string[], compare: Compare): Promise<Agreement> {
  const known = [];
  const differences = [];
  for (const file of files) {
    const name = file.replace(/\.json$/, '');
    const reason = KNOWN[`${family}/${name}`];
    const why = await differs(join(place, file), compare);
    if (why !== undefined && reason !== undefined) known.push({ name, why, reason });
    else if (why !== undefined) differences.push({ name, why });
    else if (reason !== undefined) differences.push({ name, why: `it agrees, and known.ts says that it does not: ${reason}` });
  }
  return { folder: family, total: files.length, agreed: files.length - known.length - differences.length, known, differences };
}

/** A case that throws says so, and stops no other. */
async function differs(file: string, compare: Compare): Promise<string | undefined> {
  try {
    return await compare(JSON.parse(readFileSync(file, 'utf8')) as never);
  } catch (error) {
    return `it broke: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  }
}
