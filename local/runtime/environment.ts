/** One Lambda execution environment: a realm with a function's code in it, which takes one invocation at a time. */
import type { Clock } from '../core/clock.ts';
import type { HttpRequest, HttpResponse } from '../core/http.ts';
import type { Random } from '../core/random.ts';
import { type Bundle, TASK_ROOT } from './bundle.ts';
import { cryptoModule } from './chance.ts';
import { type Door, doorOf } from './door.ts';
import { abortSignalOn, fetchOn } from './fetch.ts';
import { fileModules } from './files.ts';
import { httpModule } from './http.ts';
import { type End, Life } from './life.ts';
import type { FunctionLog } from './log.ts';
import { builtins } from './modules.ts';
import { type ErrorPayload, endPayload, errorPayload, type Outcome, RuntimeError } from './outcome.ts';
import { consoleOf, processOf } from './process.ts';
import type { Realm } from './realm.ts';
import { type Home, moveIn, moveOut } from './realms.ts';
import { watchRejections } from './rejections.ts';
import { Timers } from './timers.ts';

/** The Node.js versions behind the managed runtimes. */
export const nodeVersions: Readonly<Record<string, string>> = { 'nodejs24.x': '24.11.0', 'nodejs22.x': '22.21.0' };

/** 6 MB, plus what Lambda allows for its own wrapping. */
const MAX_RESPONSE = 6_291_556;

export interface EnvironmentOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The inner door, such as `world.http`. */
  readonly http: (request: HttpRequest) => Promise<HttpResponse>;
  readonly bundle: Bundle;
  /** `index.handler` */
  readonly handler: string;
  readonly runtime: string;
  /** @default x86_64 */
  readonly architecture?: string;
  /** All environment variables, credentials and Lambda's own included. */
  readonly variables: Readonly<Record<string, string>>;
  readonly log: FunctionLog;
}

export interface Invocation {
  readonly requestId: string;
  /** JSON text. */
  readonly payload: string;
  readonly timeoutSeconds: number;
  readonly traceId: string;
  /** The parts of the handler's second argument that do not change with time. */
  readonly context: {
    readonly functionName: string;
    readonly functionVersion: string;
    readonly invokedFunctionArn: string;
    readonly memoryLimitInMB: string;
    readonly logGroupName: string;
    readonly logStreamName: string;
    readonly awsRequestId: string;
    readonly clientContext?: unknown;
  };
}

type Handler = (event: unknown, context: object, callback?: (error: unknown, result?: unknown) => void) => unknown;

export class Environment {
  private readonly options: EnvironmentOptions;
  private readonly life: Life;
  private readonly home: Home;
  private readonly modules: ReadonlyMap<string, object>;
  private readonly loaded = new Map<string, { exports: unknown }>();
  private readonly variables: Record<string, string>;
  private handler: Handler | undefined;
  private current: Invocation | undefined;
  private requests = 0;
  /** Digests and signatures that real threads still compute. */
  private working = 0;
  /** How it ended, if it did. */
  end: End | undefined;

  constructor(options: EnvironmentOptions) {
    const { clock, random, bundle } = options;
    this.options = options;
    this.life = new Life(clock);
    this.life.onEnd((end) => {
      this.end = end;
    });
    this.home = moveIn(bundle.path, { now: () => clock.now(), random: () => random.next() });
    this.variables = this.realm.tools.fields({ ...options.variables });
    this.modules = this.furnish();
    watchRejections(this.realm.tools.Promise, (reason) => this.life.end({ kind: 'crash', error: reason, rejected: true }));
  }

  private get realm(): Realm {
    return this.home.realm;
  }

  /** HTTP requests sent so far. */
  get sent(): number {
    return this.requests;
  }

  get usable(): boolean {
    return this.life.alive && this.handler !== undefined;
  }

  /** Gives the realm its globals and makes the modules that reach outside. */
  private furnish(): ReadonlyMap<string, object> {
    const { clock, random, bundle, log, runtime, architecture = 'x86_64' } = this.options;
    const { life } = this;
    const timers = new Timers(life);
    const out: Door = doorOf(life, this.options.http, () => this.current?.requestId ?? '');
    const door: Door = (...args) => {
      this.requests++;
      out(...args);
    };
    const alive =
      <Args extends unknown[]>(write: (...args: Args) => void) =>
      (...args: Args) => {
        if (life.alive) write(...args);
      };
    const process = processOf(life, this.variables, { node: nodeVersions[runtime] ?? '24.11.0', architecture }, alive(log.output));
    const console = consoleOf(alive(log.console), life);
    const crypto = cryptoModule(random, (work) => this.await(work));
    const started = clock.now();
    const performance = { timeOrigin: started, now: () => clock.now() - started, mark: () => undefined, measure: () => undefined };
    const files = fileModules(bundle);
    const functions = timers.functions();
    const global = this.realm.context as Record<string, unknown>;
    for (const [name, value] of Object.entries({
      ...functions,
      process,
      console,
      performance,
      crypto: crypto.webcrypto,
      fetch: fetchOn(door),
      AbortSignal: abortSignalOn(timers),
      queueMicrotask: (act: () => void) => queueMicrotask(() => life.enter(act)),
    }))
      Object.defineProperty(global, name, { value, writable: true, configurable: true, enumerable: false });
    return builtins({
      process,
      console,
      performance,
      timers: { ...functions, promises: timers.promises() },
      timersPromises: timers.promises(),
      crypto: crypto.module,
      http: httpModule({ door, timers }, false),
      https: httpModule({ door, timers }, true),
      fs: files.fs,
      fsPromises: files.promises,
    });
  }

  /**
   * Loads the code and finds the handler.
   * @returns the error payload of a failed start; the environment is of no use then
   */
  start(): ErrorPayload | undefined {
    let failure: ErrorPayload | undefined;
    this.life.enter(() => {
      try {
        this.handler = this.findHandler();
      } catch (error) {
        failure = this.end ? endPayload(this.end, '', 0) : errorPayload(error);
      }
    });
    if (failure) this.life.end({ kind: 'recycled' });
    else this.life.freeze();
    return failure;
  }

  /** Time waits for real work; its code goes on afterwards in any case, so that its realm is nobody else's meanwhile. */
  private async await<Result>(work: Promise<Result>): Promise<Result> {
    this.working++;
    try {
      return await this.options.clock.hold(work);
    } finally {
      this.working--;
    }
  }

  private findHandler(): Handler {
    const { handler, bundle, runtime } = this.options;
    const dot = handler.lastIndexOf('.');
    const [file, name] = [handler.slice(0, dot), handler.slice(dot + 1)];
    if (dot <= 0 || name === '') throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler');
    const path = bundle.resolve(`/${file}`);
    if (path === undefined) {
      if (bundle.kind(`/${file}.mjs`)) throw new Error(`local AWS runs CommonJS bundles only: ${file}.mjs is an ES module`);
      throw new RuntimeError('Runtime.ImportModuleError', `Error: Cannot find module '${file}'\nRequire stack:\n- /var/runtime/index.mjs`);
    }
    const found = (this.load(path) as Record<string, unknown> | undefined)?.[name];
    if (found === undefined) throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
    if (typeof found !== 'function') throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is not a function`);
    if (found.length >= 3 && runtime !== 'nodejs22.x')
      throw new RuntimeError(
        'Runtime.CallbackHandlerDeprecated',
        'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later.',
      );
    return found as Handler;
  }

  /** Runs a module of the bundle once and gives its exports. */
  private load(path: string): unknown {
    const known = this.loaded.get(path);
    if (known) return known.exports;
    const { bundle } = this.options;
    const { tools } = this.realm;
    if (path.endsWith('.json')) {
      const module = { exports: tools.parse(bundle.read(path)!.toString('utf8')) };
      this.loaded.set(path, module);
      return module.exports;
    }
    const module: { exports: unknown; id: string; filename: string; loaded: boolean } = tools.fields({
      exports: tools.fields({}),
      id: TASK_ROOT + path,
      filename: TASK_ROOT + path,
      loaded: false,
    });
    this.loaded.set(path, module);
    const folder = path.slice(0, path.lastIndexOf('/'));
    const require = Object.assign((name: string) => this.require(name, folder), {
      resolve: (name: string) => TASK_ROOT + (this.bundled(name, folder) ?? `/${name}`),
      cache: {},
      main: module,
    });
    const load = async (name: string) => tools.namespace(require(name));
    try {
      this.home
        .wrapper(bundle.compile(path))
        .call(module.exports, module, module.exports as object, require, TASK_ROOT + path, TASK_ROOT + folder, load);
    } catch (error) {
      this.loaded.delete(path);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  private bundled(name: string, folder: string): string | undefined {
    const { bundle } = this.options;
    if (name.startsWith('./') || name.startsWith('../')) return bundle.resolve(new URL(`${folder}/${name}`, 'file:///').pathname);
    return name.startsWith(`${TASK_ROOT}/`) ? bundle.resolve(name.slice(TASK_ROOT.length)) : undefined;
  }

  private require(name: string, folder: string): unknown {
    const builtin = this.modules.get(name.replace(/^node:/, ''));
    if (builtin !== undefined) return builtin;
    const path = this.bundled(name, folder);
    if (path !== undefined) return this.load(path);
    const reason = name.startsWith('node:') ? `local AWS has no ${name} for Lambda functions` : `Cannot find module '${name}'`;
    throw Object.assign(new Error(reason), { code: 'MODULE_NOT_FOUND' });
  }

  /** Runs the handler once. The environment is frozen afterwards, or ended. */
  async invoke(invocation: Invocation): Promise<Outcome> {
    const { clock, log } = this.options;
    const deadline = clock.now() + invocation.timeoutSeconds * 1000;
    this.current = invocation;
    log.requestId = invocation.requestId;
    this.variables._X_AMZN_TRACE_ID = invocation.traceId;
    const timer = clock.at(deadline, `a Lambda function (${invocation.context.functionName}) times out`, () =>
      this.life.end({ kind: 'timeout' }),
    );
    let unwatch = () => {};
    const outcome = await new Promise<Outcome>((resolve) => {
      const failed = (error: unknown) => {
        if (!this.life.alive) return;
        const payload = errorPayload(error);
        log.console('ERROR', `Invoke Error \t${JSON.stringify({ ...payload, stack: payload.trace, trace: undefined })}`, [payload]);
        resolve({ kind: 'failed', error: payload, ended: false });
      };
      unwatch = this.life.onEnd((end) =>
        resolve({ kind: 'failed', error: endPayload(end, invocation.requestId, invocation.timeoutSeconds), ended: true }),
      );
      this.life.thaw();
      this.life.enter(() => {
        let result: unknown;
        try {
          result = this.call(invocation, deadline);
        } catch (error) {
          return failed(error);
        }
        Promise.resolve(result).then(
          (value) => this.life.enter(() => resolve(this.returned(value))),
          (error) => this.life.enter(() => failed(error)),
        );
      });
    });
    unwatch();
    clock.cancel(timer);
    this.current = undefined;
    this.life.freeze();
    return outcome;
  }

  private call(invocation: Invocation, deadline: number): unknown {
    const { tools } = this.realm;
    const context = tools.fields({
      ...invocation.context,
      callbackWaitsForEmptyEventLoop: true,
      identity: undefined,
      getRemainingTimeInMillis: () => Math.max(0, deadline - this.options.clock.now()),
    });
    const event = tools.parse(invocation.payload);
    const handler = this.handler!;
    if (handler.length < 3) return handler(event, context);
    return new Promise((resolve, reject) => {
      const returned = handler(event, context, (error, result) => (error ? reject(error) : resolve(result)));
      if (typeof (returned as Promise<unknown> | undefined)?.then === 'function') resolve(returned);
    });
  }

  private returned(value: unknown): Outcome {
    let payload: string;
    try {
      payload = this.realm.tools.stringify(value) ?? 'null';
    } catch (error) {
      const message = `Unable to stringify response body as json: ${errorPayload(error).errorMessage}`;
      return { kind: 'failed', error: { errorType: 'Runtime.MarshalError', errorMessage: message, trace: [] }, ended: false };
    }
    if (Buffer.byteLength(payload) > MAX_RESPONSE) {
      const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`;
      return { kind: 'failed', error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage }, ended: false };
    }
    return { kind: 'returned', payload };
  }

  /** Ends it between invocations: idle for too long, or its credentials are about to expire. */
  retire(): void {
    const clean = this.usable && this.current === undefined && this.working === 0;
    this.life.end({ kind: 'recycled' });
    if (clean) moveOut(this.options.bundle.path, this.home);
  }
}
