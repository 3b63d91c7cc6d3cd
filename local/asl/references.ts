/** Which variables each state of a machine refers to, as DescribeStateMachine tells. */
import type { Json } from './data.ts';
import type { Definition, ProcessorDefinition, QueryLanguage, StateDefinition } from './definition.ts';
import { variablesIn } from './expression.ts';
import { expressionIn } from './template.ts';

/** By the state's name, sorted; states without any are left out. */
export function variableReferencesOf(definition: Definition): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  look(definition, 'JSONPath', found);
  return found;
}

function look(processor: ProcessorDefinition, inherited: QueryLanguage, found: Record<string, string[]>): void {
  for (const [name, state] of Object.entries(processor.States)) {
    const language = state.QueryLanguage ?? processor.QueryLanguage ?? inherited;
    const { Branches = [], ItemProcessor, Iterator: iterator, ...own } = state;
    const names = language === 'JSONata' ? inJsonata(own as unknown as Json) : inJsonPath(own);
    if (names.size > 0) found[name] = [...names].sort();
    for (const inner of [...Branches, ItemProcessor, iterator]) if (inner !== undefined) look(inner, language, found);
  }
}

function inJsonata(value: Json): Set<string> {
  const names = new Set<string>();
  const visit = (one: Json): void => {
    if (typeof one === 'string') {
      const source = expressionIn(one);
      if (source !== undefined) for (const name of variablesIn(source)) names.add(name);
    } else if (typeof one === 'object' && one !== null) for (const member of Object.values(one)) visit(member as Json);
  };
  visit(value);
  return names;
}

/** In paths and intrinsic functions: fields that end with Path, Variable, and members of templates that end with `.$`. */
function inJsonPath(state: Omit<StateDefinition, 'Branches'>): Set<string> {
  const names = new Set<string>();
  const visit = (value: unknown, isPath: boolean): void => {
    if (typeof value === 'string') {
      // Texts in quotes are no paths.
      if (isPath) for (const [, name = ''] of value.replace(/'(?:\\.|[^'\\])*'/g, '').matchAll(/\$([A-Za-z_]\w*)/g)) names.add(name);
    } else if (Array.isArray(value)) for (const one of value) visit(one, false);
    else if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value)) visit(one, name.endsWith('.$') || name.endsWith('Path') || name === 'Variable');
  };
  visit(state, false);
  return names;
}
