/** Reads a buildspec. https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html */
import { parse } from 'yaml';

export const COMMAND_PHASES = ['install', 'pre_build', 'build', 'post_build'] as const;
export type CommandPhase = (typeof COMMAND_PHASES)[number];

export interface BuildspecPhase {
  readonly commands: readonly string[];
  /** Run after the commands, also when one of them failed. */
  readonly finally: readonly string[];
  /** Absent: the build goes on as AWS's phase transitions say. */
  readonly onFailure?: 'ABORT' | 'CONTINUE';
}

export interface Buildspec {
  readonly shell: 'sh' | 'bash';
  readonly variables: Readonly<Record<string, string>>;
  /** Names of parameters in the Parameter Store, by variable. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly exported: readonly string[];
  readonly phases: Readonly<Partial<Record<CommandPhase, BuildspecPhase>>>;
}

/** The buildspec is not one; CodeBuild reports it as `YAML_FILE_ERROR`. */
export class BuildspecError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BuildspecError';
  }
}

type Mapping = Readonly<Record<string, unknown>>;

/** Keys without effect here: there are no artifacts to store and no cache to keep, and the machine has one set of runtimes. */
const INERT = new Set(['artifacts', 'cache']);

/** @throws BuildspecError */
export function parseBuildspec(text: string): Buildspec {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new BuildspecError((error as Error).message);
  }
  const root = mapping(document, 'buildspec');
  if (String(root.version) !== '0.2') throw new BuildspecError(`version: ${root.version ?? 'missing'}; local AWS knows version 0.2`);
  known(root, 'buildspec', ['version', 'env', 'phases', ...INERT]);
  const env = mapping(root.env, 'env');
  known(env, 'env', ['shell', 'variables', 'parameter-store', 'exported-variables', 'git-credential-helper']);
  const shell = env.shell ?? 'sh';
  if (shell !== 'sh' && shell !== 'bash') throw new BuildspecError(`env.shell: ${shell}; local AWS knows sh and bash`);
  const phases = mapping(root.phases, 'phases');
  if (root.phases === undefined) throw new BuildspecError('phases: missing');
  known(phases, 'phases', COMMAND_PHASES);
  return {
    shell,
    variables: texts(env.variables, 'env.variables'),
    parameters: texts(env['parameter-store'], 'env.parameter-store'),
    exported: list(env['exported-variables'], 'env.exported-variables').map(variable),
    phases: Object.fromEntries(Object.entries(phases).map(([name, value]) => [name, phase(value, `phases.${name}`)])),
  };
}

function variable(name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new BuildspecError(`env.exported-variables: "${name}" is no name of a variable`);
  return name;
}

function phase(value: unknown, place: string): BuildspecPhase {
  const found = mapping(value, place);
  known(found, place, ['commands', 'finally', 'on-failure', 'runtime-versions']);
  const onFailure = found['on-failure'];
  if (onFailure !== undefined && onFailure !== 'ABORT' && onFailure !== 'CONTINUE')
    throw new BuildspecError(`${place}.on-failure: ${onFailure}; local AWS knows ABORT and CONTINUE`);
  if (found.commands === undefined && found['runtime-versions'] === undefined) throw new BuildspecError(`${place}.commands: missing`);
  return { commands: list(found.commands, `${place}.commands`), finally: list(found.finally, `${place}.finally`), onFailure };
}

function known(value: Mapping, place: string, names: readonly string[]): void {
  for (const name of Object.keys(value))
    if (!names.includes(name)) throw new BuildspecError(`${place}: local AWS does not know "${name}"; it knows ${names.join(', ')}`);
}

function mapping(value: unknown, place: string): Mapping {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new BuildspecError(`${place}: must be a mapping`);
  return value as Mapping;
}

/** Numbers and booleans are what the YAML made of a word. */
const isText = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);

function list(value: unknown, place: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new BuildspecError(`${place}: must be a list`);
  return value.map((item, index) => {
    if (!isText(item)) throw new BuildspecError(`Expected ${place}[${index}] to be of string type: found subkeys instead`);
    return String(item);
  });
}

function texts(value: unknown, place: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mapping(value, place)).map(([name, text]) => {
      if (!isText(text)) throw new BuildspecError(`${place}.${name}: must be text`);
      return [name, String(text)];
    }),
  );
}
