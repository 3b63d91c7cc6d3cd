/** A Lambda's code on disk: a folder (or one file) of CommonJS, compiled once per file and run in many environments. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import vm from 'node:vm';

/** Where Lambda unpacks a function's code. */
export const TASK_ROOT = '/var/task';

type Wrapper = (module: object, exports: object, require: unknown, filename: string, dirname: string, load: unknown) => void;

/** Compiled files by path and time of change: shared by all worlds of a process, because compiling is pure and by far the slowest part of a start. */
const compiled = new Map<string, vm.Script>();

/** What each file's content is called, by the same keys: every world that is made asks for it. */
const digests = new Map<string, string>();

/** esbuild leaves `import("node:http")` of built-in modules alone; a vm script cannot import, so they become a call. */
const builtinImport = /\bimport\(\s*(["'][\w:/.-]+["'])\s*\)/g;

/** A function's code. */
export class Bundle {
  /** As it was given. */
  readonly path: string;
  /** The folder that stands for `/var/task`. */
  readonly folder: string;
  /** The only file of it, if the asset is one file. */
  private readonly only: string | undefined;

  /** @param path a folder or a single JavaScript file, as an asset stands for it */
  constructor(path: string) {
    const file = statSync(path).isFile();
    if (file && !/\.c?js$/.test(path)) throw new Error(`local AWS runs Lambda code from a folder or a .js file, not from ${path}`);
    this.path = path;
    this.folder = file ? dirname(path) : path;
    this.only = file ? basename(path) : undefined;
  }

  /** SHA-256 in base64 of the file that holds the handler, as CodeSha256 of a function. */
  digest(handler: string): { sha256: string; size: number } {
    const file = this.resolve(`/${handler.slice(0, handler.lastIndexOf('.'))}`);
    if (file === undefined) return { sha256: createHash('sha256').digest('base64'), size: 0 };
    const { host, key, size } = this.identify(file);
    let sha256 = digests.get(key);
    if (sha256 === undefined) {
      sha256 = createHash('sha256').update(readFileSync(host)).digest('base64');
      digests.set(key, sha256);
    }
    return { sha256, size };
  }

  /** The content of a path under `/var/task` (given without it, starting with a slash), if there is such a file. */
  read(path: string): Buffer | undefined {
    const host = this.hostPath(path);
    return host !== undefined && statSync(host, { throwIfNoEntry: false })?.isFile() ? readFileSync(host) : undefined;
  }

  /** Whether the path is a `file` or a `folder` of the bundle. */
  kind(path: string): 'file' | 'folder' | undefined {
    const host = this.hostPath(path);
    const found = host === undefined ? undefined : statSync(host, { throwIfNoEntry: false });
    return found === undefined ? undefined : found.isFile() ? 'file' : 'folder';
  }

  /** The path of a module, tried as Node does: as it is, with .js, .cjs, .json, and as a folder's index. */
  resolve(path: string): string | undefined {
    return [path, `${path}.js`, `${path}.cjs`, `${path}.json`, `${path}/index.js`].find((each) => this.kind(each) === 'file');
  }

  /** The compiled wrapper of a JavaScript file, to be run in a context. */
  compile(path: string): vm.Script {
    const { host, key } = this.identify(path);
    let script = compiled.get(key);
    if (script === undefined) {
      const code = readFileSync(host, 'utf8').replace(builtinImport, '__load($1)').replace(/^#!.*/, '');
      script = new vm.Script(`(function (module, exports, require, __filename, __dirname, __load) {${code}\n})`, {
        filename: TASK_ROOT + path,
      });
      compiled.set(key, script);
    }
    return script;
  }

  /** A file as it stands now: by another `key`, if it changes. */
  private identify(path: string): { readonly host: string; readonly key: string; readonly size: number } {
    const host = this.hostPath(path)!;
    const { mtimeMs, size } = statSync(host);
    return { host, key: `${path}\n${host}\n${mtimeMs}\n${size}`, size };
  }

  private hostPath(path: string): string | undefined {
    const clean = posix.normalize(path);
    if (clean.startsWith('/..')) return undefined;
    if (this.only !== undefined && clean !== '/' && clean !== `/${this.only}`) return undefined;
    return join(this.folder, clean);
  }
}

/** Makes the function that a compiled file is. */
export function runInRealm(script: vm.Script, realm: vm.Context): Wrapper {
  return script.runInContext(realm) as Wrapper;
}
