/** What could not be done, one by one: one bad item does not keep the others from being looked after. */

/** Some of what was to be done could not be; the rest was. */
export class Incomplete extends Error {
  constructor(task: string, troubles: readonly string[]) {
    const shown = troubles.slice(0, SHOWN).join('; ');
    const more = troubles.length > SHOWN ? `; and ${troubles.length - SHOWN} more` : '';
    super(`${task}: ${troubles.length} of its parts failed, all others are done: ${shown}${more}`);
    this.name = 'Incomplete';
  }
}

/** More of them would fill the log. */
const SHOWN = 10;

export class Troubles {
  private readonly all: string[] = [];

  /** @param what is done, for people. @returns undefined if it threw */
  async spare<Result>(what: string, run: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await run();
    } catch (error) {
      const { name, message } = error as Error;
      this.all.push(`${what}: ${name} ${message}`);
      return undefined;
    }
  }

  /** @throws Incomplete if anything failed, with what and why */
  raise(task: string): void {
    if (this.all.length > 0) throw new Incomplete(task, this.all);
  }
}
