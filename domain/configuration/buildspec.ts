/** Whether a buildspec can be read as CodeBuild reads one. https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html */
import { parseDocument } from 'yaml';
import { suggestion } from '../text/suggestion.ts';

const SECTIONS = ['version', 'run-as', 'env', 'proxy', 'batch', 'phases', 'reports', 'artifacts', 'cache'];
const PHASES = ['install', 'pre_build', 'build', 'post_build'];
const PHASE_KEYS = ['run-as', 'on-failure', 'runtime-versions', 'commands', 'finally', 'steps'];

type Mapping = Readonly<Record<string, unknown>>;
const isMapping = (value: unknown): value is Mapping => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Everything that is wrong with it, each with the place within the file; a section that CodeBuild does not know is a slip if it is near one that it does. */
export function buildspecFaults(text: string): string[] {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) {
    const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 };
    return [`${line}:${col} is no YAML: ${error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? ''}`];
  }
  const root: unknown = document.toJS();
  if (!isMapping(root)) return [' is no buildspec: it begins with version and phases'];
  const faults: string[] = [];
  if (!['0.1', '0.2'].includes(String(root.version)))
    faults.push(`: version ${root.version === undefined ? 'is missing' : `is ${String(root.version)}`}; write 0.2`);
  slips(root, SECTIONS, '', faults);
  if (!isMapping(root.phases)) faults.push(': phases is missing, or has no phase in it');
  else
    for (const [name, phase] of Object.entries(root.phases)) {
      if (!PHASES.includes(name))
        faults.push(`: there is no phase "${name}"${suggestion(name, PHASES) || `; there are ${PHASES.join(', ')}`}`);
      else phaseFaults(phase, `phases.${name}`, faults);
    }
  return faults;
}

function phaseFaults(phase: unknown, place: string, faults: string[]): void {
  if (!isMapping(phase)) {
    faults.push(`: ${place} has nothing to do; write its commands below it`);
    return;
  }
  slips(phase, PHASE_KEYS, `${place}.`, faults);
  for (const key of ['commands', 'finally']) {
    const commands = phase[key];
    if (commands === undefined || commands === null) continue;
    if (!Array.isArray(commands)) faults.push(`: ${place}.${key} is no list; begin each command with "- "`);
    else
      for (const [index, command] of commands.entries())
        if (typeof command === 'object' && command !== null)
          faults.push(`: ${place}.${key}[${index}] is no command but has keys of its own; put a command with ": " in it into quotes`);
  }
}

function slips(value: Mapping, known: readonly string[], place: string, faults: string[]): void {
  for (const key of Object.keys(value)) {
    const near = known.includes(key) ? '' : suggestion(key, known);
    if (near) faults.push(`: ${place}${key} is unknown${near}`);
  }
}
