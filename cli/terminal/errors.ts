/** Exit codes: what scripts rely on. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, interrupted: 130 } as const;

/** A wrong word of the person at the keyboard: one line, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** A rule or a person said no: its reason, exit code 3. */
export class RefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RefusedError';
  }
}

/** Ctrl-C at a question: nothing to say, exit code 130. */
export class InterruptedError extends Error {
  constructor() {
    super('');
    this.name = 'InterruptedError';
  }
}
