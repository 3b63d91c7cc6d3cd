/** A service of two resource types to try templates on, and assemblies written to a folder. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '../../../local/core/clock.ts';
import { type ResourceType, type Service, ServiceError } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';

/** Keeps boxes by name: `Test::Box` is updated in place, `Test::Crate` is replaced. */
export class Boxes implements Service {
  readonly operations = {};
  /** Contents by name. */
  readonly boxes = new Map<string, unknown>();
  /** What happened, in order. */
  readonly log: string[] = [];

  private readonly common: ResourceType = {
    properties: ['Name', 'Content', 'Code'],
    inert: ['Tags'],
    create: ({ Name, Content, Code }, context) => {
      const name = Name ?? context.generatedName;
      if (this.boxes.has(name)) throw new ServiceError('BoxAlreadyExists', `there is a box ${name}`);
      this.boxes.set(name, Code === undefined ? Content : context.asset(Code.S3Bucket, Code.S3Key));
      this.log.push(`create ${context.logicalId}`);
      return { ref: name, attributes: { Arn: context.site.arn('boxes', name), 'Lid.Color': 'green' } };
    },
    delete: (before, context) => {
      this.boxes.delete(before.ref);
      this.log.push(`delete ${context.logicalId}`);
    },
  };

  readonly resources: Readonly<Record<string, ResourceType>> = {
    'Test::Box': {
      ...this.common,
      update: ({ Content }, before, context) => {
        this.boxes.set(before.ref, Content);
        this.log.push(`update ${context.logicalId}`);
        return before;
      },
    },
    'Test::Crate': this.common,
  };
}

export function worldOfBoxes(): { world: World; boxes: Boxes } {
  const world = new World(new VirtualClock(0), { boxes: () => new Boxes() });
  return { world, boxes: world.site(ACCOUNT, REGION).find('boxes') as Boxes };
}

/** Writes an assembly of these templates by stack name, each depending on the one before. @returns its folder */
export function assembly(templates: Record<string, object>, assets: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'assembly-'));
  const artifacts: Record<string, object> = {};
  const files: Record<string, object> = {};
  for (const [path, objectKey] of Object.entries(assets)) {
    mkdirSync(join(folder, path));
    files[objectKey] = {
      source: { path, packaging: 'zip' },
      destinations: { d: { bucketName: `assets-\${AWS::AccountId}`, objectKey } },
    };
  }
  const names = Object.keys(templates);
  // Listed last first, so that only dependencies put them in order.
  for (const [index, name] of [...names.entries()].reverse()) {
    writeFileSync(join(folder, `${name}.template.json`), JSON.stringify(templates[name]));
    writeFileSync(join(folder, `${name}.assets.json`), JSON.stringify({ files }));
    artifacts[`${name}.assets`] = { type: 'cdk:asset-manifest', properties: { file: `${name}.assets.json` } };
    artifacts[name] = {
      type: 'aws:cloudformation:stack',
      environment: `aws://${ACCOUNT}/${REGION}`,
      properties: { templateFile: `${name}.template.json` },
      dependencies: [`${name}.assets`, ...names.slice(Math.max(0, index - 1), index)],
    };
  }
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ version: '50.0.0', artifacts }));
  return folder;
}
