/** `shiplock plan`: what a deploy or a promotion would change and wait for, or the requests of a release rendered without AWS. */
import type { Command } from 'commander';
import type { SourceOptions } from '../connection/options.ts';
import { heading } from '../terminal/colours.ts';
import { EXIT, UsageError } from '../terminal/errors.ts';
import { note, print, printJson } from '../terminal/output.ts';
import { inWords, withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & {
  readonly to?: string;
  readonly from?: string;
  readonly only?: readonly string[];
  readonly hotfix?: string;
  readonly digest?: string;
  readonly full?: boolean;
};

const FORMS =
  'write one of: plan deploy SERVICE TAG ENVIRONMENT, plan promote REPOSITORY@TAG --to ENVIRONMENT, plan promote --from ENVIRONMENT --to ENVIRONMENT; plan REPOSITORY TAG ENVIRONMENT for the requests';

export function addPlan(program: Command): void {
  const command = program
    .command('plan')
    .usage('[options] deploy SERVICE TAG ENVIRONMENT | promote REPOSITORY@TAG --to ENVIRONMENT | REPOSITORY TAG ENVIRONMENT')
    .description('show what a deploy or promote would change and wait for, or the requests that a release would send')
    .argument('<words...>', 'the arguments of deploy or promote; or repository, tag and environment, to show the requests without AWS')
    .option('--to <environment>', 'for promote: where to')
    .option('--from <environment>', 'for promote: what this environment runs and has verified, as one set')
    .option('--only <repository...>', 'with --from: only these repositories')
    .option('--hotfix <reason>', 'plan it as a hot-fix, which passes a freeze and the stages before', inWords)
    .option('--digest <digest>', 'for requests: digest of the image, as the tag is not resolved')
    .option('--full', 'all lines and whole requests');
  withExamples(
    withSource(command),
    'plan deploy orders-web git_cf7edb2 test',
    'plan promote orders@git_cf7edb2 --to live',
    'plan promote --from test --to beta',
    'plan orders git_cf7edb2 test',
  ).action(async (words: string[], options: Options) => {
    const [verb] = words;
    if (verb !== 'deploy' && verb !== 'promote') return requests(words, options);
    refuseForm(words, options);
    const { openSource } = await import('../connection/open.ts');
    const { planOf } = await import('../../queries/plan/plan.ts');
    const { whileWorking } = await import('../terminal/spinner.ts');
    const source = await openSource(options);
    const order = verb === 'deploy' ? await deployOrder(source, words, options) : await promoteOrder(source, words, options);
    const plan = await whileWorking('compares…', () => planOf(source, order));
    if (options.json) printJson(plan);
    else for (const line of (await import('../terminal/plan.ts')).planLines(plan, source.timeZone, options.full)) print(line);
    if (plan.refusals.length > 0) process.exitCode = EXIT.refused;
  });
}

/** @throws UsageError for words and options that do not go together, before anything is asked */
function refuseForm([verb, ...words]: readonly string[], { to, from, only, hotfix }: Options): void {
  const good =
    verb === 'deploy'
      ? words.length === 3 && to === undefined && from === undefined && only === undefined
      : to !== undefined && words.length === (from === undefined ? 1 : 0) && (only === undefined || from !== undefined);
  if (!good) throw new UsageError(`plan ${verb}: ${FORMS}`);
  if (from !== undefined && hotfix !== undefined)
    throw new UsageError('a set cannot be a hot-fix; plan promote REPOSITORY@TAG --to ENVIRONMENT --hotfix REASON');
}

type Source = import('../connection/source.ts').Source;
type Order = import('../../queries/plan/types.ts').Order;

async function deployOrder(source: Source, words: readonly string[], { hotfix }: Options): Promise<Order> {
  const [, service = '', tag = '', environment = ''] = words;
  const { knownEnvironment, knownService } = await import('../../queries/names.ts');
  const { repositoryOf } = await import('../../queries/releases.ts');
  knownService(source, service);
  const where = knownEnvironment(source, environment);
  return orderOf(source, repositoryOf(source, service), tag, where, hotfix);
}

async function promoteOrder(source: Source, words: readonly string[], { to, from, only, hotfix }: Options): Promise<Order> {
  const [, release] = words;
  const { knownEnvironment } = await import('../../queries/names.ts');
  const { splitRelease } = await import('./shared/decision.ts');
  const where = knownEnvironment(source, to ?? '');
  if (release !== undefined) {
    const { repository, reference } = splitRelease(release);
    return orderOf(source, repository, reference, where, hotfix);
  }
  const { setOf } = await import('../../queries/sets.ts');
  const origin = knownEnvironment(source, from ?? '');
  return { release: await setOf(source, origin, where, only), to: where, from: origin };
}

async function orderOf(source: Source, repository: string, reference: string, to: string, hotfix: string | undefined): Promise<Order> {
  const { findRelease } = await import('../../queries/releases.ts');
  const { bareRelease } = await import('../../domain/release/release.ts');
  const found = await findRelease(source, repository, reference);
  const known = await source.ledger.release(repository, found.digest);
  const release = bareRelease(known ?? { ...found, order: '', pushedAt: '' });
  return { release, to, ...(hotfix ? { hotfix } : {}) };
}

/** Without a ledger: what would be sent, whatever runs. */
async function requests(words: readonly string[], options: Options): Promise<void> {
  const [repository = '', tag = '', environment = '', ...rest] = words;
  if (environment === '' || rest.length > 0) throw new UsageError(`plan: ${FORMS}`);
  for (const name of ['to', 'from', 'only', 'hotfix', 'data', 'profile', 'aws', 'as'] as const)
    if (options[name] !== undefined) throw new UsageError(`--${name} does not go with plan REPOSITORY TAG ENVIRONMENT; ${FORMS}`);
  const { configPath, loadPipeline } = await import('../connection/configuration.ts');
  const { foundationPlaceholder, planRequests, UNKNOWN_DIGEST } = await import('../../domain/promotion/planned-requests.ts');
  const { knownEnvironment, knownRepository } = await import('../../queries/names.ts');
  const pipeline = await loadPipeline(configPath(options.config));
  knownRepository({ pipeline }, repository);
  knownEnvironment({ pipeline }, environment);
  const release = { repository, digest: options.digest ?? UNKNOWN_DIGEST, tag, order: '', pushedAt: '' };
  const planned = planRequests(pipeline, environment, release, foundationPlaceholder(pipeline, environment));
  if (options.json) return printJson(planned);
  if (options.full) {
    for (const { call, input } of planned) {
      print(heading(call));
      print(JSON.stringify(input, null, 2));
    }
    return;
  }
  const { requestLines } = await import('../terminal/plan.ts');
  for (const line of planned.flatMap(requestLines)) print(line);
  note('--full shows the whole requests');
}
