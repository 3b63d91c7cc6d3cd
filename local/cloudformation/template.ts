/** A CloudFormation template as a file holds it, and the words in which its faults are told. */

export interface Template {
  readonly Description?: string;
  readonly Parameters?: Readonly<Record<string, TemplateParameter>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources?: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, TemplateOutput>>;
  readonly [section: string]: unknown;
}

export interface TemplateParameter {
  readonly Type: string;
  readonly Default?: unknown;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: string | readonly string[];
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly [attribute: string]: unknown;
}

export interface TemplateOutput {
  readonly Value: unknown;
  readonly Export?: { readonly Name: unknown };
  readonly Condition?: string;
}

/** Sections that are read, and those that say nothing about resources: rules check parameters that people type in. */
const SECTIONS = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Mappings',
  'Conditions',
  'Resources',
  'Outputs',
  'Rules',
];

/** Attributes that are read; metadata is for tools. */
const ATTRIBUTES = ['Type', 'Properties', 'DependsOn', 'Condition', 'DeletionPolicy', 'UpdateReplacePolicy', 'Metadata'];

/** Something in a template, or its deployment, that does not hold. The message names the stack, the logical id and the property. */
export class TemplateError extends Error {
  readonly stackName: string;
  readonly logicalId: string | undefined;

  /** @param where the logical id, or `Outputs.X`, `Parameters.X`; undefined for the template as a whole */
  constructor(stack: string, where: string | undefined, problem: string, options?: ErrorOptions) {
    super(`stack ${stack}${where === undefined ? '' : `, ${where}`}: ${problem}`, options);
    this.name = 'TemplateError';
    this.stackName = stack;
    this.logicalId = where;
  }
}

/** @throws TemplateError for sections and resource attributes that are not read here: nothing is silently ignored */
export function checkShape(stack: string, template: Template): void {
  for (const section of Object.keys(template))
    if (!SECTIONS.includes(section)) throw new TemplateError(stack, section, 'local AWS does not read this section of a template');
  for (const [logicalId, resource] of Object.entries(template.Resources ?? {}))
    for (const attribute of Object.keys(resource))
      if (!ATTRIBUTES.includes(attribute))
        throw new TemplateError(stack, logicalId, `local AWS does not implement the resource attribute ${attribute}`);
}
