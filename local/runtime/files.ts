/** The modules `node:fs` and `node:fs/promises` of a Lambda environment: its own code is readable, nothing else exists, nothing is written. */
import { posix } from 'node:path';
import { type Bundle, TASK_ROOT } from './bundle.ts';

type Path = string | URL | Buffer;
type Encoding = BufferEncoding | { encoding?: BufferEncoding | null } | null | undefined;

const failure = (code: 'ENOENT' | 'EROFS' | 'EISDIR', call: string, path: string) => {
  const words = { ENOENT: 'no such file or directory', EROFS: 'read-only file system', EISDIR: 'illegal operation on a directory' }[code];
  const errno = { ENOENT: -2, EROFS: -30, EISDIR: -21 }[code];
  return Object.assign(new Error(`${code}: ${words}, ${call} '${path}'`), { code, errno, syscall: call, path });
};

const text = (path: Path) => (path instanceof URL ? decodeURIComponent(path.pathname) : String(path));

/** A file system that holds one bundle under `/var/task`. */
export function fileModules(bundle: Bundle): { fs: object; promises: object } {
  const inside = (path: Path): string | undefined => {
    const full = posix.resolve(TASK_ROOT, text(path));
    if (full === TASK_ROOT) return '/';
    return full.startsWith(`${TASK_ROOT}/`) ? full.slice(TASK_ROOT.length) : undefined;
  };
  const kind = (path: Path) => {
    const own = inside(path);
    return own === undefined ? undefined : bundle.kind(own);
  };
  const readFileSync = (path: Path, encoding?: Encoding) => {
    if (kind(path) === 'folder') throw failure('EISDIR', 'read', text(path));
    const own = inside(path);
    const content = own === undefined ? undefined : bundle.read(own);
    if (content === undefined) throw failure('ENOENT', 'open', text(path));
    const name = typeof encoding === 'string' ? encoding : encoding?.encoding;
    return name ? content.toString(name) : content;
  };
  const statSync = (path: Path, options?: { throwIfNoEntry?: boolean }) => {
    const found = kind(path);
    if (found === undefined) {
      if (options?.throwIfNoEntry === false) return undefined;
      throw failure('ENOENT', 'stat', text(path));
    }
    const size = found === 'file' ? bundle.read(inside(path)!)!.length : 4096;
    return { isFile: () => found === 'file', isDirectory: () => found === 'folder', isSymbolicLink: () => false, size };
  };
  const accessSync = (path: Path) => {
    if (kind(path) === undefined) throw failure('ENOENT', 'access', text(path));
  };
  const refuse = (call: string) => (path: Path) => {
    throw failure('EROFS', call, text(path));
  };
  const sync = {
    readFileSync,
    statSync,
    lstatSync: statSync,
    accessSync,
    realpathSync: (path: Path) => {
      accessSync(path);
      return posix.resolve(TASK_ROOT, text(path));
    },
    writeFileSync: refuse('open'),
    appendFileSync: refuse('open'),
    mkdirSync: refuse('mkdir'),
    unlinkSync: refuse('unlink'),
    rmSync: refuse('rm'),
    readdirSync: (path: Path) => {
      throw failure('ENOENT', 'scandir', text(path));
    },
  };
  const promises: Record<string, unknown> = {};
  const callbacks: Record<string, unknown> = {};
  for (const [name, run] of Object.entries(sync) as [string, (...args: unknown[]) => unknown][]) {
    const plain = name.slice(0, -4);
    promises[plain] = async (...args: unknown[]) => run(...args);
    callbacks[plain] = (...args: unknown[]) => {
      const callback = args.pop() as (error: unknown, value?: unknown) => void;
      process.nextTick(() => {
        let value: unknown;
        try {
          value = run(...args);
        } catch (error) {
          return callback(error);
        }
        callback(null, value);
      });
    };
  }
  const constants = { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 };
  Object.assign(promises, { constants });
  return { fs: { ...sync, ...callbacks, existsSync: (path: Path) => kind(path) !== undefined, constants, promises }, promises };
}
