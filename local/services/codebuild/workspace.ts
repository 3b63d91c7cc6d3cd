/** What a build's process finds on this machine: a temporary folder, a shell, a way into the world, and nothing else. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { World } from '../../core/site.ts';
import { Busy } from './busy.ts';
import { type BuildProxy, sleepScript, startProxy } from './proxy.ts';
import { type CommandOutcome, Shell } from './shell.ts';

export interface WorkspaceSettings {
  readonly shell: 'sh' | 'bash';
  readonly variables: Readonly<Record<string, string>>;
  /** Milliseconds of the machine's time that a command may compute without a pause. */
  readonly limit: number;
}

/** The folder as a build sees it in its log, whatever it is called on this machine. */
const SHOWN = '/codebuild/output';

export class Workspace {
  private readonly folder: string;
  private readonly shell: Shell;
  private readonly proxy: BuildProxy;
  private readonly busy: Busy;
  /** Whether a command computed longer than its limit, and was ended. */
  overdue = false;

  private constructor(parts: { folder: string; shell: Shell; proxy: BuildProxy; busy: Busy }) {
    this.folder = parts.folder;
    this.shell = parts.shell;
    this.proxy = parts.proxy;
    this.busy = parts.busy;
  }

  static async open(world: World, { shell, variables, limit }: WorkspaceSettings): Promise<Workspace> {
    const busy = new Busy(world.clock, limit, () => {
      workspace.overdue = true;
      workspace.kill();
    });
    const proxy = await world.clock.hold(startProxy(world, busy));
    const folder = mkdtempSync(join(tmpdir(), 'codebuild-'));
    for (const name of ['src', 'bin', 'shell']) mkdirSync(join(folder, name));
    const script = join(folder, 'bin', 'sleep.cjs');
    const sleep = join(folder, 'bin', 'sleep');
    writeFileSync(script, sleepScript(proxy.url));
    writeFileSync(sleep, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`);
    chmodSync(sleep, 0o755);
    const here = ['localhost', '127.0.0.1', '::1'].join(',');
    const env = {
      ...variables,
      PATH: `${join(folder, 'bin')}:${process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'}`,
      HOME: folder,
      CODEBUILD_SRC_DIR: join(folder, 'src'),
      http_proxy: proxy.url,
      HTTP_PROXY: proxy.url,
      https_proxy: proxy.url,
      HTTPS_PROXY: proxy.url,
      no_proxy: here,
      NO_PROXY: here,
      // Lets Node's own fetch and http take the proxy.
      NODE_USE_ENV_PROXY: '1',
    };
    const workspace = new Workspace({
      folder,
      proxy,
      busy,
      shell: new Shell({ shell, folder: join(folder, 'shell'), cwd: join(folder, 'src'), env }),
    });
    return workspace;
  }

  /** Runs a command in the shell; time stands still meanwhile, but for its sleeps and requests. */
  async run(command: string): Promise<CommandOutcome> {
    const { status, output } = await this.busy.during(() => this.shell.run(command));
    return { status, output: this.shown(output) };
  }

  /** What has been written since the last command ended. */
  rest(): string {
    return this.shown(this.shell.output());
  }

  private shown(text: string): string {
    return text.replaceAll(this.folder, SHOWN);
  }

  /** The values of shell variables, without those that are not set. */
  async read(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const values: Record<string, string> = {};
    for (const name of names) {
      const { status, output } = await this.run(`[ -n "\${${name}+set}" ] && printf '%s' "$${name}"`);
      if (status === 0) values[name] = output;
    }
    return values;
  }

  /** Ends what runs. */
  kill(): void {
    this.shell.kill();
  }

  /** Ends what runs and removes the folder. */
  close(): void {
    this.shell.close();
    this.proxy.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
