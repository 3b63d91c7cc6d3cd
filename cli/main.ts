/** The command `shiplock`: reads the words, runs the verb, and ends with the exit code that scripts rely on. */
import { CommanderError } from 'commander';
import { program } from './program.ts';
import { EXIT } from './terminal/errors.ts';
import { noteWrapped } from './terminal/output.ts';
import { rest } from './terminal/spinner.ts';
import { plain } from './terminal/text.ts';

// Whoever reads our output may stop before its end, as `head` does: that is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    if (stream === process.stdout) process.stderr.write(`what was to be shown could not be written: ${error.message}\n`);
    process.exit(EXIT.failed);
  });

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = report(error as Error);
} finally {
  // A pipe may not have taken yet what was printed.
  rest();
}

/** Its message, line by line: some of it may be of strangers. */
function words({ stack, message }: Error): string {
  return ((process.env.SHIPLOCK_DEBUG && stack) || message).split('\n').map(plain).join('\n');
}

/** One clear message; a stack only where the fault is ours. */
function report(error: Error): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  switch (error.name) {
    case 'QueryError':
      noteWrapped(plain(error.message));
      return EXIT.usage;
    case 'UsageError':
    case 'ConfigError':
    case 'ScriptError':
      noteWrapped(error.message);
      return EXIT.usage;
    case 'RenderError':
      noteWrapped(`refused: ${error.message}`);
      return EXIT.refused;
    case 'RefusedError':
      noteWrapped(`refused: ${plain(error.message)}`);
      return EXIT.refused;
    case 'AccessDeniedException':
      noteWrapped(`refused by AWS: ${plain(error.message)}`);
      return EXIT.refused;
    case 'CredentialsProviderError':
      noteWrapped(
        `no credentials for AWS${process.env.AWS_PROFILE ? ` by the profile ${plain(process.env.AWS_PROFILE)}` : ''} (${plain(error.message)}); see aws configure list-profiles, then name one with --profile`,
      );
      return EXIT.usage;
    case 'InterruptedError':
      return EXIT.interrupted;
    case 'TypeError':
      // The sources are TypeScript, which Node reads from 22.18 on.
      if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
        noteWrapped(
          `Node ${process.version} cannot read TypeScript; run it as npx shiplock, which brings a Node that can, or with Node 24`,
        );
        return EXIT.usage;
      }
      noteWrapped(`shiplock failed: ${words(error)}`);
      return EXIT.failed;
    default:
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') {
        noteWrapped(`nothing answers: ${plain(error.message)}; if it was a local AWS, start it again with shiplock local`);
        return EXIT.failed;
      }
      noteWrapped(`shiplock failed: ${words(error)}`);
      return EXIT.failed;
  }
}
