/** Opens the pipeline that a command works on: a running local AWS, what a rehearsal left, or an AWS account. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../terminal/errors.ts';
import { note } from '../terminal/output.ts';
import { working } from '../terminal/spinner.ts';
import { openAccount } from './account.ts';
import { DATA_FOLDER, isRehearsed } from './folder.ts';
import { isAlive, openLocal, readAddresses } from './local.ts';
import type { SourceOptions } from './options.ts';
import { openRehearsal } from './rehearsal.ts';
import type { Source } from './source.ts';

/**
 * From here on a line moves if the answer takes its time.
 * @throws UsageError if there is nothing to speak to, with the ways out
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  working('reads the pipeline');
  if (options.aws || options.profile !== undefined) return openAccount(options);
  const folder = options.data ?? DATA_FOLDER;
  const file = join(folder, 'local.json');
  if (existsSync(file)) {
    const addresses = readAddresses(file);
    if (isAlive(addresses.pid)) return openLocal(addresses, options);
    const stale = `the local AWS of ${folder} is not running any more (process ${addresses.pid} has ended)`;
    if (!isRehearsed(folder)) throw new UsageError(`${stale}; start it again with \`shiplock local --data ${folder}\``);
    note(`${stale}; this is what the last rehearsal left`);
  }
  if (isRehearsed(folder)) return openRehearsal(folder);
  if (options.config !== undefined || (options.data === undefined && existsSync('shiplock.config.ts'))) return openAccount(options);
  throw new UsageError(
    `${folder}: nothing was rehearsed here, and no local AWS runs; use \`shiplock rehearse\`, \`shiplock local\`, its folder with --data, or --config for a pipeline in AWS`,
  );
}
