/** The pipeline in an AWS account, with the credentials of the person at the keyboard. */

import type { Connection } from '../../aws/clients.ts';
import { UsageError } from '../terminal/errors.ts';
import { working } from '../terminal/spinner.ts';
import { decisions, opened, send } from './opened.ts';
import type { SourceOptions } from './options.ts';
import type { Source } from './source.ts';

export async function openAccount(options: SourceOptions): Promise<Source> {
  if (options.as !== undefined)
    throw new UsageError('--as is for local AWS; in an account you are who your credentials say: choose them with --profile');
  // The SDK's own way of choosing among the profiles of ~/.aws.
  if (options.profile !== undefined) process.env.AWS_PROFILE = options.profile;
  const { configPath, loadPipeline } = await import('./configuration.ts');
  const pipeline = await loadPipeline(configPath(options.config));
  const [site] = Object.values(pipeline.sites);
  if (site === undefined) throw new UsageError('the pipeline has no site, so nothing of it is in AWS');
  const connection: Connection = { region: site.region };
  return {
    kind: 'aws',
    ...opened(pipeline, connection),
    connection,
    timeZone: pipeline.timeZone,
    now: () => Date.now(),
    assertMayDecide: () => {},
    decide: async (decision) => {
      working(decision.verb);
      return send(await decisions(pipeline, connection), decision, pipeline.timeZone);
    },
  };
}
