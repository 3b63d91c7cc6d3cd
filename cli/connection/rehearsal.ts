/** What a rehearsal left: it can be read, not changed. */

import { UsageError } from '../terminal/errors.ts';
import { opened } from './opened.ts';
import type { Source } from './source.ts';

export async function openRehearsal(folder: string): Promise<Source> {
  // Brings DynamoDB's own rules: only where they are needed.
  const { openData } = await import('./saved-state.ts');
  const { state, connection } = openData(folder);
  const over = (verb: string): never => {
    throw new UsageError(
      `${verb}: the rehearsal in ${folder} is over and can only be read; run \`shiplock local\` to go on by hand, or name a pipeline in AWS with --config or --profile`,
    );
  };
  return {
    kind: 'rehearsal',
    ...opened(state.definition, connection),
    timeZone: state.timeZone,
    now: () => state.now,
    assertMayDecide: over,
    decide: async ({ verb }) => over(verb),
  };
}
