/** An approval by nobody, under a borrowed name, changed on the way, again, by many, and on the very edge of its time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peopleRole } from '../../domain/pipeline/names.ts';
import { shortDigest } from '../../domain/release/release.ts';
import type { AccessKey } from '../../local/core/client.ts';
import { developer, HOUR, integrator, Journey, MINUTE, manager } from './journey.ts';
import { request, send } from './requests.ts';

const everything = { Version: '2012-10-17', Statement: { Effect: 'Allow' as const, Action: '*', Resource: '*' } };

describe('an approval', () => {
  let journey: Journey;
  let digest: string;
  const decision = () => ({ verb: 'approve', approval: `beta/gateway/${shortDigest(digest)}/1`, digest });
  const isStillAsked = async () => {
    await journey.local.advance(2_000);
    expect((await journey.local.ledger.gate('beta', 'gateway'))?.state).toBe('waiting');
    expect(await journey.runs('beta')).toBeUndefined();
  };
  /** The session of a role, taken by an IAM user who may do everything in an account. */
  const session = async (role: string, name: string, account = journey.local.site.account): Promise<AccessKey> => {
    const site = journey.local.world.site(account, journey.local.site.region);
    const iam = site.service('iam');
    iam.user('root', { everything });
    const { Credentials } = await site.call<{ Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string } }>(
      iam.userPrincipal('root'),
      'sts',
      'AssumeRole',
      { RoleArn: `arn:aws:iam::${account}:role/${role}`, RoleSessionName: name },
    );
    return { accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken };
  };
  const createRole = (name: string, account = journey.local.site.account) => {
    const Principal = { AWS: `arn:aws:iam::${account}:root` };
    const trust = { Version: '2012-10-17', Statement: { Effect: 'Allow' as const, Principal, Action: 'sts:AssumeRole' } };
    journey.local.world.site(account, journey.local.site.region).service('iam').createRole(name, trust, { everything });
  };

  beforeAll(async () => {
    journey = await Journey.begin({ port: false });
    digest = await journey.push();
    await journey.untilAsked(digest, 'beta');
  });
  afterAll(() => journey.end());

  it('without a signature is refused at the door: no function runs', async () => {
    const before = journey.local.world.meter.total('lambda.invocation');
    expect(await send(journey.local, await request(journey.local, decision()))).toMatchObject({ status: 403 });
    expect(journey.local.world.meter.total('lambda.invocation')).toBe(before);
    await isStillAsked();
  });

  it('by a user of the account who may call everything, but is none of the people, is refused and written down', async () => {
    const key = journey.local.site.service('iam').user('admin', { everything });
    const { status, text } = await send(journey.local, await request(journey.local, decision(), key));
    expect({ status, text }).toMatchObject({ status: 403, text: expect.stringContaining('nobody of this pipeline') });
    await isStillAsked();
    expect(journey.told.at(-1)?.who).toContain('user/admin');
  });

  it('under the session name of an approver, but of another role, is refused', async () => {
    createRole('deployers');
    const key = await session('deployers', integrator);
    const { status, text } = await send(journey.local, await request(journey.local, decision(), key));
    expect({ status, text }).toMatchObject({ status: 403, text: expect.stringContaining('nobody of this pipeline') });
    await isStillAsked();
  });

  it('under the session name of an approver, and of the people’s role, but of another account, is refused', async () => {
    createRole(peopleRole('acme'), '999999999999');
    const key = await session(peopleRole('acme'), integrator, '999999999999');
    const { status, text } = await send(journey.local, await request(journey.local, decision(), key));
    expect(status, text).toBe(403);
    await isStillAsked();
  });

  it('under somebody else’s name cannot even be signed: each may take the people’s role under their own name only', async () => {
    const { site } = journey.local;
    const arn = `arn:aws:iam::${site.account}:role/${peopleRole('acme')}`;
    site.service('iam').user('developer@example.com', { people: { ...everything, Statement: { ...everything.Statement, Resource: arn } } });
    const asked = site.call(site.service('iam').userPrincipal('developer@example.com'), 'sts', 'AssumeRole', {
      RoleArn: arn,
      RoleSessionName: integrator,
    });
    await expect(asked).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('that is changed on the way, or sent again later, or only looked at, changes nothing', async () => {
    const key = await journey.local.identity(integrator);
    const signed = await request(journey.local, { ...decision(), digest: `sha256:${'0'.repeat(64)}` }, key);
    const changed = { ...signed, body: new TextEncoder().encode(JSON.stringify(decision())) };
    expect(await send(journey.local, changed)).toMatchObject({ status: 403 });
    const good = await request(journey.local, decision(), key);
    await journey.local.advance(20 * MINUTE);
    expect(await send(journey.local, good)).toMatchObject({ status: 403 });
    expect(await send(journey.local, await request(journey.local, decision(), key, 'GET'))).toMatchObject({ status: 405 });
    await isStillAsked();
  });

  it('given ten times at once makes one transition, and nine are told so', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => journey.approve(digest, 'beta', integrator)));
    expect(answers.filter(({ status }) => status === 200).length).toBe(1);
    for (const { message } of answers.filter(({ status }) => status !== 200)) expect(message).toContain('already been approved');
    await journey.untilAsked(digest, 'live+sandbox');
    expect((await journey.local.executions('promotion')).filter((name) => name.startsWith('beta-')).length).toBe(1);
  });

  it('given by two people at once who say yes and no makes one transition, and the other is told so', async () => {
    const [yes, no] = await Promise.all([
      journey.approve(digest, 'live+sandbox', manager),
      journey.reject(digest, 'live+sandbox', developer, 'wait'),
    ]);
    expect([yes.status, no.status].toSorted()).toEqual([200, 403]);
    const state = yes.status === 200 ? 'succeeded' : 'refused';
    await journey.untilState(digest, state);
    expect(await journey.runs('live')).toBe(yes.status === 200 ? '1.1.0' : undefined);
  });

  it('a millisecond before its time is up counts; when it is up it does not, and its token is dead', async () => {
    const early = await journey.push({ repository: 'catalog', tag: 'build-1' });
    await journey.untilAsked(early, 'beta', { repository: 'catalog' });
    const deadline = (await journey.local.ledger.gate('beta', 'catalog'))?.deadline ?? 0;
    const late = await journey.push({ repository: 'orders', tag: 'git_1' });
    await journey.untilAsked(late, 'beta', { repository: 'orders' });
    const after = await journey.local.ledger.gate('beta', 'orders');
    expect(deadline).toBeGreaterThan(journey.local.clock.now() + 100 * HOUR);
    await journey.stopSchedules();
    await journey.local.clock.run({ until: deadline - 1 });
    expect(await journey.approve(early, 'beta', integrator, 'catalog')).toMatchObject({ status: 200 });
    await journey.local.clock.run({ until: after?.deadline ?? 0 });
    expect(await journey.approve(late, 'beta', integrator, 'orders')).toMatchObject({
      status: 403,
      message: expect.stringContaining('expired'),
    });
    const answer = await journey.local.site
      .call(journey.local.site.service('iam').userPrincipal('rehearsal'), 'states', 'SendTaskSuccess', {
        taskToken: after?.token,
        output: '{}',
      })
      .catch((error: Error) => error.name);
    expect(answer).toBe('TaskTimedOut');
    await journey.untilState(late, 'refused', { repository: 'orders' });
  });
});
