/** `shiplock teardown`: takes an on-demand environment down, or says what that would take. */
import type { Command } from 'commander';
import { print, printJson, UsageError, wrapped } from '../terminal/output.ts';
import { type DecideOptions, withWait } from './shared/decision.ts';
import { withExamples } from './shared/options.ts';

export function addTeardown(program: Command): void {
  const command = program
    .command('teardown')
    .description('take an on-demand environment down; what runs comes back at the next wake')
    .argument('<environment>', 'which')
    .option('--preview', 'what would go, what stays and goes on to cost; nothing is done');
  withExamples(withWait(command), 'teardown test --preview', 'teardown test --wait').action(
    async (name: string, options: DecideOptions & { preview?: boolean }) => {
      const { knownEnvironment, openSource } = await import('../connection/source.ts');
      const { carryOut } = await import('./shared/decision.ts');
      const source = await openSource(options);
      const environment = knownEnvironment(source, name);
      if (options.preview) return preview(source, environment, options.json === true);
      await carryOut(source, { verb: 'teardown', environment }, options);
    },
  );
}

async function preview(source: import('../connection/source.ts').Source, name: string, json: boolean): Promise<void> {
  const environment = source.pipeline.environments[name];
  if (environment?.onDemand === undefined) throw new UsageError(`${name} always exists; only an on-demand environment is torn down`);
  const { depth } = environment.onDemand;
  const [services, state] = await Promise.all([source.ledger.services(name), source.turns.state(environment)]);
  const up = services.filter((one) => one.state === 'running').map(({ service }) => service);
  const goes =
    depth === 'cluster'
      ? [...up.map((one) => `service ${one}`), `cluster ${source.pipeline.name}-${name}`]
      : up.map((one) => `tasks of ${one}`);
  const stays = [
    'load balancer and its address',
    'target groups',
    'log groups',
    ...(depth === 'tasks' ? ['services, at zero tasks', 'cluster'] : []),
  ];
  const costs = ['load balancer, by the hour', 'logs that are kept, by the gigabyte'];
  if (json) return printJson({ environment: name, state, depth, goes, stays, costs });
  print(`${name} is ${state}; its teardown (depth: ${depth})`);
  const line = (head: string, what: readonly string[]) =>
    print(wrapped(`  ${head.padEnd(12)}${what.join('; ') || 'nothing'}`, ' '.repeat(14)));
  line('takes down', goes);
  line('leaves', stays);
  line('still costs', costs);
}
