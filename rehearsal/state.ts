/** What the commands that read find in a data folder after the pipeline has stopped. */
import type { RunningPipeline } from './running.ts';

/** The ledger and the journal, in the shape of `state.json`. */
export function stateOf(running: Pick<RunningPipeline, 'pipeline' | 'site' | 'now'>) {
  const { pipeline, site } = running;
  const [zone] = Object.values(pipeline.environments).flatMap(({ onDemand }) => onDemand?.hours.timeZone ?? []);
  return {
    pipeline: pipeline.name,
    definition: pipeline,
    account: site.account,
    region: site.region,
    timeZone: zone ?? 'UTC',
    now: running.now(),
    environments: Object.keys(pipeline.environments),
    services: { dynamodb: site.find('dynamodb').save?.() },
  };
}
