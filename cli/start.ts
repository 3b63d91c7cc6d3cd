/** Where `shiplock` starts: its overview is shown at once, everything else is loaded first. */
import { type Overview, renderOverview } from './terminal/help.ts';

/** Written in by the build. */
declare const OVERVIEW: Overview;
declare const MAIN: string;

const [word, ...more] = process.argv.slice(2);
if ((word === '--help' || word === '-h') && more.length === 0) {
  // Whoever reads our output may stop before its end.
  process.stdout.on('error', () => process.exit());
  process.stdout.write(renderOverview(OVERVIEW, process.stdout.columns));
} else await import(MAIN);
