/** One thing that is wrong with what a person wrote. */

export interface Problem {
  /** Where it stands: `services.web.taskDefinition.cpu`. Empty for the whole. */
  readonly place: string;
  /** What is wrong, and the way out. */
  readonly message: string;
}

export const problemText = ({ place, message }: Problem): string => (place === '' ? message : `${place}: ${message}`);
