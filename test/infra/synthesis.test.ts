import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acknowledgements, checkRules } from '../../infra/acknowledgements.ts';
import { readConfig } from '../../infra/config-file.ts';
import { Kept } from '../../infra/kept.ts';
import { addStacks, context } from '../../infra/stacks.ts';
import { assemblyOf, synthesise, synthesisePipeline } from '../../infra/synthesis.ts';
import { bootAssembly, type Stacks } from '../../local/cloudformation/index.ts';
import { VirtualClock } from '../../local/core/clock.ts';
import { World } from '../../local/core/world.ts';
import { factories } from '../../local/services/index.ts';
import { emptyFunctions, pipeline as small } from './pipelines.ts';

const root = dirname(dirname(import.meta.dirname));
const config = join(root, 'examples/acme/shiplock.config.ts');
const folder = mkdtempSync(join(tmpdir(), 'acme-'));

beforeAll(async () => {
  await synthesise({ config, outdir: folder });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the assembly of the example', () => {
  it('boots local AWS, every resource of it, and a second deployment of the same changes nothing', async () => {
    const world = new World(new VirtualClock(Date.parse('2026-11-23T05:00:00Z')), factories);
    const stacks: Stacks = await bootAssembly(world, folder);
    const declared = templates(folder).flatMap(([, { Resources }]) => Object.keys(Resources));
    expect(stacks.resources).toHaveLength(declared.length);
    expect(await stacks.deploy(folder)).toEqual([]);
    expect(String(stacks.outputs('AcmePipeline')?.DecideAt)).toMatch(/^https:\/\/\w+\.lambda-url\.eu-central-1\.on\.aws\/$/);
  });

  it('updates a running world in place when the configuration has changed, and keeps the versions that were published', async () => {
    const world = new World(new VirtualClock(Date.parse('2026-11-23T05:00:00Z')), factories);
    const stacks = await bootAssembly(world, folder);
    const changed = mkdtempSync(join(tmpdir(), 'changed-'));
    await synthesisePipeline({ ...(await readConfig(config)), sweepMinutes: 7 }, changed);
    const changes = await stacks.deploy(changed);
    const kinds = (kind: string) => new Set(changes.filter(({ change }) => change === kind).map(({ type }) => type));
    // Definitions name version ARNs, so they change with them.
    expect(kinds('updated')).toEqual(new Set(['AWS::Lambda::Function', 'AWS::StepFunctions::StateMachine', 'AWS::Scheduler::Schedule']));
    expect(kinds('created')).toEqual(new Set(['AWS::Lambda::Version']));
    expect(kinds('kept')).toEqual(new Set(['AWS::Lambda::Version']));
    expect([...kinds('replaced'), ...kinds('deleted')]).toEqual([]);
    rmSync(changed, { recursive: true });
  }, 60_000);

  it('is taken as it is when it is there already', async () => {
    const before = readFileSync(join(folder, 'manifest.json'), 'utf8');
    const { pipeline, stacks } = await synthesise({ config, outdir: folder, reuse: true });
    expect(pipeline.name).toBe('acme');
    expect(stacks).toContain('AcmePipeline');
    expect(readFileSync(join(folder, 'manifest.json'), 'utf8')).toBe(before);
  });

  it('is made once for the same pipeline and code, and again when one of them has changed', async () => {
    const kept = new Kept(mkdtempSync(join(tmpdir(), 'assemblies-')), 10);
    const functions = emptyFunctions();
    const first = await assemblyOf(small(), functions, kept);
    const made = statSync(join(first.folder, 'manifest.json')).mtimeMs;
    expect(await assemblyOf(small(), functions, kept)).toEqual(first);
    expect(statSync(join(first.folder, 'manifest.json')).mtimeMs).toBe(made);
    const other = await assemblyOf({ ...small(), sweepMinutes: 7 }, functions, kept);
    writeFileSync(join(functions, 'sweep.ts'), 'export const handler = async () => "sweeps";');
    const changed = await assemblyOf(small(), functions, kept);
    expect(new Set([first.folder, other.folder, changed.folder]).size).toBe(3);
    const code = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('index.js'));
    const texts = code(changed.folder).map((name) => readFileSync(join(changed.folder, name), 'utf8'));
    expect(texts.filter((text) => text.includes('"sweeps"'))).toHaveLength(1);
    rmSync(kept.folder, { recursive: true });
  }, 60_000);
});

describe('cdk synth', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'cdk-'));
  let output = '';
  beforeAll(async () => {
    // No credentials, no network: whoever needs either fails on these.
    const env = { ...process.env, AWS_EC2_METADATA_DISABLED: 'true', HTTPS_PROXY: 'http://127.0.0.1:9', AWS_PROFILE: 'nobody' };
    const { stdout, stderr } = await promisify(execFile)('npx', ['cdk', 'synth', '--strict', '--no-notices', '-q', '-o', outdir], {
      cwd: root,
      env,
    });
    output = stdout + stderr;
  }, 120_000);

  it('passes every check of templates and of AwsSolutions, strictly and offline', () => {
    expect(output).toContain('Successfully synthesized');
  });

  it('writes the same templates as the synthesis in this process, but for metadata', () => {
    expect(templates(outdir).map(withoutMetadata)).toEqual(templates(folder).map(withoutMetadata));
    rmSync(outdir, { recursive: true });
  });
});

describe('the rules of AwsSolutions', () => {
  it('find, with nothing acknowledged, exactly what is acknowledged', async () => {
    const outdir = mkdtempSync(join(tmpdir(), 'nag-'));
    const app = new App({
      outdir,
      analyticsReporting: false,
      builtinCloudFormationValidation: false,
      context,
    });
    checkRules(app, []);
    await addStacks(app, await readConfig(config));
    expect(() => app.synth()).toThrow('AwsSolutions');
    const report = readFileSync(join(outdir, 'validation-report.json'), 'utf8');
    const found = new Set([...report.matchAll(/AwsSolutions-[A-Z]+\d+/g)].map(([id]) => id));
    expect([...found].sort()).toEqual(acknowledgements.map(({ id }) => id).sort());
    // With the wildcards of policies, which count as one.
    expect(acknowledgements.length + 1).toBeLessThanOrEqual(10);
    rmSync(outdir, { recursive: true });
  }, 60_000);
});

interface Template {
  readonly Resources: Record<string, { Metadata?: unknown; Type: string }>;
}

const templates = (path: string): [name: string, template: Template][] =>
  readdirSync(path)
    .filter((name) => name.endsWith('.template.json'))
    .sort()
    .map((name) => [name, JSON.parse(readFileSync(join(path, name), 'utf8'))]);

function withoutMetadata([name, template]: [string, Template]): unknown {
  const resources = Object.entries(template.Resources).map(([id, { Metadata: _metadata, ...resource }]) => [id, resource]);
  return [name, { ...template, Resources: Object.fromEntries(resources) }];
}
