/** Collects the errors of many items, so that one bad item does not keep the others from being done. */

/** Some of what was to be done could not be; the rest was. */
export class Incomplete extends Error {
  constructor(task: string, errors: readonly string[]) {
    const shown = errors.slice(0, SHOWN).join('; ');
    const more = errors.length > SHOWN ? `; and ${errors.length - SHOWN} more` : '';
    super(`${task}: ${errors.length} of its parts failed, all others are done: ${shown}${more}`);
    this.name = 'Incomplete';
  }
}

/** More of them would fill the log. */
const SHOWN = 10;

/** Collects what fails, so that one bad item does not keep the others from being done. */
export class CollectedErrors {
  private readonly all: string[] = [];

  /** @param what is done, for people. @returns undefined if it threw */
  async attempt<Result>(what: string, run: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await run();
    } catch (error) {
      const { name, message } = error as Error;
      this.all.push(`${what}: ${name} ${message}`);
      return undefined;
    }
  }

  /** @throws Incomplete if anything failed, with what and why */
  throwIfAny(task: string): void {
    if (this.all.length > 0) throw new Incomplete(task, this.all);
  }
}
