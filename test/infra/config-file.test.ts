/** A configuration that cannot even be read is said with its place, like everything else that is wrong in it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../infra/config-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'shiplock-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let number = 0;
async function problem(text: string): Promise<string> {
  const file = join(folder, `shiplock${++number}.config.mjs`);
  writeFileSync(file, text);
  const error = await readConfig(file).catch((caught: Error) => caught);
  expect(error).toMatchObject({ name: 'ConfigError' });
  return (error as Error).message.replace(`shiplock${number}.config.mjs`, 'config');
}

describe('a configuration file', () => {
  it('that throws is told with the line', async () => {
    expect(await problem("\n\nthrow new Error('no account given');\n")).toBe('config:3: no account given');
    expect(await problem('export default {\n  name: nowhere,\n};\n')).toBe('config:2: ReferenceError: nowhere is not defined');
  });

  it('that imports what is not there says what', async () => {
    expect(await problem("import './nothing.mjs';\n")).toMatch(/^config: .*nothing\.mjs/);
  });

  it.each(['', 'export const pipeline = {};', 'export default 7;', 'export default null;'])(
    'that exports no pipeline says so: %j',
    async (text) => {
      expect(await problem(text)).toBe('config: exports no pipeline; write `export default definePipeline({ … })`');
    },
  );
});
