/** The options that every command has which looks at a pipeline, or changes one. */
import { type Command, InvalidArgumentError } from 'commander';

/** Where from: see docs/commands.md. */
export function withSource(command: Command): Command {
  return command
    .option('--data <folder>', 'folder of a local AWS or a rehearsal (default: .shiplock)')
    .option('--config <path>', 'use a pipeline in AWS: its shiplock.config.ts, or the folder of that')
    .option('--aws', 'use the AWS account of the pipeline, even if a local AWS runs')
    .option('--profile <name>', 'use this AWS profile; implies --aws')
    .option('--as <person>', 'who you are on local AWS (or SHIPLOCK_AS)')
    .option('--json', 'print JSON for programs');
}

/** Why somebody does something, as the pipeline takes it. */
export function inWords(text: string): string {
  const words = text.trim();
  if (words === '') throw new InvalidArgumentError('Say why, in words.');
  if (words.length > 1000) throw new InvalidArgumentError('At most 1000 characters are kept.');
  return words;
}

/** Ends the help with examples. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExample:\n${examples.map((example) => `  $ shiplock ${example}`).join('\n')}`);
}

/** For options that are whole numbers. @throws InvalidArgumentError, which names the option */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is needed.');
  return Number(text);
}
