/** What is asked of something that is not there, or cannot be answered: one sentence with the way out. */

/** The words of whoever asks are wrong: a name that nobody knows, or nothing that could be meant. */
export class QueryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'QueryError';
  }
}
