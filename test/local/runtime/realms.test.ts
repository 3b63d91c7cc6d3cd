import { describe, expect, it } from 'vitest';
import { rig, value, written } from './bundles.ts';

const invocation = {
  requestId: '00000000-0000-4000-a000-000000000001',
  payload: '{}',
  timeoutSeconds: 30,
  traceId: 'Root=1-00000000-000000000000000000000000;Sampled=0',
  context: {
    functionName: 'orders',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111111111111:function:orders',
    memoryLimitInMB: '256',
    logGroupName: '/aws/lambda/orders',
    logStreamName: 'stream',
    awsRequestId: '00000000-0000-4000-a000-000000000001',
  },
};

/** Lives once in the folder's code and is retired, so that its realm is free. */
async function lived(folder: string, event: unknown = {}): Promise<unknown> {
  const { environment, invoke } = rig(folder);
  expect(environment.start()).toBeUndefined();
  const result = value(await invoke(event));
  environment.retire();
  return result;
}

describe('a realm that an environment has left', () => {
  it('is lived in again by the same code: the intrinsics are the same objects', async () => {
    const seen: unknown[] = [];
    const folder = written(
      `exports.handler = async () => { const tag = Buffer.mark ??= new WeakMap(); const old = tag.has(Object); tag.set(Object, 1); return old; };`,
    );
    for (let life = 0; life < 3; life++) seen.push(await lived(folder));
    expect(seen).toEqual([false, true, true]);
    delete (Buffer as { mark?: unknown }).mark;
  });

  it('starts its code anew: no variable of a module, no global and no change of an intrinsic is left', async () => {
    const folder = written(`
      let count = 0;
      const before = [
        typeof globalThis.left, typeof [].last, typeof ''.trim, Math.max(1, 2), Error.stackTraceLimit, typeof Error.prepareStackTrace,
        Object.getPrototypeOf(async function () {}).mark ?? 'none', [] instanceof Object, typeof Promise.prototype.finally, new Map([[1, 2]]).get(1),
        process.env.LEFT ?? 'none', typeof JSON.rawer,
      ];
      exports.handler = async () => {
        globalThis.left = 1;
        Array.prototype.last = function () { return this.at(-1); };
        delete String.prototype.trim;
        Math.max = () => 7;
        Error.stackTraceLimit = 1;
        Error.prepareStackTrace = () => 'none of your business';
        Object.getPrototypeOf(async function () {}).mark = 1;
        Object.setPrototypeOf(Array.prototype, null);
        delete Promise.prototype.finally;
        Map.prototype.get = () => 'mine';
        Map.prototype[Symbol.iterator] = function* () {};
        Array.prototype[Symbol.iterator] = function* () {};
        Reflect.ownKeys = () => [];
        Reflect.defineProperty = () => true;
        Object.is = () => true;
        process.env.LEFT = '1';
        JSON.rawer = () => 1;
        return { count: ++count, before };
      };`);
    const first = await lived(folder);
    expect(first).toEqual({
      count: 1,
      before: ['undefined', 'undefined', 'function', 2, 10, 'undefined', 'none', true, 'function', 2, 'none', 'undefined'],
    });
    expect(await lived(folder)).toEqual(first);
  });

  it.each([
    ['a frozen intrinsic', 'Object.freeze(Array.prototype)'],
    ['a global that cannot be deleted', "Object.defineProperty(globalThis, 'stuck', { value: 1 })"],
  ])('is not used again with %s', async (_, change) => {
    const folder = written(`
      const before = [Object.isFrozen(Array.prototype), 'stuck' in globalThis];
      exports.handler = async () => { ${change}; return before; };`);
    expect(await lived(folder)).toEqual([false, false]);
    expect(await lived(folder)).toEqual([false, false]);
  });

  it('has the time, the chance and the console of its new environment', async () => {
    const folder = written(`exports.handler = async ({ say }) => { console.log(say); return [new Date().toISOString(), Math.random()]; };`);
    const first = rig(folder, { seed: 1 });
    first.environment.start();
    await first.clock.run({ until: first.clock.now() + 60_000 });
    const early = value(await first.invoke({ say: 'first' })) as unknown[];
    first.environment.retire();
    const second = rig(folder, { seed: 2 });
    second.environment.start();
    const late = value(await second.invoke({ say: 'second' })) as unknown[];
    expect([early[0], late[0]]).toEqual(['2026-11-02T09:01:00.000Z', '2026-11-02T09:00:00.000Z']);
    expect(late[1]).not.toBe(early[1]);
    expect(first.lines.join()).not.toContain('second');
    expect(second.lines.join()).toContain('second');
  });

  it('stays empty after an environment whose digests real threads still compute: its code goes on there', async () => {
    const folder = written(`
      const tag = Buffer.mark ??= new WeakMap();
      const old = tag.has(Object);
      tag.set(Object, 1);
      exports.handler = async () => { crypto.subtle.digest('SHA-256', new Uint8Array(8_000_000)); return old; };`);
    const seen: unknown[] = [];
    for (let life = 0; life < 2; life++) {
      const { environment } = rig(folder);
      environment.start();
      seen.push(value(await environment.invoke(invocation)));
      environment.retire();
    }
    expect(seen).toEqual([false, false]);
    delete (Buffer as { mark?: unknown }).mark;
  });
});
