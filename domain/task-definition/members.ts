/** Reads what a file may hold in the place of objects, lists and texts: it was written by hand, so nothing of its form is certain. */

export type Members = Readonly<Record<string, unknown>>;

/** Told of a place within the task definition, as `containerDefinitions[0].cpu`, and what is wrong there. */
export type Refuse = (place: string, message: string) => void;

export const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object; whatever else it is, an empty one. */
export const membersOf = (value: unknown): Members => (isMembers(value) ? value : {});

/** A list of objects; texts come as `{ value }`. Whatever else it is, an empty one: that it is no list is said by its shape. */
export const listOf = (value: unknown): readonly Members[] =>
  Array.isArray(value) ? value.map((one: unknown) => (isMembers(one) ? one : { value: one })) : [];

export interface Container extends Members {
  /** `containerDefinitions[0]` */
  readonly at: string;
  readonly name: string;
}

/** The containers of a task definition, each with its place. */
export const containersOf = ({ containerDefinitions }: Members): readonly Container[] =>
  listOf(containerDefinitions).map((container, index) => ({
    ...container,
    at: `containerDefinitions[${index}]`,
    name: String(container.name ?? ''),
  }));

/** A value as it is shown in a message: not too long. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : Array.isArray(value) ? 'a list' : isMembers(value) ? 'an object' : String(value);
  return text.length > 80 ? `${text.slice(0, 76)}…"` : text;
}

/** Without members that are null: the SDK sends none of them, and a default may stand in their place. */
export function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.filter((one) => one !== null && one !== undefined).map(withoutNulls) as T;
  if (!isMembers(value)) return value;
  const members = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(members.map(([name, one]) => [name, withoutNulls(one)])) as T;
}
