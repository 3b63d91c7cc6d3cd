/** What the sweep still finds when something that it looks at is broken. */
import { afterEach, describe, expect, it } from 'vitest';
import { Turns } from '../../aws/turns.ts';
import { promotionExecution, releaseExecution } from '../../domain/pipeline/names.ts';
import { HOUR, Journey, MINUTE, MONDAY } from './journey.ts';

let journey: Journey;
afterEach(() => journey.end());

const call = <Output>(service: string, operation: string, input: object) =>
  journey.local.site.call<Output>(journey.local.site.service('iam').userPrincipal('rehearsal'), service, operation, input);

describe('a repository that somebody deleted by hand', () => {
  it('keeps the sweep from nothing else, and the queue that alarms says so', async () => {
    journey = await Journey.begin();
    await journey.local.advance(10 * MINUTE);
    await call('ecr', 'DeleteRepository', { repositoryName: 'catalog', force: true });
    const { faults } = journey.local.world;
    faults.addEvent({ match: (event) => event['detail-type'] === 'Step Functions Execution Status Change', times: 100, deliver: [] });
    faults.addEvent({ match: { source: 'aws.ecr' }, nth: 2, deliver: [] });

    const stuck = await journey.push({ labels: { 'local.aws.healthy-after': '600' } });
    await journey.local.until('it deploys', async () => (await journey.local.ledger.waits('test')).some(({ state }) => state === 'open'));
    const name = promotionExecution('test', releaseExecution('gateway', stuck, 1));
    const machine = journey.local.machine('promotion').replace(':stateMachine:', ':execution:');
    await call('states', 'StopExecution', { executionArn: `${machine}:${name}` });
    const unheard = await journey.push({ repository: 'gateway', tag: '1.9.0' });

    await journey.untilAsked(unheard, 'beta', { limit: HOUR });
    expect(await journey.runs('test')).toBe('1.9.0');
    expect(journey.journal).toContain('by the sweep');
    await journey.local.advance(15 * MINUTE);
    const { Messages = [] } = await call<{ Messages?: { Body: string }[] }>('sqs', 'ReceiveMessage', {
      QueueUrl: (await call<{ QueueUrl: string }>('sqs', 'GetQueueUrl', { QueueName: 'acme-unhandled' })).QueueUrl,
    });
    expect(Messages[0]?.Body).toMatch(/sweep: 1 of its parts failed, all others are done: repository catalog/);
  });
});

describe('a ticket that was parked by somebody who crashed', () => {
  const parked = async (start?: number) => {
    journey = await Journey.begin(start === undefined ? {} : { start });
    const { pipeline, ledger, clock } = journey.local;
    const execution = `${journey.local.machine('promotion').replace(':stateMachine:', ':execution:')}:test-lost`;
    const ticket = { id: 'test-lost', execution, askedAt: clock.now(), token: 'nobody' };
    const taken = await new Turns(ledger.table).takeGroup(pipeline.environments.test!, 'gateway', ticket, clock.now());
    expect(taken).toEqual({ state: 'parked', asleep: true });
    await journey.local.advance(20 * MINUTE);
    return journey.local.executions('wake');
  };

  it('is woken for, though nobody started the wake', async () => expect(await parked()).toContain('test-wake-0'));

  it('waits for the morning where it should', async () => expect(await parked(MONDAY - 4 * HOUR)).toEqual([]));
});
