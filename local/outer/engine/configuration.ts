/** The user's configuration of `docker`, in another folder and with one more login. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Writes it into `folder`: contexts as they are; no credential store, which would be asked instead of what stands here. */
export function userConfiguration(folder: string, auths: Readonly<Record<string, { readonly auth: string }>>): void {
  const own = process.env.DOCKER_CONFIG ?? join(homedir(), '.docker');
  const { currentContext, HttpHeaders, proxies } = read(join(own, 'config.json'));
  for (const name of ['contexts', 'cli-plugins']) if (existsSync(join(own, name))) symlinkSync(join(own, name), join(folder, name));
  const kept = Object.fromEntries(Object.entries({ currentContext, HttpHeaders, proxies }).filter(([, value]) => value !== undefined));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...kept, auths }), { mode: 0o600 });
}

function read(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch {
    // None, or one that docker itself will complain of.
    return {};
  }
}
