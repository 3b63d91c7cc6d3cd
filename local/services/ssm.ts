/** Systems Manager Parameter Store: names, hierarchies and versions of text. */
import { createHash } from 'node:crypto';
import type * as Api from '@aws-sdk/client-ssm';
import { type Call, type Operation, type Permission, type ResourceType, type Service, ServiceError } from '../core/service.ts';
import type { Site } from '../core/site.ts';

declare module '../core/site.ts' {
  interface Services {
    ssm: Ssm;
  }
}

interface Parameter {
  readonly name: string;
  readonly type: Api.ParameterType;
  readonly value: string;
  readonly version: number;
  readonly description?: string;
  readonly tier: 'Standard' | 'Advanced';
  readonly allowedPattern?: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  readonly modifiedBy: string;
}

interface ParameterProperties {
  readonly Name?: string;
  readonly Type: Api.ParameterType;
  readonly Value: string;
  readonly Description?: string;
  readonly Tier?: string;
  readonly AllowedPattern?: string;
}

/** Pages of GetParametersByPath. */
const PAGE = 10;
/** https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html */
const LARGEST = { Standard: 4096, Advanced: 8192 };
const DEFAULT_KEY = 'alias/aws/ssm';

const invalid = (message: string) => new ServiceError('ValidationException', message);

/**
 * SecureString values are kept as they are: access by the account's default key needs no permission of its own, and other keys
 * are refused. Without WithDecryption a text that tells nothing is returned.
 */
export class Ssm implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;
  private readonly site: Site;
  /** All versions of each parameter, oldest first. */
  private readonly parameters = new Map<string, Parameter[]>();

  constructor(site: Site) {
    this.site = site;
    this.operations = this.parameterOperations();
    this.resources = { 'AWS::SSM::Parameter': this.parameterType() };
  }

  /** The value of a parameter, as `{{resolve:ssm:…}}` and parameter types of templates read it; undefined if there is none. */
  value(name: string): string | undefined {
    return this.find(name)?.value;
  }

  save(): unknown {
    return [...this.parameters.values()].flat();
  }

  load(saved: unknown): void {
    this.parameters.clear();
    for (const one of saved as readonly Parameter[]) this.parameters.set(one.name, [...(this.parameters.get(one.name) ?? []), one]);
  }

  private parameterOperations(): Readonly<Record<string, Operation>> {
    const named = (action: string) => (input: { Name?: string }) => [this.permission(action, input.Name ?? '')];
    const listed = (action: string) => (input: { Names?: readonly string[] }) =>
      (input.Names ?? []).map((name) => this.permission(action, name));
    return {
      GetParameter: {
        authorize: named('GetParameter'),
        handle: (input: Api.GetParameterRequest): Api.GetParameterResult => {
          const [, selector] = split(input.Name ?? '');
          const found = this.find(input.Name ?? '');
          if (found === undefined)
            throw selector === undefined
              ? new ServiceError('ParameterNotFound', '')
              : new ServiceError(
                  'ParameterVersionNotFound',
                  `Systems Manager could not find version ${selector} of ${split(input.Name ?? '')[0]}.`,
                );
          return { Parameter: this.shown(found, input.WithDecryption, selector) };
        },
      },
      GetParameters: {
        authorize: listed('GetParameters'),
        handle: (input: Api.GetParametersRequest): Api.GetParametersResult => {
          const names = input.Names ?? [];
          if (names.length > 10)
            throw invalid(
              "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to 10",
            );
          const found = names.map((name) => ({ name, parameter: this.find(name) }));
          return {
            Parameters: found.flatMap(({ name, parameter }) =>
              parameter === undefined ? [] : [this.shown(parameter, input.WithDecryption, split(name)[1])],
            ),
            InvalidParameters: found.filter(({ parameter }) => parameter === undefined).map(({ name }) => name),
          };
        },
      },
      GetParametersByPath: {
        authorize: (input: Api.GetParametersByPathRequest) => [
          this.permission('GetParametersByPath', input.Path ?? '/', { 'ssm:Recursive': String(input.Recursive ?? false) }),
        ],
        handle: (input: Api.GetParametersByPathRequest): Api.GetParametersByPathResult => this.byPath(input),
      },
      DescribeParameters: {
        // Knows no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
        authorize: () => [{ action: 'ssm:DescribeParameters', resource: '*' }],
        handle: (input: Api.DescribeParametersRequest): Api.DescribeParametersResult => this.described(input),
      },
      GetParameterHistory: {
        authorize: named('GetParameterHistory'),
        handle: (input: Api.GetParameterHistoryRequest): Api.GetParameterHistoryResult => {
          const versions = this.parameters.get(input.Name ?? '');
          if (versions === undefined) throw new ServiceError('ParameterNotFound', '');
          return {
            Parameters: versions.map((one) => ({
              Name: one.name,
              Type: one.type,
              Value: readable(one, input.WithDecryption),
              Version: one.version,
              LastModifiedDate: new Date(one.modifiedAt),
              LastModifiedUser: one.modifiedBy,
              Tier: one.tier,
            })),
          };
        },
      },
      PutParameter: {
        authorize: (input: Api.PutParameterRequest) => [
          this.permission('PutParameter', input.Name ?? '', { 'ssm:Overwrite': String(input.Overwrite ?? false) }),
        ],
        handle: (input: Api.PutParameterRequest, call: Call): Api.PutParameterResult => {
          const parameter = this.put(input, call.principal.arn);
          return { Version: parameter.version, Tier: parameter.tier };
        },
      },
      DeleteParameter: {
        authorize: named('DeleteParameter'),
        handle: (input: Api.DeleteParameterRequest) => {
          if (!this.parameters.delete(input.Name ?? '')) throw new ServiceError('ParameterNotFound', '');
          return {};
        },
      },
      DeleteParameters: {
        authorize: listed('DeleteParameters'),
        handle: (input: Api.DeleteParametersRequest): Api.DeleteParametersResult => {
          const names = input.Names ?? [];
          const deleted = names.filter((name) => this.parameters.delete(name));
          return { DeletedParameters: deleted, InvalidParameters: names.filter((name) => !deleted.includes(name)) };
        },
      },
    };
  }

  private permission(action: string, name: string, context: Permission['context'] = {}): Permission {
    const [plain] = split(name);
    return { action: `ssm:${action}`, resource: this.arn(plain), context };
  }

  private arn(name: string): string {
    return this.site.arn('ssm', `parameter/${name.replace(/^\//, '')}`);
  }

  /** The version that a name or ARN, with or without `:<version>`, means. */
  private find(reference: string): Parameter | undefined {
    const [name, selector] = split(reference);
    const versions = this.parameters.get(name) ?? (reference.startsWith('arn:') ? this.parameters.get(name.replace(/^\//, '')) : undefined);
    return selector === undefined ? versions?.at(-1) : versions?.find(({ version }) => String(version) === selector);
  }

  private shown(parameter: Parameter, decrypted: boolean | undefined, selector: string | undefined): Api.Parameter {
    return {
      Name: parameter.name,
      Type: parameter.type,
      Value: readable(parameter, decrypted),
      Version: parameter.version,
      ...(selector === undefined ? {} : { Selector: `:${selector}` }),
      LastModifiedDate: new Date(parameter.modifiedAt),
      ARN: this.arn(parameter.name),
      DataType: 'text',
    };
  }

  private byPath(input: Api.GetParametersByPathRequest): Api.GetParametersByPathResult {
    const path = input.Path ?? '';
    if (!path.startsWith('/'))
      throw invalid(
        'The parameter path must begin with a forward slash "/". It can consist of a combination of letters, numbers and the symbols . - _',
      );
    if (input.ParameterFilters !== undefined) throw invalid('local AWS knows no parameter filters');
    const limit = input.MaxResults ?? PAGE;
    if (limit < 1 || limit > PAGE)
      throw invalid(
        `1 validation error detected: Value '${limit}' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 10`,
      );
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const below = [...this.parameters.keys()]
      .filter((name) => name.startsWith(prefix) && (input.Recursive === true || !name.slice(prefix.length).includes('/')))
      .sort();
    const start = input.NextToken === undefined ? 0 : below.findIndex((name) => name > input.NextToken!);
    const page = start < 0 ? [] : below.slice(start, start + limit);
    return {
      Parameters: page.map((name) => this.shown(this.find(name)!, input.WithDecryption, undefined)),
      ...(start >= 0 && start + limit < below.length ? { NextToken: page.at(-1) } : {}),
    };
  }

  private described(input: Api.DescribeParametersRequest): Api.DescribeParametersResult {
    if (input.Filters !== undefined && input.ParameterFilters !== undefined)
      throw invalid('You can use either Filters or ParameterFilters in a single request.');
    if (input.Shared === true) return { Parameters: [] };
    const filters = [
      ...(input.ParameterFilters ?? []).map(selects),
      ...(input.Filters ?? []).map(({ Key, Values }) => selects({ Key, Option: Key === 'Name' ? 'BeginsWith' : 'Equals', Values })),
    ];
    const found = [...this.parameters.values()]
      .map((versions) => versions.at(-1)!)
      .filter((parameter) => filters.every((holds) => holds(parameter)))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const from = Number(input.NextToken ?? 0);
    const to = from + (input.MaxResults ?? MOST_DESCRIBED);
    return {
      Parameters: found.slice(from, to).map((one) => ({
        Name: one.name,
        ARN: this.arn(one.name),
        Type: one.type,
        ...(one.type === 'SecureString' ? { KeyId: DEFAULT_KEY } : {}),
        LastModifiedDate: new Date(one.modifiedAt),
        LastModifiedUser: one.modifiedBy,
        ...(one.description === undefined ? {} : { Description: one.description }),
        ...(one.allowedPattern === undefined ? {} : { AllowedPattern: one.allowedPattern }),
        Version: one.version,
        Tier: one.tier,
        Policies: [],
        DataType: 'text',
      })),
      ...(to < found.length ? { NextToken: String(to) } : {}),
    };
  }

  private put(input: Api.PutParameterRequest, modifiedBy: string): Parameter {
    const name = input.Name ?? '';
    requireName(name);
    const versions = this.parameters.get(name) ?? [];
    const last = versions.at(-1);
    if (last !== undefined && input.Overwrite !== true)
      throw new ServiceError(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      );
    const type = input.Type ?? last?.type;
    if (type === undefined) throw invalid('A parameter type is required when you create a parameter.');
    if (last !== undefined && last.type !== type && (last.type === 'SecureString' || type === 'SecureString'))
      throw new ServiceError('HierarchyTypeMismatchException', `The following parameter cannot be updated to type ${type}: ${name}`);
    if (input.KeyId !== undefined && input.KeyId !== DEFAULT_KEY) throw invalid(`local AWS knows no KMS keys but ${DEFAULT_KEY}`);
    if (input.Policies !== undefined && input.Policies !== '') throw invalid('local AWS knows no parameter policies');
    const value = input.Value ?? '';
    const tier =
      input.Tier === 'Advanced' || (input.Tier === 'Intelligent-Tiering' && value.length > LARGEST.Standard) ? 'Advanced' : 'Standard';
    if (value === '')
      throw invalid(
        "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.",
      );
    if (Buffer.byteLength(value) > LARGEST[tier])
      throw invalid(
        tier === 'Standard'
          ? 'Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.'
          : 'Advanced tier parameters support a maximum parameter value of 8192 characters.',
      );
    const allowedPattern = input.AllowedPattern ?? last?.allowedPattern;
    if (allowedPattern !== undefined && !expression(allowedPattern).test(value))
      throw new ServiceError(
        'ParameterPatternMismatchException',
        `Parameter value, cannot be validated against allowedPattern: ${allowedPattern}`,
      );
    const parameter: Parameter = {
      name,
      type,
      value,
      tier,
      version: (last?.version ?? 0) + 1,
      ...(input.Description === undefined ? {} : { description: input.Description }),
      ...(allowedPattern === undefined ? {} : { allowedPattern }),
      modifiedAt: this.site.world.clock.now(),
      modifiedBy,
    };
    this.parameters.set(name, [...versions, parameter].slice(-100));
    return parameter;
  }

  private parameterType(): ResourceType<ParameterProperties> {
    const put = (properties: ParameterProperties, name: string, overwrite: boolean) => {
      if (properties.Type !== 'String' && properties.Type !== 'StringList')
        throw invalid(`CloudFormation makes no parameters of type ${properties.Type}`);
      const {
        name: ref,
        type,
        value,
      } = this.put(
        { ...properties, Tier: properties.Tier as Api.ParameterTier, Name: name, Overwrite: overwrite },
        'cloudformation.amazonaws.com',
      );
      return { ref, attributes: { Type: type, Value: value } };
    };
    const type: ResourceType<ParameterProperties> = {
      properties: ['Name', 'Type', 'Value', 'Description', 'Tier', 'AllowedPattern'],
      inert: ['Tags', 'DataType'],
      create: (properties, context) => put(properties, properties.Name ?? context.generatedName, false),
      update: (properties, before, context) => {
        const name = properties.Name ?? before.ref;
        // A new name or type is a new parameter.
        if (name === before.ref) return put(properties, name, true);
        const created = put(properties, name, false);
        void type.delete?.(before, context);
        return created;
      },
      delete: (before) => {
        this.parameters.delete(before.ref);
      },
    };
    return type;
  }
}

/** DescribeParameters answers with as many. */
const MOST_DESCRIBED = 50;

/**
 * One filter, by https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
 * @throws ServiceError InvalidFilterKey, InvalidFilterOption, InvalidFilterValue
 */
function selects({ Key = '', Option, Values = [] }: Api.ParameterStringFilter): (parameter: Parameter) => boolean {
  const option = Option ?? (Key === 'Path' ? 'OneLevel' : 'Equals');
  const wrong = () =>
    new ServiceError(
      'InvalidFilterOption',
      `The following filter option is not valid: ${option}. Valid options include: ${Key === 'Path' ? '[OneLevel, Recursive]' : '[BeginsWith, Equals]'}.`,
    );
  if (Values.length === 0) throw new ServiceError('InvalidFilterValue', `The filter ${Key} needs a value.`);
  const texts: Readonly<Record<string, (parameter: Parameter) => string>> = {
    Name: ({ name }) => name,
    Type: ({ type }) => type,
    Tier: ({ tier }) => tier,
    DataType: () => 'text',
    KeyId: ({ type }) => (type === 'SecureString' ? DEFAULT_KEY : ''),
  };
  const text = texts[Key];
  if (text !== undefined) {
    const compare: Readonly<Record<string, (actual: string, wanted: string) => boolean>> = {
      Equals: (actual, wanted) => actual === wanted,
      BeginsWith: (actual, wanted) => actual.startsWith(wanted),
      ...(Key === 'Name' ? { Contains: (actual: string, wanted: string) => actual.includes(wanted) } : {}),
    };
    const holds = compare[option];
    if (holds === undefined) throw wrong();
    return (parameter) => Values.some((wanted) => holds(text(parameter), wanted));
  }
  if (Key !== 'Path')
    throw new ServiceError(
      'InvalidFilterKey',
      `The following filter key is not valid here: ${Key}. Valid filter keys are: [Path, Name, Type, KeyId, Tier, DataType].`,
    );
  if (option !== 'OneLevel' && option !== 'Recursive') throw wrong();
  return ({ name }) =>
    Values.some((path) => {
      const prefix = path.endsWith('/') ? path : `${path}/`;
      return name.startsWith(prefix) && (option === 'Recursive' || !name.slice(prefix.length).includes('/'));
    });
}

/** Name and version of `name`, `name:3` or an ARN. */
function split(reference: string): [name: string, selector: string | undefined] {
  const plain = reference.startsWith('arn:') ? `/${reference.split(':parameter/')[1] ?? ''}` : reference;
  const [name = '', selector] = plain.split(':');
  return [name, selector];
}

const readable = ({ type, value }: Parameter, decrypted: boolean | undefined) =>
  type !== 'SecureString' || decrypted === true ? value : createHash('sha256').update(`encrypted ${value}`).digest('base64');

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html */
function requireName(name: string): void {
  if (!/^[a-zA-Z0-9_.\-/]+$/.test(name) || name.includes('//') || (name.length > 1 && name.endsWith('/')))
    throw invalid(
      `Parameter name must not end with slash: only a mix of letters, numbers and the following symbols are allowed: .-_/ (${name})`,
    );
  if (name.includes('/') && !name.startsWith('/'))
    throw invalid('Parameter name must be a fully qualified name. It must begin with a forward slash.');
  if (/^\/?(aws|ssm)/i.test(name))
    throw invalid(
      'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_',
    );
  if (name.split('/').length > 16)
    throw new ServiceError('HierarchyLevelLimitExceededException', `The hierarchy of ${name} is deeper than fifteen levels.`);
}

/** @throws ServiceError InvalidAllowedPatternException */
function expression(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch {
    throw new ServiceError('InvalidAllowedPatternException', `The allowed pattern is no regular expression: ${pattern}`);
  }
}
