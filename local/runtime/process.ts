/** `process` and `console` of a Lambda environment: its own variables, the clock, and output that becomes log lines. */
import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import type { Life } from './life.ts';

/** Where a process writes: one call for each line or record. */
export type Output = (text: string) => void;

const stream = (output: Output) =>
  Object.assign(
    new Writable({
      decodeStrings: false,
      write: (chunk: Buffer | string, _encoding, done) => {
        output(String(chunk));
        done();
      },
    }),
    { fd: 1, isTTY: false, columns: undefined },
  );

/** `process`. `exit` ends the environment. */
export function processOf(
  life: Life,
  variables: Record<string, string>,
  { node, architecture }: { readonly node: string; readonly architecture: string },
  output: Output,
): object {
  const started = life.clock.now();
  const elapsed = () => life.clock.now() - started;
  const hrtime = (previous?: [number, number]) => {
    const nanoseconds =
      BigInt(Math.round(life.clock.now() * 1e6)) - (previous ? BigInt(previous[0]) * 10n ** 9n + BigInt(previous[1]) : 0n);
    return [Number(nanoseconds / 10n ** 9n), Number(nanoseconds % 10n ** 9n)];
  };
  const stdout = stream(output);
  return Object.assign(new EventEmitter(), {
    env: variables,
    argv: ['/var/lang/bin/node', '/var/runtime/index.mjs'],
    execArgv: [],
    execPath: '/var/lang/bin/node',
    title: '/var/lang/bin/node',
    pid: 8,
    ppid: 1,
    platform: 'linux',
    arch: architecture === 'arm64' ? 'arm64' : 'x64',
    version: `v${node}`,
    versions: { node },
    release: { name: 'node' },
    features: {},
    config: {},
    exitCode: undefined,
    stdout,
    stderr: stream(output),
    cwd: () => '/var/task',
    umask: () => 0o022,
    getuid: () => 993,
    geteuid: () => 993,
    getgid: () => 990,
    getegid: () => 990,
    uptime: () => elapsed() / 1000,
    hrtime: Object.assign(hrtime, { bigint: () => BigInt(Math.round(life.clock.now() * 1e6)) }),
    memoryUsage: Object.assign(() => ({ rss: 96e6, heapTotal: 32e6, heapUsed: 24e6, external: 2e6, arrayBuffers: 1e6 }), {
      rss: () => 96e6,
    }),
    cpuUsage: () => ({ user: elapsed() * 1000, system: 0 }),
    nextTick: (callback: (...args: unknown[]) => void, ...args: unknown[]) => process.nextTick(() => life.enter(() => callback(...args))),
    emitWarning: (warning: string | Error, type: string | { type?: string } = 'Warning') => {
      const name = warning instanceof Error ? warning.name : typeof type === 'string' ? type : (type.type ?? 'Warning');
      output(`(node:8) ${name}: ${warning instanceof Error ? warning.message : warning}\n`);
    },
    exit: (code?: number) => {
      life.end({ kind: 'exit', code: Number(code ?? 0) });
      // The code after process.exit must not run: it waits in a frame that is unwound.
      throw new Error('process.exit was called');
    },
    abort: () => {
      life.end({ kind: 'exit', code: 134 });
      throw new Error('process.abort was called');
    },
    kill: () => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    },
  });
}

/** How the functions of `console` mark their lines in Lambda's text format. */
const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR', trace: 'TRACE' } as const;

/** Writes one line of a function's log: level, text, and the values it was made of. */
export type ConsoleLine = (level: (typeof levels)[keyof typeof levels], text: string, values: readonly unknown[]) => void;

/** `console`: every call is one record. */
export function consoleOf(write: ConsoleLine, life: Life): object {
  const counts = new Map<string, number>();
  const since = new Map<string, number>();
  const record =
    (level: (typeof levels)[keyof typeof levels]) =>
    (...values: unknown[]) =>
      write(level, format(...values), values);
  return {
    ...Object.fromEntries(Object.entries(levels).map(([name, level]) => [name, record(level)])),
    dir: (value: unknown, options?: object) => write('INFO', inspect(value, options), [value]),
    assert: (holds: unknown, ...values: unknown[]) => {
      if (!holds) write('ERROR', `Assertion failed${values.length > 0 ? `: ${format(...values)}` : ''}`, values);
    },
    count: (label = 'default') => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      write('INFO', `${label}: ${counts.get(label)}`, []);
    },
    countReset: (label = 'default') => void counts.delete(label),
    time: (label = 'default') => void since.set(label, life.clock.now()),
    timeEnd: (label = 'default') => write('INFO', `${label}: ${life.clock.now() - (since.get(label) ?? life.clock.now())}ms`, []),
    timeLog: (label = 'default') => write('INFO', `${label}: ${life.clock.now() - (since.get(label) ?? life.clock.now())}ms`, []),
    table: record('INFO'),
    group: record('INFO'),
    groupCollapsed: record('INFO'),
    groupEnd: () => {},
  };
}
