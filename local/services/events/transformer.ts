/** What a target of a rule gets: the event, a part of it, a constant, or a template filled from it. */

export interface InputSettings {
  readonly Input?: string | undefined;
  readonly InputPath?: string | undefined;
  readonly InputTransformer?:
    | { readonly InputPathsMap?: Readonly<Record<string, string>> | undefined; readonly InputTemplate: string | undefined }
    | undefined;
}

/** Facts of the rule that a template may name. */
export interface RuleFacts {
  readonly ruleArn: string;
  readonly ruleName: string;
  /** ISO 8601. */
  readonly ingestionTime: string;
}

/** The value at a path such as `$.detail.items[0].name`; undefined if there is none or the path is not understood. */
export function atPath(event: unknown, path: string): unknown {
  if (!/^\$(?:\.[^.[\]]+|\[\d+\]|\['[^']+'\])*$/.test(path)) return undefined;
  let value = event;
  for (const [, name, index, quoted] of path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']+)'\]/g)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[name ?? index ?? quoted!];
  }
  return value;
}

/** A template that should have become JSON and did not: its event reaches nobody. */
export class BrokenTemplateError extends Error {}

/**
 * The JSON text (or, from a template, whatever text) that the target gets.
 * @throws BrokenTemplateError
 */
export function targetInput(settings: InputSettings, event: object, rule: RuleFacts): string {
  if (settings.Input !== undefined) return settings.Input;
  if (settings.InputPath !== undefined) return JSON.stringify(atPath(event, settings.InputPath) ?? {});
  const { InputTransformer } = settings;
  if (InputTransformer === undefined) return JSON.stringify(event);
  return fill(InputTransformer.InputTemplate ?? '', InputTransformer.InputPathsMap ?? {}, event, rule);
}

/**
 * Fills `<name>` in a template. Inside a JSON string a text goes in without quotes of its own; outside it brings them.
 * A template that is one quoted text gets lists and objects without any quotes; inside the strings of an object they keep
 * theirs, and what is no JSON any more is not delivered, as on AWS.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
function fill(template: string, paths: Readonly<Record<string, string>>, event: object, rule: RuleFacts): string {
  const { detail: _, ...envelope } = event as { detail?: unknown };
  const values = new Map<string, unknown>([
    ['aws.events.rule-arn', rule.ruleArn],
    ['aws.events.rule-name', rule.ruleName],
    ['aws.events.event.ingestion-time', rule.ingestionTime],
    ['aws.events.event', envelope],
    ['aws.events.event.json', event],
  ]);
  for (const [name, path] of Object.entries(paths)) values.set(name, atPath(event, path));
  const isObject = /^\s*[{[]/.test(template);
  let quoted = false;
  let filled = '';
  for (let index = 0; index < template.length; index++) {
    const character = template[index]!;
    const name = character === '<' ? /^<([\w.-]+)>/.exec(template.slice(index))?.[1] : undefined;
    if (name !== undefined && values.has(name)) {
      filled += quoted ? insideString(values.get(name), isObject) : JSON.stringify(values.get(name) ?? '');
      index += name.length + 1;
      continue;
    }
    if (character === '\\' && quoted) {
      filled += character + (template[++index] ?? '');
      continue;
    }
    if (character === '"') quoted = !quoted;
    filled += character;
  }
  if (isObject) assertJson(filled);
  return filled;
}

function insideString(value: unknown, isObject: boolean): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return JSON.stringify(value).slice(1, -1);
  const text = JSON.stringify(value);
  return isObject ? text : text.replaceAll('"', '');
}

function assertJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new BrokenTemplateError(`the input template did not become JSON: ${text}`);
  }
}
