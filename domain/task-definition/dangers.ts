/** What a task definition may do to escape its bounds. The pipeline passes roles and secrets on, so it has to look. */

import type { DangerousField, Environment, Foundation } from '../pipeline/pipeline.ts';
import { RenderError } from '../workflow/errors.ts';
import { carriesSecret, looksSecret } from './secrets.ts';

/** Within which a task definition has to stay. */
export interface Bounds {
  readonly service: string;
  readonly environment: Environment;
  /** The names of all environments of the pipeline. */
  readonly environments: readonly string[];
  /** Of the environment's site. */
  readonly account: string;
  readonly foundation: Foundation;
}

type Members = Readonly<Record<string, unknown>>;
type Refuse = (field: DangerousField, path: string, message: string) => void;

interface Inspection extends Bounds {
  readonly refuse: Refuse;
  /** The members of a list. @throws RenderError if it is none */
  readonly list: (value: unknown, path: string) => readonly Members[];
}

/** @throws RenderError naming the place and what `environments.*.allow` would have to name */
export function refuseDangers(definition: Members, bounds: Bounds): void {
  const { service, environment, foundation } = bounds;
  const refuse: Refuse = (field, path, message) => {
    if (!environment.allow.includes(field))
      throw new RenderError(
        `services.${service}.taskDefinition.${path}`,
        `${message}; environments.${environment.name}.allow must name "${field}" for this`,
      );
  };
  const inspection: Inspection = { ...bounds, refuse, list: (value, path) => listOf(value, `services.${service}.taskDefinition.${path}`) };
  if (isHost(definition.networkMode)) refuse('host-network', 'networkMode', 'the host’s network is refused');
  if (isHost(definition.pidMode)) refuse('privileged', 'pidMode', 'the host’s processes are refused');
  if (isHost(definition.ipcMode)) refuse('privileged', 'ipcMode', 'the host’s memory is refused');
  for (const [index, volume] of inspection.list(definition.volumes, 'volumes').entries()) {
    refuseVolume(volume, `volumes[${index}]`, refuse);
    const { credentialsParameter } = membersOf(membersOf(volume.fsxWindowsFileServerVolumeConfiguration).authorizationConfig);
    if (credentialsParameter) refuseForeignSecret(credentialsParameter, `volumes[${index}]`, inspection);
  }
  for (const member of ['taskRoleArn', 'executionRoleArn'] as const)
    if (definition[member] !== undefined && definition[member] !== foundation[member])
      refuse('foreign-roles', member, `the role ${String(definition[member])} is not the environment’s own`);
  for (const [index, container] of inspection.list(definition.containerDefinitions, 'containerDefinitions').entries()) {
    const path = `containerDefinitions[${index}]`;
    refusePrivileges(container, path, inspection);
    refuseForeignSecrets(container, path, inspection);
    refusePlainSecrets(container, path, inspection);
  }
}

const isHost = (mode: unknown) => String(mode).toLowerCase() === 'host';

/** A list of objects or texts; texts come as `{ value }`. */
export function listOf(value: unknown, place: string): readonly Members[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new RenderError(place, 'a list is needed here');
  return value.map((one) => (one !== null && typeof one === 'object' ? (one as Members) : { value: one }));
}

const membersOf = (value: unknown): Members => (value !== null && typeof value === 'object' ? (value as Members) : {});

function refuseVolume(volume: Members, path: string, refuse: Refuse): void {
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
  const added = list(membersOf(linux.capabilities).add, `${path}.linuxParameters.capabilities.add`);
  if (added.some(({ value }) => value !== 'SYS_PTRACE'))
    refuse('privileged', `${path}.linuxParameters.capabilities`, 'added capabilities are refused');
  if (list(linux.devices, `${path}.linuxParameters.devices`).length > 0)
    refuse('privileged', `${path}.linuxParameters.devices`, 'devices of the host are refused');
  if (list(container.dockerSecurityOptions, `${path}.dockerSecurityOptions`).some(({ value }) => value !== 'no-new-privileges'))
    refuse('privileged', `${path}.dockerSecurityOptions`, 'security options other than no-new-privileges are refused');
}

function refuseForeignSecret(from: unknown, path: string, inspection: Inspection): void {
  const { name } = inspection.environment;
  if (!isOwnSecret(String(from), inspection))
    inspection.refuse(
      'foreign-secrets',
      path,
      `${String(from)} is a secret of another environment: those of ${name} carry its name, and no other’s, as a part of theirs, as in app/${name}/database`,
    );
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

/** Secrets and parameters of an environment carry its name, and no other environment's, as a part of theirs. */
export function isOwnSecret(
  valueFrom: string,
  { environment, environments, account }: Pick<Bounds, 'environments' | 'account'> & { readonly environment: Pick<Environment, 'name'> },
): boolean {
  const name = nameOf(valueFrom, account);
  if (name === undefined) return false;
  const known = [...new Set([...environments, environment.name])].toSorted((a, b) => b.length - a.length);
  // Secrets Manager ends its ARNs in a hyphen and six characters, so a part may go on; then the longest environment's name is meant.
  const named = name.split('/').flatMap((part) => known.find((one) => part === one || part.startsWith(`${one}-`)) ?? []);
  return named.length > 0 && named.every((one) => one === environment.name);
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

function refusePlainSecrets(container: Members, path: string, { refuse, list }: Inspection): void {
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
