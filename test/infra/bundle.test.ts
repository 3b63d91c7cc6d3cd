import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleFunctions } from '../../infra/bundle.ts';
import { codeOf, functionNames, functionsFolder } from '../../infra/code.ts';
import { Kept } from '../../infra/kept.ts';
import { pipeline } from './pipelines.ts';

const base = mkdtempSync(join(tmpdir(), 'bundle-test-'));
const temporary = (name: string) => mkdtempSync(join(base, `${name}-`));
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('the bundles of our functions', () => {
  let folders: Record<string, string>;
  beforeAll(async () => {
    folders = await bundleFunctions(pipeline(), functionsFolder, temporary('bundles'));
  }, 30_000);

  it('are one each, at most 350 KB, with the pipeline beside them and nothing else', () => {
    expect(Object.keys(folders)).toEqual(functionNames(functionsFolder));
    for (const [name, folder] of Object.entries(folders)) {
      expect(readdirSync(folder).sort(), name).toEqual(['index.js', 'pipeline.json']);
      expect(statSync(join(folder, 'index.js')).size / 1024, name).toBeLessThanOrEqual(350);
      expect(JSON.parse(readFileSync(join(folder, 'pipeline.json'), 'utf8')), name).toEqual(pipeline());
    }
  });

  it('are the same bytes wherever they are made, so that an unchanged function gets no new version', async () => {
    const elsewhere = temporary('elsewhere');
    // None of them is there yet: they are compiled now.
    const again = await codeOf(functionsFolder, new Kept(elsewhere, 100));
    for (const [name, folder] of Object.entries(folders))
      expect(readFileSync(again.get(name)!).equals(readFileSync(join(folder, 'index.js'))), name).toBe(true);
  }, 30_000);
});

describe('what is left out of the SDK', () => {
  /** Answers of a service, in turn. */
  let answers: { status: number; body: object }[] = [];
  const seen: { authorization?: string | undefined; target?: string | string[] | undefined }[] = [];
  const server = createServer((request, response) => {
    seen.push({ authorization: request.headers.authorization, target: request.headers['x-amz-target'] });
    const { status, body } = answers.shift() ?? { status: 500, body: {} };
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
  let call: (input: object) => Promise<unknown>;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const source = temporary('source');
    writeFileSync(
      join(source, 'look.ts'),
      `import { DescribeImagesCommand, ECRClient, ImageNotFoundException } from '@aws-sdk/client-ecr';
       const client = new ECRClient({ endpoint: '${endpoint}', region: 'eu-central-1' });
       export const handler = async (input) => {
         try { return { output: await client.send(new DescribeImagesCommand(input)) }; }
         catch (error) { return { name: error.name, message: error.message, known: error instanceof ImageNotFoundException, fault: error.$fault }; }
       };`,
    );
    const { look = '' } = await bundleFunctions(pipeline(), source, temporary('bundles'));
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' });
    call = createRequire(import.meta.url)(join(look, 'index.js')).handler;
  }, 30_000);
  afterAll(() => {
    server.close();
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) delete process.env[name];
  });

  it('is no operation: what is asked and answered arrives whole, signed with the credentials of the environment', async () => {
    answers = [{ status: 200, body: { imageDetails: [{ imageDigest: 'sha256:1', imageTags: ['a'], imagePushedAt: 1_795_000_000 }] } }];
    const { output } = (await call({ repositoryName: 'orders' })) as { output: { imageDetails: { imagePushedAt: Date }[] } };
    expect(output.imageDetails[0]).toMatchObject({ imageDigest: 'sha256:1', imageTags: ['a'] });
    expect(output.imageDetails[0]?.imagePushedAt.getTime()).toBe(1_795_000_000_000);
    expect(seen.at(-1)?.target).toBe('AmazonEC2ContainerRegistry_V20150921.DescribeImages');
    expect(seen.at(-1)?.authorization).toContain('Credential=AKIDEXAMPLE/');
  });

  it('is no error that our code names', async () => {
    answers = [{ status: 400, body: { __type: 'ImageNotFoundException', message: 'no such image' } }];
    expect(await call({ repositoryName: 'orders' })).toEqual({
      name: 'ImageNotFoundException',
      message: 'no such image',
      known: true,
      fault: 'client',
    });
  });

  it('leaves other errors their name and message', async () => {
    answers = [{ status: 400, body: { __type: 'UploadNotFoundException', message: 'no such upload' } }];
    expect(await call({ repositoryName: 'orders' })).toEqual({
      name: 'UploadNotFoundException',
      message: 'no such upload',
      known: false,
      fault: 'client',
    });
  });

  it('leaves throttles to be tried again', async () => {
    answers = [
      { status: 400, body: { __type: 'ThrottlingException', message: 'slow down' } },
      { status: 200, body: { imageDetails: [] } },
    ];
    expect(await call({ repositoryName: 'orders' })).toMatchObject({ output: { imageDetails: [] } });
  });
});
