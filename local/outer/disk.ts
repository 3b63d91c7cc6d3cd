/** How a data folder is written: everything that must not be found half written goes through here. */
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Files that hold keys and credentials: for their owner only. */
const mode = 0o600;

export class Disk {
  append(path: string, text: string): void {
    appendFileSync(path, text, { mode });
  }

  write(path: string, content: string | Uint8Array): void {
    writeFileSync(path, content, { mode });
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  remove(path: string): void {
    rmSync(path, { force: true });
  }

  /** Written aside and moved, so that there is always a whole one. */
  replace(path: string, content: string | Uint8Array): void {
    this.write(`${path}.new`, content);
    this.rename(`${path}.new`, path);
  }
}
