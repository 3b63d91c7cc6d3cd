/** The terminal: whether there is one, how wide it is, and its colours. */
import pc from 'picocolors';

export const colours = () => pc.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);

/** Whether lines may be drawn over. */
export const isTerminal = () => process.stdout.isTTY === true && process.env.TERM !== 'dumb';

/** Columns; what is piped is not cut. Some terminals say that they have none (`script`, expect, `ssh -tt`): they get 80. */
export const width = () => (process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY);

export const heading = (text: string) => `\n${colours().bold(text)}`;
export const good = (text: string) => colours().green(text);
export const bad = (text: string) => colours().red(text);
export const bold = (text: string) => colours().bold(text);
export const warn = (text: string) => colours().yellow(text);
export const dim = (text: string) => colours().dim(text);
