/** `shiplock push`: packs a folder into an image and pushes it, for those without Docker. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { RegistryLogin } from '../../aws/registry-login.ts';
import { DATA_FOLDER } from '../connection/folder.ts';
import { dim, good } from '../terminal/colours.ts';
import { EXIT, UsageError } from '../terminal/errors.ts';
import { print, printJson } from '../terminal/output.ts';
import { plain } from '../terminal/text.ts';

interface Options {
  readonly repository?: string;
  readonly tag?: string;
  readonly message?: string;
  readonly author?: string;
  readonly commit?: string;
  readonly label?: readonly string[];
  readonly entrypoint?: string;
  readonly into: string;
  readonly platform?: string;
  readonly registry?: string;
  readonly profile?: string;
  readonly region?: string;
  readonly config?: string;
  readonly data: string;
  readonly json?: boolean;
}

/** What `shiplock local` says of itself, as far as a push needs it. */
interface Running {
  readonly endpoint: string;
  readonly registry: string;
  readonly region: string;
  readonly config: string;
  readonly profiles: Readonly<Record<string, { accessKeyId: string; secretAccessKey: string; sessionToken?: string; role?: string }>>;
}

/** The profile of `shiplock local` that may do everything. */
const ADMIN = 'shiplock-admin';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
const TAG = /^\w[\w.-]{0,127}$/;

export function addPush(program: Command): void {
  program
    .command('push')
    .description('pack a folder into an image and push it, without Docker')
    .argument('<folder>', 'folder whose files become the image')
    .option('--repository <name>', "repository of ECR (default: the folder's name)")
    .option('--tag <tag>', 'tag of the release')
    .option('--message <text>', 'commit message')
    .option('--author <email>', 'author of the commit')
    .option('--commit <hash>', 'commit that it was built from')
    .option('--label <key=value>', 'a label of the image; may be repeated', (one: string, all: readonly string[] | undefined) => [
      ...(all ?? []),
      one,
    ])
    .option('--entrypoint <words>', 'command that runs, such as "node server.js" or a JSON list')
    .option('--into <path>', 'folder of the files in the image, and working directory of the command', '/app')
    .option('--platform <os/arch>', 'platform of the image (default: as the pipeline says, else linux/amd64)')
    .option('--registry <host>', 'an ECR registry (default: that of the running local AWS)')
    .option('--profile <name>', 'credentials to use: a profile of local AWS, or of the AWS configuration')
    .option('--region <name>', 'Region of the registry (default: as its host says)')
    .option('--config <path>', 'the pipeline that says which tags are releases')
    .option('--data <folder>', 'folder of the running `shiplock local`', DATA_FOLDER)
    .option('--json', 'print JSON for programs')
    .addHelpText(
      'after',
      '\nExample:\n  $ shiplock push build --repository orders --tag git_cf7edb2 --message "Faster checkout" --commit cf7edb2',
    )
    .action(async (folder: string, options: Options) => {
      process.exitCode = await push(folder, options);
    });
}

async function push(folder: string, options: Options): Promise<number> {
  const repository = options.repository ?? basename(resolve(folder));
  const { tag } = options;
  if (tag === undefined) throw new UsageError('--tag is missing: under it the image becomes a release, such as --tag git_cf7edb2');
  if (!TAG.test(tag)) throw new UsageError(`--tag: "${plain(tag)}" is none; letters, digits, "_", "." and "-", at most 128`);
  const labels = labelsOf(options);
  const run = options.entrypoint === undefined ? undefined : { entrypoint: words(options.entrypoint), folder: options.into };
  await refuseUnplayable(labels);
  const { packFolder } = await import('./shared/image-layer.ts');
  const files = packFolder(folder, options.into.replace(/^\/+|\/+$/g, ''));
  const running = options.registry === undefined ? readRunning(options.data) : undefined;
  const { matchesTag } = await import('../../domain/release/tags.ts');
  const { tags, platform } = await inPipeline(options.config ?? running?.config, repository);
  if (tags !== undefined && !matchesTag(tags, tag))
    process.stderr.write(`"${tag}" makes no release: those of ${plain(repository)} are tagged ${tags}. It is pushed all the same.\n`);

  const { pushImage } = await import('../../local/registry/push.ts');
  const { rest, working } = await import('../terminal/spinner.ts');
  working('logs in');
  let host = options.registry ?? 'the registry';
  try {
    const { url, login } = await open(options, running);
    host = login.host;
    const { digest } = await pushImage({
      url,
      repository,
      tag,
      credentials: login,
      labels,
      files,
      // Neither when nor where it was packed changes the image. https://reproducible-builds.org/specs/source-date-epoch/
      created: new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000),
      platform: platformOf(options.platform ?? platform ?? 'linux/amd64'),
      ...(run === undefined ? {} : { run }),
      onBlob: ({ number, of, bytes }) => working(`pushes ${number} of ${of}, ${(bytes / 1e6).toFixed(1)} MB in all`),
    });
    rest();
    const image = `${login.host}/${repository}@${digest}`;
    if (options.json) printJson({ repository, tag, digest, image, files: Object.keys(files).length });
    else {
      print(
        `${good('✓')} ${plain(repository)}:${tag}, ${Object.keys(files).length === 1 ? 'one file' : `${Object.keys(files).length} files and folders`}`,
      );
      print(dim(`  ${image}`));
    }
    return EXIT.done;
  } catch (error) {
    rest();
    return explain(error as Error, repository, host);
  }
}

/** One sentence and the exit code for what the registry said. @throws what is not its doing */
function explain(error: Error & { status?: number; code?: string }, repository: string, host: string): number {
  if (error instanceof RangeError) throw new UsageError(error.message);
  if (error.name === 'TypeError') throw new Error(`the registry ${host} does not answer: ${(error.cause as Error | undefined)?.message}`);
  if (error.name !== 'PushError' && error.name !== 'AccessDeniedException') throw error;
  if (error.code === 'NAME_UNKNOWN')
    throw new UsageError(`${plain(repository)}: no such repository in ${host}; name one with --repository`);
  if (error.name === 'PushError' && error.code !== 'DENIED' && error.code !== 'TAG_INVALID') throw new Error(plain(error.message));
  process.stderr.write(`refused: ${plain(error.message)}\n`);
  return EXIT.refused;
}

/** What a local AWS would only say when a task of the image starts. @throws UsageError */
async function refuseUnplayable(labels: Readonly<Record<string, string>>): Promise<void> {
  const { assertPlayable, LabelError } = await import('../../local/services/ecs/behaviour.ts');
  try {
    assertPlayable(labels);
  } catch (error) {
    if (error instanceof LabelError) throw new UsageError(`--label: ${plain(error.message)}`);
    throw error;
  }
}

function labelsOf({ label = [], message, author, commit }: Options): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const one of label) {
    const equals = one.indexOf('=');
    if (equals < 1) throw new UsageError(`--label: "${plain(one)}" is none; write key=value`);
    labels[one.slice(0, equals)] = one.slice(equals + 1);
  }
  if (message !== undefined) labels['shiplock.commit.message'] = message;
  if (author !== undefined) labels['shiplock.commit.author'] = author;
  if (commit !== undefined) labels['org.opencontainers.image.revision'] = commit;
  return labels;
}

/** `node server.js`, or `["node", "server.js"]` where a word holds a space. */
function words(text: string): string[] {
  if (!text.trimStart().startsWith('[')) return text.split(/\s+/).filter((word) => word !== '');
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((word) => typeof word === 'string')) return list;
  } catch {
    // Said below.
  }
  throw new UsageError('--entrypoint: a JSON list has words only, such as ["node", "server.js"]');
}

function platformOf(text: string): { os: string; architecture: string } {
  const [os = '', architecture = '', more] = text.split('/');
  if (os === '' || architecture === '' || more !== undefined)
    throw new UsageError(`--platform: "${plain(text)}" is none; write linux/amd64 or linux/arm64`);
  return { os, architecture };
}

/** @throws UsageError if no local AWS runs */
function readRunning(data: string): Running {
  const file = join(data, 'local.json');
  if (!existsSync(file))
    throw new UsageError(
      `no local AWS runs here (there is no ${file}): start it with shiplock local, name its folder with --data, or name an ECR registry with --registry`,
    );
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Running;
  } catch {
    throw new UsageError(`${file} cannot be read; start shiplock local again`);
  }
}

/** What the pipeline says of the repository; nothing where there is no pipeline at hand. */
async function inPipeline(config: string | undefined, repository: string): Promise<{ tags?: string; platform?: string }> {
  if (config === undefined) return {};
  const { configPath, loadPipeline } = await import('../connection/configuration.ts');
  const { repositories } = await loadPipeline(configPath(config));
  const found = repositories[repository];
  if (found === undefined)
    process.stderr.write(`${plain(repository)} is no repository of the pipeline: what is pushed there makes no release.\n`);
  return found ?? {};
}

/** Finds the registry and logs in. */
async function open({ registry, profile, region }: Options, running: Running | undefined): Promise<{ url: string; login: RegistryLogin }> {
  const { registryLogin } = await import('../../aws/registry-login.ts');
  if (running !== undefined) {
    const credentials = running.profiles[profile ?? ADMIN];
    if (credentials === undefined)
      throw new UsageError(
        `--profile: there is no "${plain(profile ?? ADMIN)}"; \`shiplock local\` prints them; ${ADMIN} may do everything`,
      );
    const login = await loggedIn(() => registryLogin({ region: running.region, credentials }, { endpoint: running.endpoint }));
    return { url: `http://${running.registry.replace(/^http:\/\//, '')}`, login };
  }
  const host = (registry ?? '').replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const inHost = /\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1];
  const where = region ?? inHost;
  const login = await loggedIn(() => registryLogin(where === undefined ? {} : { region: where }, profile === undefined ? {} : { profile }));
  // Passwords go over the network encrypted; on this machine there is none to read them.
  const scheme = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(host) ? 'http' : 'https';
  return { url: `${scheme}://${host}`, login: { ...login, host } };
}

async function loggedIn(ask: () => Promise<RegistryLogin>): Promise<RegistryLogin> {
  try {
    return await ask();
  } catch (error) {
    const { name, message } = error as Error;
    if (/CredentialsProviderError|UnrecognizedClient|InvalidClientToken|ExpiredToken|InvalidSignature/.test(name))
      throw new UsageError(`no valid credentials: ${plain(message)}. Log in to AWS, or name a --profile`);
    if (/Region is missing/.test(message)) throw new UsageError('the Region of the registry is unknown: name it with --region');
    if (/ECONNREFUSED/.test(`${message} ${(error as { code?: string }).code}`))
      throw new Error('local AWS does not answer: it was stopped; start it again with shiplock local');
    throw error;
  }
}
