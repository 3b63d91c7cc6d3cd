/** What a task definition may do to escape its bounds. The pipeline passes roles and secrets on, so it has to look. */

import type { DangerousField, Environment, Foundation } from '../pipeline/pipeline.ts';
import { containersOf, listOf, type Members, membersOf } from './members.ts';
import { carriesSecret, looksSecret } from './secrets.ts';

/** Within which a task definition has to stay. */
export interface Bounds {
  readonly environment: Pick<Environment, 'name'>;
  /** The names of all environments of the pipeline. */
  readonly environments: readonly string[];
  /** Of the environment's site. */
  readonly account: string;
  readonly foundation: Pick<Foundation, 'taskRoleArn' | 'executionRoleArn'>;
}

/** Told of a dangerous field, its place within the task definition, and what is wrong there; of no field where nothing can be read. */
export type RefuseDanger = (field: DangerousField | undefined, place: string, message: string) => void;

interface Inspection extends Bounds {
  readonly refuse: RefuseDanger;
  /** The members of a list; what is none cannot be looked into, and is refused. */
  readonly list: (value: unknown, place: string) => readonly Members[];
}

const readWith =
  (refuse: RefuseDanger): Inspection['list'] =>
  (value, place) => {
    if (value !== undefined && value !== null && !Array.isArray(value)) refuse(undefined, place, 'a list is needed here');
    return listOf(value);
  };

/**
 * Says of every dangerous place which field it is of.
 * @param filled the request as it would be sent: a release's tag may not lead to another environment's secret
 * @param written the same with the tag's place left as it is written: what a tag happens to look like is nobody's secret
 */
export function refuseDangers(filled: Members, written: Members, bounds: Bounds, refuse: RefuseDanger): void {
  const { foundation } = bounds;
  const list = readWith(refuse);
  const inspection: Inspection = { ...bounds, refuse, list };
  list(filled.tags, 'tags');
  if (isHost(filled.networkMode)) refuse('host-network', 'networkMode', 'the host’s network is refused');
  if (isHost(filled.pidMode)) refuse('privileged', 'pidMode', 'the host’s processes are refused');
  if (isHost(filled.ipcMode)) refuse('privileged', 'ipcMode', 'the host’s memory is refused');
  for (const [index, volume] of list(filled.volumes, 'volumes').entries()) {
    refuseVolume(volume, `volumes[${index}]`, refuse);
    const { credentialsParameter } = membersOf(membersOf(volume.fsxWindowsFileServerVolumeConfiguration).authorizationConfig);
    if (credentialsParameter) refuseForeignSecret(credentialsParameter, `volumes[${index}]`, inspection);
  }
  for (const member of ['taskRoleArn', 'executionRoleArn'] as const)
    if (filled[member] !== undefined && filled[member] !== foundation[member])
      refuse(
        'foreign-roles',
        member,
        `the role ${String(filled[member])} is not the environment’s own, which is filled in where none is named; leave it out`,
      );
  for (const container of containersOf(filled)) {
    refusePrivileges(container, container.at, inspection);
    list(container.portMappings, `${container.at}.portMappings`);
    refuseForeignSecrets(container, container.at, inspection);
  }
  for (const container of containersOf(written)) refusePlainSecrets(container, container.at, refuse);
}

const isHost = (mode: unknown) => String(mode).toLowerCase() === 'host';

function refuseVolume(volume: Members, path: string, refuse: RefuseDanger): void {
  const { sourcePath } = membersOf(volume.host);
  if (sourcePath) refuse('host-volumes', path, `the host’s folder ${String(sourcePath)} is refused`);
  const docker = membersOf(volume.dockerVolumeConfiguration);
  if (docker.driverOpts || (docker.driver ?? 'local') !== 'local' || docker.scope === 'shared')
    refuse(
      'host-volumes',
      path,
      'a Docker volume with options or a driver, or shared with other tasks, can be any folder of the host: it is refused',
    );
}

function refusePrivileges(container: Members, path: string, { refuse, list }: Inspection): void {
  // Whatever is not plainly false: JSON's "true" may be taken for true.
  if (container.privileged) refuse('privileged', `${path}.privileged`, 'a privileged container is refused');
  const linux = membersOf(container.linuxParameters);
  if (list(membersOf(linux.capabilities).add, `${path}.linuxParameters.capabilities.add`).some(({ value }) => value !== 'SYS_PTRACE'))
    refuse('privileged', `${path}.linuxParameters.capabilities`, 'added capabilities are refused');
  if (list(linux.devices, `${path}.linuxParameters.devices`).length > 0)
    refuse('privileged', `${path}.linuxParameters.devices`, 'devices of the host are refused');
  if (list(container.dockerSecurityOptions, `${path}.dockerSecurityOptions`).some(({ value }) => value !== 'no-new-privileges'))
    refuse('privileged', `${path}.dockerSecurityOptions`, 'security options other than no-new-privileges are refused');
}

function refuseForeignSecret(from: unknown, path: string, inspection: Inspection): void {
  const { environment, environments, account, refuse } = inspection;
  const owner = ownerOf(String(from), inspection);
  if (owner === environment.name) return;
  const known = environments.join(', ');
  const why =
    owner === ANOTHER_ACCOUNT
      ? `${String(from)} is a secret of another account than ${account}`
      : owner === NOBODY
        ? `${String(from)} names no environment, so that all of them would read the same secret; put the name of one (${known}) into its own, as in app/${environments[0]}/database`
        : `${String(from)} is a secret of another environment: it carries the name of ${owner}`;
  refuse('foreign-secrets', path, why);
}

function refuseForeignSecrets(container: Members, path: string, inspection: Inspection): void {
  const { list } = inspection;
  const look = (from: unknown, at: string) => refuseForeignSecret(from, `${path}.${at}`, inspection);
  for (const { name, valueFrom } of list(container.secrets, `${path}.secrets`)) look(valueFrom, `secrets.${String(name)}`);
  const { secretOptions } = membersOf(container.logConfiguration);
  for (const { name, valueFrom } of list(secretOptions, `${path}.logConfiguration.secretOptions`))
    look(valueFrom, `logConfiguration.secretOptions.${String(name)}`);
  for (const [index, { value }] of list(container.environmentFiles, `${path}.environmentFiles`).entries())
    look(value, `environmentFiles[${index}]`);
  for (const [index, { value }] of list(container.credentialSpecs, `${path}.credentialSpecs`).entries())
    look(String(value).replace(/^credentialspec\w*:/, ''), `credentialSpecs[${index}]`);
  const { credentialsParameter } = membersOf(container.repositoryCredentials);
  if (credentialsParameter) look(credentialsParameter, 'repositoryCredentials');
}

type Named = Pick<Bounds, 'environments' | 'account'> & { readonly environment: Pick<Environment, 'name'> };

/** Secrets and parameters of an environment carry its name, and no other environment's, as a part of theirs. */
export const isOwnSecret = (valueFrom: string, bounds: Named): boolean => ownerOf(valueFrom, bounds) === bounds.environment.name;

/** No names of environments, which have no brackets. */
const ANOTHER_ACCOUNT = '(another account)';
const NOBODY = '(nobody)';

/** The environment whose name a secret carries; of several, one that is not this. */
function ownerOf(valueFrom: string, { environment, environments, account }: Named): string {
  const name = nameOf(valueFrom, account);
  if (name === undefined) return ANOTHER_ACCOUNT;
  const known = [...new Set([...environments, environment.name])].toSorted((a, b) => b.length - a.length);
  // Secrets Manager ends its ARNs in a hyphen and six characters, so a part may go on; then the longest environment's name is meant.
  const named = name.split('/').flatMap((part) => known.find((one) => part === one || part.startsWith(`${one}-`)) ?? []);
  return named.find((one) => one !== environment.name) ?? named[0] ?? NOBODY;
}

/** The name within an ARN, without the JSON key behind it; undefined for another account's, or for what holds no secrets. */
function nameOf(valueFrom: string, account: string): string | undefined {
  if (!valueFrom.startsWith('arn:')) return valueFrom;
  const [, , service, , owner, resource, secret] = valueFrom.split(':');
  if (service === 's3') return resource;
  if (owner !== account) return undefined;
  if (service === 'secretsmanager' && resource === 'secret') return secret;
  return service === 'ssm' && resource?.startsWith('parameter/') ? resource.slice('parameter/'.length) : undefined;
}

function refusePlainSecrets(container: Members, path: string, refuse: RefuseDanger): void {
  const list = readWith(refuse);
  const found = (at: string) =>
    refuse(
      'plaintext-secrets',
      `${path}.${at}`,
      'it looks like a secret in plain text; put it into Secrets Manager and name it under `secrets`',
    );
  for (const { name, value } of list(container.environment, `${path}.environment`))
    if (looksSecret(String(name), String(value ?? ''))) found(`environment.${String(name)}`);
  for (const [name, value] of Object.entries(membersOf(container.dockerLabels)))
    if (looksSecret(name, String(value))) found(`dockerLabels.${name}`);
  for (const [name, value] of Object.entries(membersOf(membersOf(container.logConfiguration).options)))
    if (looksSecret(name, String(value))) found(`logConfiguration.options.${name}`);
  for (const member of ['command', 'entryPoint'] as const) {
    const words = list(container[member], `${path}.${member}`).map(({ value }) => String(value));
    for (const [index, word] of words.entries()) if (carriesSecret(word, words[index - 1])) found(`${member}[${index}]`);
  }
  const check = list(membersOf(container.healthCheck).command, `${path}.healthCheck.command`).map(({ value }) => String(value));
  for (const [index, word] of check.entries()) if (carriesSecret(word, check[index - 1])) found(`healthCheck.command[${index}]`);
}
