/** One real shell that runs the commands of a build, one after the other, as its process group. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

export interface CommandOutcome {
  /** The exit status; 128 and the signal's number for a killed one. */
  readonly status: number;
  /** What was written to standard output and standard error, in order. */
  readonly output: string;
}

/**
 * "In version 0.2, CodeBuild runs all build commands in the same instance of the default shell." Commands come as files,
 * whose names arrive by descriptor 3; their statuses leave by descriptor 4. Output goes to a file, so that all of it is
 * there when the status is.
 */
const DRIVER = `while IFS= read -r local_aws_next <&3; do . "$local_aws_next" 3<&- 4>&-; printf '%s\\n' "$?" >&4; done`;

export class Shell {
  private readonly settings: {
    readonly shell: string;
    readonly folder: string;
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
  };
  private readonly log: number;
  private read = 0;
  private count = 0;
  private child: ChildProcess | undefined;
  private readonly groups: number[] = [];
  private closed = false;

  /** @param settings.folder where the shell keeps its files; the caller removes it */
  constructor(settings: Shell['settings']) {
    this.settings = settings;
    this.log = openSync(join(settings.folder, 'output.log'), 'a+');
  }

  /** Runs a command. A shell that ended, by `exit` or a signal, is followed by a new one. */
  run(command: string): Promise<CommandOutcome> {
    const file = join(this.settings.folder, `command-${++this.count}.sh`);
    writeFileSync(file, `${command}\n`);
    this.child ??= this.start();
    const { child } = this;
    const statuses = child.stdio[4]!;
    return new Promise((resolve) => {
      const end = (status: number) => {
        statuses.off('data', answered);
        child.off('exit', exited).off('error', failed);
        if (child.exitCode !== null || child.signalCode !== null) this.child = undefined;
        resolve({ status, output: this.output() });
      };
      const answered = (data: Buffer) => end(Number(data.toString()));
      const exited = (code: number | null) => end(code ?? 137);
      const failed = () => {
        this.child = undefined;
        end(127);
      };
      statuses.on('data', answered);
      child.on('exit', exited).on('error', failed);
      (child.stdio[3] as Writable).write(`${file}\n`);
    });
  }

  private start(): ChildProcess {
    const { shell, cwd, env } = this.settings;
    const child = spawn(shell, ['-c', DRIVER], { cwd, env, detached: true, stdio: ['ignore', this.log, this.log, 'pipe', 'pipe'] });
    if (child.pid !== undefined) this.groups.push(child.pid);
    // A shell that has just ended no longer reads; its exit is what counts.
    child.stdio[3]!.on('error', () => undefined);
    return child;
  }

  /** What was written since the last time. */
  output(): string {
    if (this.closed) return '';
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.alloc(65_536);
      const length = readSync(this.log, chunk, 0, chunk.length, this.read);
      if (length === 0) return Buffer.concat(chunks).toString();
      chunks.push(chunk.subarray(0, length));
      this.read += length;
    }
  }

  /** Ends everything that was started, at once. */
  kill(): void {
    for (const group of this.groups) {
      try {
        process.kill(-group, 'SIGKILL');
      } catch {
        // It has ended already.
      }
    }
  }

  close(): void {
    this.kill();
    this.closed = true;
    closeSync(this.log);
  }
}
