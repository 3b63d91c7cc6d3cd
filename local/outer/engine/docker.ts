/** The `docker` command of whoever started local AWS: it knows where their engine is (DOCKER_HOST, contexts) and how to talk to it. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** There is no engine, or none that can run tasks here. */
export class EngineError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EngineError';
  }
}

export interface Outcome {
  /** 127 where there is no such command, 124 where it took too long. */
  readonly code: number;
  readonly stdout: string;
  /** Its last words. */
  readonly stderr: string;
}

interface Options {
  readonly input?: Uint8Array;
  /** Instead of the user's own configuration. */
  readonly config?: string;
  /** Beside its own environment: what nobody else shall read. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is killed. @default never */
  readonly limit?: number;
  /** Kills it. */
  readonly signal?: AbortSignal;
  /** Its input stays open, and at the limit it is closed instead: whatever reads it can end in order, within {@link GRACE}. @default false */
  readonly listens?: boolean;
}

/** What is said about the engine, for people. */
export interface EngineFacts {
  /** `Docker Engine 28.2.2` */
  readonly name: string;
  /** As platforms of images name it: `amd64`, `arm64`. */
  readonly architecture: string;
}

/** Most commands that run at the same time: they are programs, and a pipeline starts many tasks at once. */
const AT_ONCE = 6;
/** How long a command may take to end by itself once its input is closed, in milliseconds. */
const GRACE = 2_000;
/** How much of what a command says is kept, in characters. */
const KEPT = 64_000;

export class Docker {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** Runs a command in its turn. */
  async run(words: readonly string[], options: Options = {}): Promise<Outcome> {
    if (this.running >= AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running++;
    try {
      return await this.now(words, options);
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }

  /** Runs a command at once. */
  now(words: readonly string[], { input, config, env, limit, signal, listens = false }: Options = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      const child = start(words, { ...env, ...(config === undefined ? {} : { DOCKER_CONFIG: config }) });
      let timer: NodeJS.Timeout | undefined;
      const kept = { stdout: '', stderr: '' };
      let isLate = false;
      for (const name of ['stdout', 'stderr'] as const)
        child[name].setEncoding('utf8').on('data', (text: string) => {
          kept[name] = (kept[name] + text).slice(-KEPT);
        });
      const kill = () => void child.kill('SIGKILL');
      signal?.addEventListener('abort', kill, { once: true });
      if (signal?.aborted) kill();
      const end = (code: number, more = '') => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', kill);
        resolve({ code, stdout: kept.stdout.trim(), stderr: `${kept.stderr}${more}`.trim() });
      };
      child.once('error', (error: NodeJS.ErrnoException) => end(127, error.message));
      child.once('close', (code) => end(isLate ? 124 : (code ?? 137)));
      child.stdin.on('error', () => undefined);
      if (!listens) child.stdin.end(input);
      if (limit !== undefined)
        timer = setTimeout(() => {
          isLate = true;
          if (!listens) return kill();
          child.stdin.end();
          timer = setTimeout(kill, GRACE);
        }, limit);
    });
  }

  /** Runs a command that goes on, and hands over what it says line by line. @returns ends it; `ended` is there once it has ended */
  follow(words: readonly string[], onLine: (line: string) => void): { readonly ended: Promise<void>; end(): void } {
    const child = start(words);
    child.stdin.end();
    child.stdin.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop()!;
        // Somebody prints without end of line: CloudWatch Logs takes 256 KiB for an event, and Docker cuts where it does.
        while (rest.length > KEPT) {
          lines.push(rest.slice(0, KEPT));
          rest = rest.slice(KEPT);
        }
        for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
      });
      stream.once('end', () => {
        if (rest !== '') onLine(rest);
      });
    }
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    });
    return { ended, end: () => void child.kill('SIGKILL') };
  }
}

/** In a process group of its own: Ctrl-C is for local AWS, which ends what it has started in order. */
function start(words: readonly string[], more: Readonly<Record<string, string>> = {}) {
  return spawn('docker', words, { env: { ...process.env, ...more }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** The last line of what a command said: the daemon's words, without the command's own prefix. */
export const reasonOf = ({ stderr, stdout, code }: Outcome): string =>
  (stderr || stdout)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:Error: failed to start containers|See 'docker|Run 'docker|Using default tag)/.test(line))
    .at(-1)
    ?.replace(/^(?:docker|Error): /, '') ?? `docker ended with ${code}`;

/** @throws EngineError where none answers, or where it cannot be used from here */
export async function findEngine(docker = new Docker()): Promise<EngineFacts> {
  const found = await docker.now(['version', '--format', '{{json .}}'], { limit: 20_000 });
  if (found.code === 127) throw new EngineError('there is no command "docker" on the PATH');
  interface Version {
    readonly Server?: {
      readonly Os?: string;
      readonly Arch?: string;
      readonly Version?: string;
      readonly Components?: readonly { readonly Name: string; readonly Version: string; readonly Details?: { readonly Arch?: string } }[];
    } | null;
  }
  const { Server: server } = parse<Version>(found.stdout) ?? {};
  if (found.code !== 0 || !server) throw new EngineError(found.code === 124 ? 'it did not answer within 20 s' : reasonOf(found));
  const [main] = server.Components ?? [];
  if (server.Os !== undefined && server.Os !== 'linux')
    throw new EngineError(`it runs ${server.Os} containers; tasks on Fargate are Linux`);
  const architecture = server.Arch || (main?.Details?.Arch ?? '');
  const name =
    main === undefined ? `Docker ${server.Version ?? ''}` : `${main.Name === 'Engine' ? 'Docker Engine' : main.Name} ${main.Version}`;
  await assertReaches(docker);
  return { name, architecture };
}

function parse<Value>(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

/** Images come from a registry on this machine's loopback, and containers are asked there: both need an engine of this machine. */
async function assertReaches(docker: Docker): Promise<void> {
  let isAsked = false;
  let isConnected = false;
  const server = createServer((_, outgoing) => {
    isAsked = true;
    outgoing.writeHead(404, { 'content-type': 'application/json' });
    outgoing.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"nothing here"}]}');
  });
  server.on('connection', () => {
    isConnected = true;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const found = await docker.now(['pull', `${host}/is-it:here`], { limit: 30_000 });
  server.close();
  server.closeAllConnections();
  if (isAsked) return;
  throw new EngineError(
    isConnected
      ? `it insists on TLS for registries on 127.0.0.1 (${reasonOf(found)}); allow 127.0.0.0/8 as an insecure registry there, as Docker does by itself`
      : `it does not reach 127.0.0.1 of this machine (${reasonOf(found)}); it has to run here, not in a virtual machine or elsewhere`,
  );
}
