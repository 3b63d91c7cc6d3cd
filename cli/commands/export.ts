/** `shiplock export`: complete templates from the task definitions that exist in ECS. */
import type { Command } from 'commander';
import type { SourceOptions } from '../connection/options.ts';
import { good } from '../terminal/colours.ts';
import { UsageError } from '../terminal/errors.ts';
import { print, printJson } from '../terminal/output.ts';
import { withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & { readonly cluster?: string; readonly out?: string; readonly allImages?: boolean };

export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('make templates from task definitions in ECS, with %BUILD_VERSION% in place of the image’s tag')
    .argument('[name]', 'a family, a service of this pipeline, or a service of --cluster')
    .option('--cluster <name>', 'cluster whose services to export: the one named, or all')
    .option('--out <folder>', 'write a file for each, instead of printing')
    .option('--all-images', 'use the placeholder for images outside ECR too');
  withExamples(withSource(command), 'export orders-web > ecs/orders-web.json', 'export --cluster production --out ecs').action(exportAll);
}

async function exportAll(name: string | undefined, { cluster, allImages, out, ...options }: Options): Promise<void> {
  if (name === undefined && cluster === undefined) throw new UsageError('name a family, or a --cluster');
  const { openSource } = await import('../connection/open.ts');
  const { templatesOf } = await import('../../queries/templates.ts');
  const { whileWorking } = await import('../terminal/spinner.ts');
  const source = await openSource(options);
  const wanted = { allImages: allImages === true, ...(name ? { name } : {}), ...(cluster ? { cluster } : {}) };
  const templates = await whileWorking('reads ECS…', () => templatesOf(source, wanted));
  if (out === undefined) return printJson(cluster === undefined ? Object.values(templates)[0] : templates);
  const { mkdirSync, writeFileSync } = await import('node:fs');
  const { join } = await import('node:path');
  mkdirSync(out, { recursive: true });
  for (const [key, template] of Object.entries(templates)) {
    const file = join(out, `${key.replace(/[^\w.-]/g, '_')}.json`);
    writeFileSync(file, `${JSON.stringify(template, null, 2)}\n`);
    print(`${good('✓')} ${file}`);
  }
}
