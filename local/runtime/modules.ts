/** The built-in modules that a Lambda environment may require: pure ones are Node's, the rest is replaced. */
import assert from 'node:assert';
import asyncHooks from 'node:async_hooks';
import buffer from 'node:buffer';
import { Console } from 'node:console';
import diagnosticsChannel from 'node:diagnostics_channel';
import events from 'node:events';
import http2 from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import querystring from 'node:querystring';
import stream from 'node:stream';
import streamPromises from 'node:stream/promises';
import streamWeb from 'node:stream/web';
import stringDecoder from 'node:string_decoder';
import url from 'node:url';
import util from 'node:util';
import zlib from 'node:zlib';

/** Replacements that an environment brings along. */
export interface OwnModules {
  readonly process: object;
  readonly console: object;
  readonly timers: object;
  readonly timersPromises: object;
  readonly crypto: object;
  readonly http: object;
  readonly https: object;
  readonly fs: object;
  readonly fsPromises: object;
  readonly performance: object;
}

const unavailable = (module: string, ...names: string[]) =>
  Object.fromEntries(
    names.map((name) => [
      name,
      () => {
        throw new Error(`local AWS: ${module}.${name} is not available in a Lambda function here`);
      },
    ]),
  );

/** `os` of a Lambda sandbox, the same on every machine. */
const lambdaOs = {
  ...os,
  ...unavailable('os', 'setPriority'),
  hostname: () => '169.254.100.6',
  homedir: () => '/home/sbx_user1051',
  tmpdir: () => '/tmp',
  platform: () => 'linux',
  type: () => 'Linux',
  release: () => '5.10.0-lambda',
  version: () => '#1 SMP',
  machine: () => 'x86_64',
  arch: () => 'x64',
  cpus: () => [],
  availableParallelism: () => 1,
  loadavg: () => [0, 0, 0],
  networkInterfaces: () => ({}),
  totalmem: () => 512e6,
  freemem: () => 384e6,
  uptime: () => 0,
  userInfo: () => ({ uid: 993, gid: 990, username: 'sbx_user1051', homedir: '/home/sbx_user1051', shell: null }),
};

/** zlib without its threads, of which the clock would know nothing: callbacks get what the synchronous function gives; streams are refused. */
function lambdaZlib(): object {
  const source = zlib as unknown as Record<string, unknown>;
  const module: Record<string, unknown> = { ...source };
  for (const name of Object.keys(source)) {
    const whole = source[`${name}Sync`];
    if (typeof whole === 'function')
      module[name] = (...args: unknown[]) => {
        const callback = args.pop() as (error: unknown, result?: unknown) => void;
        process.nextTick(() => {
          let result: unknown;
          try {
            result = whole(...args);
          } catch (error) {
            return callback(error);
          }
          callback(null, result);
        });
      };
  }
  return { ...module, ...unavailable('zlib', ...Object.keys(source).filter((name) => name.startsWith('create'))) };
}

/** All modules by name, without the prefix `node:`. */
export function builtins(own: OwnModules): ReadonlyMap<string, object> {
  return new Map<string, object>([
    ['assert', assert],
    ['assert/strict', assert.strict],
    ['async_hooks', asyncHooks],
    ['buffer', buffer],
    ['child_process', unavailable('child_process', 'exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync')],
    ['console', { ...own.console, Console }],
    ['crypto', own.crypto],
    ['diagnostics_channel', diagnosticsChannel],
    ['dns', unavailable('dns', 'lookup', 'resolve', 'resolve4', 'resolve6')],
    ['events', events],
    ['fs', own.fs],
    ['fs/promises', own.fsPromises],
    ['http', own.http],
    ['http2', { constants: http2.constants, ...unavailable('http2', 'connect', 'createServer', 'createSecureServer') }],
    ['https', own.https],
    ['net', { ...unavailable('net', 'connect', 'createConnection', 'createServer'), isIP: (text: string) => ipVersion(text) }],
    ['os', lambdaOs],
    ['path', path],
    ['path/posix', path.posix],
    ['perf_hooks', { performance: own.performance }],
    ['process', own.process],
    ['querystring', querystring],
    ['stream', stream],
    ['stream/promises', streamPromises],
    ['stream/web', streamWeb],
    ['string_decoder', stringDecoder],
    ['timers', own.timers],
    ['timers/promises', own.timersPromises],
    ['tls', unavailable('tls', 'connect', 'createServer')],
    ['tty', { isatty: () => false }],
    ['url', url],
    ['util', util],
    ['util/types', util.types],
    ['zlib', lambdaZlib()],
  ]);
}

const ipVersion = (text: string) => (/^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? 4 : text.includes(':') ? 6 : 0);
