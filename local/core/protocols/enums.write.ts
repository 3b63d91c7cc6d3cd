/** Writes `enums.json`: which constant of a client lists the values of a member. Schemas do not say it, the clients' types do. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CLIENTS } from './clients.ts';

const require = createRequire(import.meta.url);

/** `{ecs: {'CreateServiceRequest.launchType': 'LaunchType'}}`; for a map `Key=>Value`, either side may be empty. */
export function readEnums(): Record<string, Record<string, string>> {
  const enums: Record<string, Record<string, string>> = {};
  for (const [service, { client }] of Object.entries(CLIENTS)) {
    const models = join(dirname(require.resolve(client)), '../dist-types/models');
    const files = readdirSync(models).filter((file) => file.endsWith('.d.ts'));
    const text = files.map((file) => readFileSync(join(models, file), 'utf8')).join('\n');
    enums[service] = enumMembers(text);
  }
  return enums;
}

function enumMembers(types: string): Record<string, string> {
  const constants = new Set([...types.matchAll(/^export declare const (\w+): \{/gm)].map((found) => found[1]!));
  const isEnum = (name: string) => (constants.has(name) ? name : '');
  const members: Record<string, string> = {};
  let structure = '';
  for (const line of types.split('\n')) {
    const opened = /^export (?:declare class|interface) (\w+)/.exec(line);
    if (opened !== null) structure = opened[1]!;
    const member = /^ {4}(?:readonly )?(\w+)\??: (.+?)(?: \| undefined)?;$/.exec(line);
    if (member === null) continue;
    const [, name = '', type = ''] = member;
    const map = /^(?:Partial<)?Record<(\w+), (\w+)(?:\[\])?>>?$/.exec(type);
    const found = map === null ? isEnum(type.replace(/(\[\])+$/, '')) : `${isEnum(map[1]!)}=>${isEnum(map[2]!)}`;
    if (found !== '' && found !== '=>') members[`${structure}.${name}`] = found;
  }
  return members;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(new URL('enums.json', import.meta.url), `${JSON.stringify(readEnums(), null, 2)}\n`);
