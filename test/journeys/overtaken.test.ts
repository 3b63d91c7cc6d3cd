/** Somebody else deploys the same service in the middle of a promotion: what is theirs never counts as ours. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { environmentName } from '../../domain/pipeline/names.ts';
import { LocalPipeline, type Push } from '../../rehearsal/local-pipeline.ts';
import { Journey, MINUTE, MONDAY } from './journey.ts';

let journey: Journey;
afterEach(() => journey.end());

const folder = (name: string) => join(import.meta.dirname, name);

/** One service in one environment, which runs a first release. */
async function begin(config: string): Promise<void> {
  journey = Journey.on(await LocalPipeline.open({ config, start: MONDAY, port: false }));
  const first = await push('build-1');
  await journey.untilState(first, 'succeeded', { repository: 'door' });
}

const push = (tag: string, more: Partial<Push> = {}) => journey.push({ repository: 'door', tag, ...more });

const cluster = () => environmentName(journey.local.pipeline.name, 'live');

/** The revision that ECS runs, or is bringing in. */
async function revision(): Promise<string> {
  const { services = [] } = await journey.call<{ services?: { taskDefinition: string }[] }>('ecs', 'DescribeServices', {
    cluster: cluster(),
    services: ['door'],
  });
  return services[0]!.taskDefinition;
}

/** A person brings a revision in with other means. */
const byHand = (taskDefinition: string) => journey.call('ecs', 'UpdateService', { cluster: cluster(), service: 'door', taskDefinition });

const until = async (before: string) => journey.local.until('the release is being deployed', async () => (await revision()) !== before);

describe('a deployment by hand', () => {
  it('in the middle of ours is left alone, and ours has failed: live runs what the ledger says', async () => {
    await begin(folder('changing/rolling.config.ts'));
    const first = await revision();
    const second = await push('build-2');
    await until(first);
    await byHand(first);
    const { reason } = await journey.untilState(second, 'failed', { repository: 'door' });
    expect(reason).toMatch(/another deployment, of \S+:1, took its place/);
    await journey.local.advance(30 * MINUTE);
    expect(await revision()).toBe(first);
    expect(await journey.runs('live', 'door')).toBe('build-1');
  });

  it('that pauses where ours would is not continued: an image that no gate has seen does not go to customers', async () => {
    await begin(folder('changing/blue-green.config.ts'));
    const first = await revision();
    const second = await push('build-2');
    await until(first);
    const ours = await revision();
    await byHand(first);
    await journey.untilState(second, 'failed', { repository: 'door', limit: 3 * 60 * MINUTE });
    const continued = journey.local.world.meter.calls({ operation: 'ContinueServiceDeployment', caller: 'change-shift-traffic' });
    expect({ continued, ours }).toMatchObject({ continued: {} });
    expect(await journey.runs('live', 'door')).toBe('build-1');
  });

  it('on the way back needs manual intervention: nobody knows what shall run', async () => {
    await begin(folder('changing/rolling.config.ts'));
    const first = await revision();
    const bad = await push('build-2', { labels: { 'local.aws.responses': '{"/checked":500}' } });
    await until(first);
    const theirs = await revision();
    await journey.local.until('it goes back', async () => journey.journal.includes('rolls back'));
    await journey.local.until('what ran before is asked for', async () => (await revision()) === first);
    await byHand(theirs);
    await journey.untilState(bad, 'failed', { repository: 'door' });
    expect(await journey.local.ledger.freeze('live')).toMatchObject({
      manualIntervention: true,
      reason: expect.stringContaining('another deployment'),
    });
  });
});
