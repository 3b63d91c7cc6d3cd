/** What can be said of a JSONata expression without running it: its syntax, and the names it uses. */
import jsonata from 'jsonata';
import { FUNCTIONS } from './functions.ts';

/** Where an expression stands, and so what it may see. */
export interface Sight {
  /** Variables that some state assigns, here or in an outer scope. */
  readonly variables: ReadonlySet<string>;
  /** `$states.result` is there. */
  readonly result: boolean;
  /** `$states.errorOutput` is there. */
  readonly errorOutput: boolean;
}

export interface Problem {
  /** Whether AWS refuses it when the machine is created; otherwise it would fail, or do nothing, when run. */
  readonly refused: boolean;
  readonly message: string;
}

/** A node of jsonata's syntax tree, as far as it is looked at. */
interface Node {
  readonly type?: string;
  readonly value?: unknown;
  readonly steps?: readonly Node[];
  readonly stages?: readonly Node[];
  readonly predicate?: readonly Node[];
  readonly group?: unknown;
  readonly focus?: string;
  readonly index?: string;
  readonly lhs?: unknown;
  readonly rhs?: unknown;
  readonly arguments?: readonly Node[];
  readonly body?: Node;
  readonly procedure?: Node;
  readonly [member: string]: unknown;
}

const STATES_FIELDS = new Set(['input', 'result', 'errorOutput', 'context']);

/** The variables that an expression refers to, without $states and what it binds itself. */
export function variablesIn(source: string): readonly string[] {
  const names = new Set<string>();
  problemsOf(source, { variables: new Set(), result: true, errorOutput: true }, (name) => names.add(name));
  return [...names];
}

/** Looks for what AWS refuses or what cannot work. https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html */
export function problemsOf(source: string, sight: Sight, refersTo?: (variable: string) => void): readonly Problem[] {
  let tree: Node;
  try {
    tree = jsonata(source).ast() as unknown as Node;
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    return [{ refused: true, message: `The JSONata expression '${source}' cannot be parsed: ${code}: ${message}` }];
  }
  const found = new Map<string, Problem>();
  const report = (refused: boolean, message: string) => found.set(message, { refused, message });

  const variable = (name: string, locals: ReadonlySet<string>, top: boolean): void => {
    if (name === '' || name === '$') {
      if (top) report(true, `'$${name}' cannot be used at the top level of the JSONata expression '${source}'. Use $states.input`);
    } else if (name === 'eval') report(true, `The function $eval is not supported in the JSONata expression '${source}'`);
    else if (name !== 'states' && !locals.has(name) && !FUNCTIONS.has(name)) {
      refersTo?.(name);
      if (sight.variables.has(name)) return;
      report(false, `No state assigns the variable $${name} used in the JSONata expression '${source}'`);
    }
  };

  const called = (procedure: Node, locals: ReadonlySet<string>, top: boolean) => {
    const name = procedure.type === 'variable' ? (procedure.value as string) : undefined;
    if (name === undefined) return walk(procedure, locals, top);
    if (name !== 'eval' && !FUNCTIONS.has(name) && !locals.has(name) && !sight.variables.has(name))
      report(false, `There is no function $${name}, which the JSONata expression '${source}' calls`);
    else variable(name, locals, top);
  };

  const path = (steps: readonly Node[], locals: ReadonlySet<string>, top: boolean) => {
    const [first, second] = steps;
    if (first?.type === 'variable' && first.value === 'states' && second !== undefined) {
      const field = second.type === 'name' ? String(second.value) : undefined;
      if (field === 'result' && !sight.result) report(true, `$states.result is not accessible here: '${source}'`);
      else if (field === 'errorOutput' && !sight.errorOutput) report(true, `$states.errorOutput is accessible in Catch only: '${source}'`);
      else if (field !== undefined && !STATES_FIELDS.has(field)) report(false, `$states has no field '${field}': '${source}'`);
    }
    let names: ReadonlySet<string> = locals;
    for (const [position, step] of steps.entries()) {
      if (step.focus !== undefined) names = new Set([...names, step.focus]);
      if (step.index !== undefined) names = new Set([...names, step.index]);
      walk(step, names, top && position === 0);
    }
    return names;
  };

  /** Walks a node; gives the names it binds for what comes after it in the same block. */
  const walk = (node: Node, locals: ReadonlySet<string>, top: boolean): ReadonlySet<string> => {
    let inner = locals;
    switch (node.type) {
      case 'variable':
        variable(node.value as string, locals, top);
        break;
      case 'name':
        if (top)
          report(
            true,
            `'${String(node.value)}' cannot be used unqualified at the top level of the JSONata expression '${source}'. Use $states.input.${String(node.value)}`,
          );
        break;
      case 'wildcard':
      case 'descendant':
      case 'parent':
        if (top) report(true, `'${String(node.value ?? '%')}' cannot be used at the top level of the JSONata expression '${source}'`);
        break;
      case 'path':
        inner = path(node.steps ?? [], locals, top);
        break;
      case 'bind': {
        const name = (node.lhs as Node).value as string;
        // A function may call itself by the name that it is about to get.
        const names = new Set([...locals, name]);
        if (name === 'states') report(true, `The variable $states is reserved: '${source}'`);
        walk(node.rhs as Node, names, top);
        return names;
      }
      case 'block': {
        let names = locals;
        for (const expression of node.expressions as readonly Node[]) names = walk(expression, names, top);
        break;
      }
      case 'lambda': {
        const names = new Set([...locals, ...(node.arguments ?? []).map(({ value }) => value as string)]);
        walk(node.body!, names, top);
        break;
      }
      case 'function':
      case 'partial':
        called(node.procedure!, locals, top);
        for (const argument of node.arguments ?? []) walk(argument, locals, top);
        break;
      case 'apply':
        walk(node.lhs as Node, locals, top);
        if ((node.rhs as Node).type === 'variable') called(node.rhs as Node, locals, top);
        else walk(node.rhs as Node, locals, top);
        break;
      case 'transform':
        for (const member of ['pattern', 'update', 'delete']) if (node[member] !== undefined) walk(node[member] as Node, locals, false);
        break;
      case 'sort':
        for (const { expression } of node.terms as readonly { readonly expression: Node }[]) walk(expression, locals, false);
        break;
      default:
        each(node, ['lhs', 'rhs', 'expression', 'expressions', 'condition', 'then', 'else'], locals, top);
    }
    // Filters and groupings see each member as their context.
    each(node, ['predicate', 'stages', 'group', 'expr'], inner, false);
    return locals;
  };

  const each = (node: Node, members: readonly string[], locals: ReadonlySet<string>, top: boolean) => {
    if (node.type === 'apply' || node.type === 'bind') return;
    const visit = (value: unknown, name: string): void => {
      if (Array.isArray(value)) for (const one of value) visit(one, name);
      else if (typeof value === 'object' && value !== null) {
        if (name === 'group') visit((value as Node).lhs, 'lhs');
        else walk(value as Node, locals, top);
      }
    };
    for (const member of members) visit(node[member], member);
  };

  walk(tree, new Set(), true);
  return [...found.values()];
}
