import { describe, expect, it } from 'vitest';
import { textResponse } from '../../../local/core/http.ts';
import { bundled, rig, start, value, written } from './bundles.ts';

const started = (source: string, options: Parameters<typeof rig>[1] = {}) => {
  const lambda = rig(written(source), options);
  const failure = lambda.environment.start();
  return { ...lambda, failure };
};

describe('time and chance in a Lambda environment', () => {
  it('shows virtual time in every clock of the language', async () => {
    const lambda = started(`exports.handler = async () => {
      const before = [Date.now(), performance.now(), process.uptime(), process.hrtime.bigint()];
      await new Promise((resolve) => setTimeout(resolve, 90_000));
      class Moment extends Date {}
      return {
        slept: Date.now() - before[0], performed: performance.now() - before[1], up: process.uptime() - before[2],
        hr: Number(process.hrtime.bigint() - before[3]) / 1e6, iso: new Date().toISOString(), fixed: new Date(0).toISOString(),
        text: typeof Date(), derived: new Moment() instanceof Date, name: Date.name, day: new Intl.DateTimeFormat('en', { timeZone: 'UTC', dateStyle: 'short' }).format(),
      };
    };`);
    expect(value(await lambda.invoke({}, 120))).toEqual({
      slept: 90_000,
      performed: 90_000,
      up: 90,
      hr: 90_000,
      iso: '2026-11-02T09:01:30.000Z',
      fixed: '1970-01-01T00:00:00.000Z',
      text: 'string',
      derived: true,
      name: 'Date',
      day: '11/2/26',
    });
  });

  it('keeps the order of timers, intervals, immediates and timers/promises', async () => {
    const lambda = started(`
      const { setTimeout: later } = require('node:timers/promises');
      const { promisify } = require('util');
      exports.handler = async () => {
        const seen = [];
        const interval = setInterval((mark) => { seen.push(mark); if (seen.length > 5) clearInterval(interval); }, 100, 'tick');
        const never = setTimeout(() => seen.push('never'), 50);
        clearTimeout(Number(never));
        setImmediate(() => seen.push('immediate'));
        await promisify(setTimeout)(10);
        seen.push('ten');
        seen.push(await later(240, 'later'));
        await later(1000);
        return seen;
      };`);
    expect(value(await lambda.invoke())).toEqual(['immediate', 'ten', 'tick', 'tick', 'later', 'tick']);
  });

  it('draws all randomness from the seed', async () => {
    const source = `const crypto = require('crypto');
      exports.handler = async () => [Math.random(), crypto.randomUUID(), globalThis.crypto.randomUUID(), crypto.randomBytes(4).toString('hex'),
        crypto.randomInt(1000), [...globalThis.crypto.getRandomValues(new Uint8Array(4))]];`;
    const [first, again, other] = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const lambda = started(source, { seed });
        return value(await lambda.invoke()) as unknown[];
      }),
    );
    expect(again).toEqual(first);
    for (const [index, drawn] of other!.entries()) expect(drawn).not.toEqual(first![index]);
  });
});

describe('the realm of a Lambda environment', () => {
  it('knows the errors and bytes of the host as its own', async () => {
    const lambda = started(`
      const { Readable } = require('stream');
      exports.handler = async () => {
        const caught = (run) => { try { run(); } catch (error) { return error; } };
        const url = caught(() => new URL('nonsense'));
        const chunks = [];
        for await (const chunk of Readable.from([Buffer.from('a'), Buffer.from('b')])) chunks.push(chunk);
        class Mine extends Error {}
        return {
          url: [url instanceof Error, url instanceof TypeError, url instanceof RangeError],
          own: [caught(() => null.x) instanceof TypeError, new Mine() instanceof Mine, new Mine() instanceof Error, url instanceof Mine, ({}) instanceof Error],
          bytes: [Buffer.from('x') instanceof Uint8Array, new TextEncoder().encode('x') instanceof Uint8Array, new Uint8Array(2).buffer instanceof ArrayBuffer],
          read: Buffer.concat(chunks).toString(),
          plain: Object.getPrototypeOf(structuredClone({ a: [new Date(5)] })) === Object.prototype,
          cloned: structuredClone({ a: [new Date(5)], m: new Map([[1, { b: 2 }]]) }).m.get(1).b,
          signal: new AbortController().signal instanceof AbortSignal,
        };
      };`);
    expect(value(await lambda.invoke())).toEqual({
      url: [true, true, false],
      own: [true, true, true, false, false],
      bytes: [true, true, true],
      read: 'ab',
      plain: true,
      cloned: 2,
      signal: true,
    });
  });

  it('keeps what one environment changes from the other', async () => {
    const source = `exports.handler = async () => { Array.prototype.mark = (Array.prototype.mark ?? 0) + 1; process.env.STAGE += '!'; return [[].mark, process.env.STAGE]; };`;
    const [first, second] = [started(source), started(source)];
    expect(value(await first.invoke())).toEqual([1, 'test!']);
    expect(value(await first.invoke())).toEqual([2, 'test!!']);
    expect(value(await second.invoke())).toEqual([1, 'test!']);
    expect(([] as unknown as { mark?: number }).mark).toBeUndefined();
  });

  it('reads JSON and files of its own bundle, and no others', async () => {
    const folder = await bundled(
      `import { readFileSync, existsSync } from 'node:fs';
       import { readFile } from 'node:fs/promises';
       import { join } from 'node:path';
       const pipeline = require('./pipeline.json');
       export const handler = async () => ({
         pipeline,
         read: JSON.parse(readFileSync(join(__dirname, 'pipeline.json'), 'utf8')),
         passwd: await readFile('/etc/passwd', 'utf8').catch((error) => error.code),
         outside: existsSync('/var/task/../../etc/passwd'),
         writes: (() => { try { require('fs').writeFileSync('/tmp/x', 'y'); } catch (error) { return error.code; } })(),
       });`,
      { 'pipeline.json': '{"name":"acme"}' },
    );
    const lambda = rig(folder);
    expect(lambda.environment.start()).toBeUndefined();
    expect(value(await lambda.invoke())).toEqual({
      pipeline: { name: 'acme' },
      read: { name: 'acme' },
      passwd: 'ENOENT',
      outside: false,
      writes: 'EROFS',
    });
  });

  it('has fetch and http on the inner door', async () => {
    const lambda = started(
      `const http = require('http');
      exports.handler = async () => {
        const fetched = await fetch('https://orders.example.com/health?deep=1', { method: 'POST', body: JSON.stringify({ a: 1 }), headers: { 'X-Probe': 'yes' } });
        const got = await new Promise((resolve, reject) => {
          http.get('http://orders.example.com:8080/plain', (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => resolve([response.statusCode, response.headers['content-type'], text]));
          }).on('error', reject);
        });
        const failed = await fetch('https://nowhere.example.com/').catch((error) => [error.message, error.cause.code, error instanceof TypeError]);
        return { fetched: [fetched.status, fetched.ok, await fetched.json()], got, failed };
      };`,
      {
        answer: (request) => {
          if (request.host === 'nowhere.example.com') throw Object.assign(new Error('x'), { code: 'ENOTFOUND' });
          return textResponse(200, JSON.stringify({ path: request.path, query: request.query, host: request.host }));
        },
      },
    );
    expect(value(await lambda.invoke())).toEqual({
      fetched: [200, true, { path: '/health', query: 'deep=1', host: 'orders.example.com' }],
      got: [200, 'text/plain', '{"path":"/plain","query":"","host":"orders.example.com:8080"}'],
      failed: ['fetch failed', 'ENOTFOUND', true],
    });
    expect(lambda.requests[0]!.headers).toMatchObject({ 'x-probe': 'yes', 'content-length': '7' });
    expect(Buffer.from(lambda.requests[0]!.body).toString()).toBe('{"a":1}');
    expect(lambda.requests[0]!.headers).not.toHaveProperty('x-local-aws-invocation');
  });

  it('aborts a request that takes too long by AbortSignal.timeout', async () => {
    const lambda = started(
      `exports.handler = async () => {
        const error = await fetch('https://slow.example.com/', { signal: AbortSignal.timeout(2_000) }).catch((error) => error);
        return [error.name, new Date().toISOString()];
      };`,
      { answer: (_request, clock) => new Promise((resolve) => clock.after(60_000, 'an answer', () => resolve(textResponse(200, 'late')))) },
    );
    expect(value(await lambda.invoke())).toEqual(['TimeoutError', '2026-11-02T09:00:02.000Z']);
  });

  it('refuses modules that would reach the machine', async () => {
    const lambda = started(`exports.handler = async () => ['node:worker_threads', 'left-pad', 'node:child_process'].map((name) => {
      try { const module = require(name); module.execSync('ls'); return 'ran'; } catch (error) { return error.message; }
    });`);
    expect(value(await lambda.invoke())).toEqual([
      'local AWS has no node:worker_threads for Lambda functions',
      "Cannot find module 'left-pad'",
      'local AWS: child_process.execSync is not available in a Lambda function here',
    ]);
  });
});

describe('how an invocation ends', () => {
  it('gives the error that a handler throws, with its trace in the function alone', async () => {
    const lambda = started(`class Busy extends Error { constructor(m) { super(m); this.name = 'Busy'; } }
exports.handler = async (event) => { await null; throw event.plain ? 'just text' : new Busy('live is frozen'); };`);
    const outcome = await lambda.invoke();
    expect(outcome).toMatchObject({ kind: 'failed', ended: false, error: { errorType: 'Busy', errorMessage: 'live is frozen' } });
    const trace = outcome.kind === 'failed' ? outcome.error.trace! : [];
    expect(trace[0]).toBe('Busy: live is frozen');
    expect(trace.slice(1).length).toBeGreaterThan(0);
    for (const frame of trace.slice(1)) expect(frame).toMatch(/\/var\/task\/index\.js/);
    expect(value(await lambda.invoke({ plain: true }))).toEqual({ errorType: 'string', errorMessage: 'just text', trace: [] });
    expect(lambda.environment.usable).toBe(true);
  });

  it('times out in virtual time and ends the environment: nothing that was pending happens', async () => {
    const lambda = started(
      `exports.handler = async () => {
        setTimeout(() => fetch('https://orders.example.com/late'), 10_000);
        setInterval(() => console.log('still here'), 1_000);
        await new Promise(() => {});
      };`,
      { answer: () => textResponse(200, '') },
    );
    expect(value(await lambda.invoke({}, 3))).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: 'RequestId: 00000000-0000-4000-a000-000000000001 Error: Task timed out after 3.00 seconds',
    });
    await lambda.clock.run();
    expect(lambda.clock.now()).toBe(start + 3_000);
    expect(lambda.requests).toHaveLength(0);
    expect(lambda.lines.filter((line) => line.includes('still here'))).toHaveLength(2);
  });

  it('freezes between invocations: timers and answers wait for the next one', async () => {
    const lambda = started(
      `const seen = [];
      exports.handler = async (event) => {
        if (event.first) { setTimeout(() => seen.push('timer ' + new Date().toISOString()), 5_000); fetch('https://slow.example.com/').then(() => seen.push('answer')); return seen; }
        await new Promise((resolve) => setTimeout(resolve, 10));
        return seen;
      };`,
      { answer: (_request, clock) => new Promise((resolve) => clock.after(1_000, 'an answer', () => resolve(textResponse(200, '')))) },
    );
    expect(value(await lambda.invoke({ first: true }))).toEqual([]);
    await lambda.clock.run({ until: start + 60_000 });
    expect(value(await lambda.invoke())).toEqual(['answer', 'timer 2026-11-02T09:01:00.000Z']);
  });

  it('ends with the exit code when the code calls process.exit, and with the error that nobody caught', async () => {
    const lambda = started(`exports.handler = async (event) => {
      if (event.code !== undefined) process.exit(event.code);
      setTimeout(() => { throw new RangeError('from a timer'); }, 5);
      await new Promise(() => {});
    };`);
    expect(value(await lambda.invoke({ code: 2 }))).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('Runtime exited with error: exit status 2'),
    });
    expect(lambda.environment.end).toEqual({ kind: 'exit', code: 2 });
    const other = rig(
      written(
        `exports.handler = async () => { setTimeout(() => { throw new RangeError('from a timer'); }, 5); await new Promise(() => {}); };`,
      ),
    );
    other.environment.start();
    expect(await other.invoke()).toMatchObject({ ended: true, error: { errorType: 'RangeError', errorMessage: 'from a timer' } });
  });

  it('ends the environment whose promise was rejected unheard', async () => {
    const others = process.listeners('unhandledRejection');
    const lambda = started(
      `exports.handler = async () => { Promise.reject(new Error('unheard')); await new Promise((resolve) => setTimeout(resolve, 1000)); };`,
    );
    const ours = process.listeners('unhandledRejection').filter((listener) => listener.name === 'rejected');
    expect(ours).toHaveLength(1);
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', ours[0]!);
    try {
      expect(await lambda.invoke()).toMatchObject({
        ended: true,
        error: { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: unheard' },
      });
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of new Set([...others, ours[0]!])) process.on('unhandledRejection', listener);
    }
  });

  it.each([
    ['code that throws while it loads', `throw new TypeError('no table');`, 'index.handler', 'TypeError', 'no table'],
    [
      'a handler that is not there',
      'exports.other = () => {};',
      'index.handler',
      'Runtime.HandlerNotFound',
      'index.handler is undefined or not exported',
    ],
    ['a file that is not there', '', 'main.handler', 'Runtime.ImportModuleError', "Error: Cannot find module 'main'"],
    [
      'a callback handler on Node 24',
      'exports.handler = (event, context, callback) => callback(null, 1);',
      'index.handler',
      'Runtime.CallbackHandlerDeprecated',
      'ERROR: AWS Lambda has removed support for callback-based',
    ],
  ])('refuses to start with %s', (_what, source, handler, type, message) => {
    const { failure } = started(source, { handler });
    expect(failure).toMatchObject({ errorType: type, errorMessage: expect.stringContaining(message) });
  });

  it('still calls back on Node 22', async () => {
    const lambda = started('exports.handler = (event, context, callback) => setTimeout(() => callback(null, event.n + 1), 5);', {
      runtime: 'nodejs22.x',
    });
    expect(value(await lambda.invoke({ n: 41 }))).toBe(42);
  });

  it('counts down the remaining time and hands over the context', async () => {
    const lambda = started(`exports.handler = async (event, context) => {
      const before = context.getRemainingTimeInMillis();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return [before, context.getRemainingTimeInMillis(), context.functionName, context.awsRequestId, Object.getPrototypeOf(event) === Object.prototype];
    };`);
    expect(value(await lambda.invoke({ a: 1 }, 10))).toEqual([10_000, 8_500, 'orders', '00000000-0000-4000-a000-000000000001', true]);
  });

  it('writes console in text or JSON, one record each', async () => {
    const source = `exports.handler = async () => { console.log('two', { a: 1 }); console.error(new Error('bad')); console.debug('quiet'); process.stdout.write('raw\\nlines\\n'); };`;
    const text = started(source);
    await text.invoke();
    expect(text.lines[0]).toBe('2026-11-02T09:00:00.000Z\t00000000-0000-4000-a000-000000000001\tINFO\ttwo { a: 1 }');
    expect(text.lines.slice(-2)).toEqual(['raw', 'lines']);
    const json = started(source, { format: 'JSON' });
    await json.invoke();
    expect(JSON.parse(json.lines[0]!)).toMatchObject({
      level: 'INFO',
      message: 'two { a: 1 }',
      requestId: '00000000-0000-4000-a000-000000000001',
    });
    expect(JSON.parse(json.lines[1]!)).toMatchObject({ level: 'ERROR', errorType: 'Error', errorMessage: 'bad' });
    expect(json.lines.some((line) => line.includes('quiet'))).toBe(false);
  });
});
