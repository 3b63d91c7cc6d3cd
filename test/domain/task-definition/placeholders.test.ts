import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fill, PLACEHOLDERS, refusePlaceholders } from '../../../domain/task-definition/placeholders.ts';

const filled = (text: string) => fill(text, { BUILD_VERSION: 'build-7' });
const problems = (container: object, task: object = {}) => {
  const found: string[] = [];
  refusePlaceholders(
    { containerDefinitions: [{ name: 'web', ...container }], ...task },
    (place, message) => void found.push(`${place}: ${message}`),
  );
  return found;
};
const variable = (value: string, ...given: string[]) =>
  problems({ environment: [{ name: 'X', value }, ...given.map((name) => ({ name, value: 'x' }))] });

describe('a text', () => {
  it.each([
    ['v%BUILD_VERSION%-%BUILD_VERSION%', 'vbuild-7-build-7'],
    ['%Y%m%d', '%Y%m%d'],
    ['caf%C3%A9', 'caf%C3%A9'],
    ['%C3%BUILD_VERSION%', '%C3build-7'],
    ['100%%', '100%'],
    ['%%BUILD_VERSION%%', '%BUILD_VERSION%'],
    ['%%%BUILD_VERSION%', '%build-7'],
    ['%H:%M:%S %d.%m.%Y', '%H:%M:%S %d.%m.%Y'],
    ['%E2%82%AC', '%E2%82%AC'],
    ['%APPDATA%', '%APPDATA%'],
  ])('%s is sent as %s', (text, result) => expect(filled(text)).toBe(result));

  it('whose percent signs are all doubled arrives as it was', () =>
    fc.assert(fc.property(fc.string(), (text) => filled(text.replaceAll('%', '%%')) === text)));
});

it('every placeholder that is named is filled, and no problem', () => {
  const values = Object.fromEntries(PLACEHOLDERS.map((name) => [name, 'x']));
  for (const name of PLACEHOLDERS) {
    expect(fill(`%${name}%`, values)).toBe('x');
    expect(variable(`%${name}%`)).toEqual([]);
  }
});

describe('what is no placeholder', () => {
  it.each([
    '%Y%m%d',
    'caf%C3%A9',
    'a%20b',
    '%E2%82%AC',
    '100%',
    '%%APPDATA%%',
    '%d%%',
    'a < b > c',
    'Anna <anna@example.com>',
    '$TAG',
    '<b>bold</b>',
  ])('%s passes in a variable', (value) => expect(variable(value)).toEqual([]));

  it('passes in a command, where a shell puts it in', () => {
    const line = `for f in *; do sort < "\${f}" > "\${f}.out"; done; exec serve \${PORT:-8080}`;
    expect(
      problems({ command: ['sh', '-c', line], entryPoint: [`\${RUNNER}`], healthCheck: { command: ['CMD-SHELL', `curl \${HOST}`] } }),
    ).toEqual([]);
  });

  it('passes where the container has a variable or secret of that name, or ECS gives one', () => {
    expect(variable(`http://\${HOST}:8080/\${AWS_REGION}`, 'HOST')).toEqual([]);
    expect(problems({ environment: [{ name: 'X', value: `a:\${PASSWORD}@b` }], secrets: [{ name: 'PASSWORD', valueFrom: '/a' }] })).toEqual(
      [],
    );
  });

  it('passes in an image, which is replaced, in the family, and as Docker’s own among log options', () =>
    expect(
      problems(
        { image: `\${IMAGE}`, logConfiguration: { logDriver: 'splunk', options: { tag: '{{.Name}}/{{.ID}}' } } },
        { family: '{{ app }}' },
      ),
    ).toEqual([]));
});

describe('a placeholder that nothing fills', () => {
  it.each([
    [
      '%VERSION%',
      'keeps the placeholder %VERSION%, which nothing fills; known is %BUILD_VERSION%, and a percent sign itself is written %%',
    ],
    ['%BUILD_VERSION%%COMMIT%', 'keeps the placeholder %COMMIT%'],
    [`\${ENV}`, `\${ENV} looks like a placeholder of another tool`],
    [
      'https://<ENVIRONMENT>.example.com/<STAGE>',
      '<ENVIRONMENT>, <STAGE> look like placeholders of another tool, and nothing fills them here; write the values',
    ],
    ['{{ env }}', '{{ env }} looks like a placeholder'],
    ['{{.Values.host}}', '{{.Values.host}} looks like a placeholder'],
  ])('%s is a problem in a variable, said once, with its place', (value, text) => {
    expect(variable(value)).toEqual([expect.stringContaining(`containerDefinitions[0].environment.X: ${text}`)]);
  });

  it('is one in a command where no shell has such a thing', () => {
    expect(problems({ command: ['serve', '--env', '<ENVIRONMENT>'] })).toEqual([expect.stringContaining('command[2]: <ENVIRONMENT>')]);
    expect(problems({ command: ['serve', '{{ env }}'] })).toEqual([expect.stringContaining('command[1]: {{ env }}')]);
    expect(problems({ command: ['serve', '%VERSION%'] })).toEqual([expect.stringContaining('command[1]: keeps the placeholder %VERSION%')]);
  });

  it('is one in whatever case where ECS reads names', () =>
    expect(
      problems(
        { secrets: [{ name: 'A', valueFrom: 'arn:aws:ssm:<your region>:1:x' }] },
        { taskRoleArn: 'arn:aws:iam::<account>:role/x', cpu: `\${CPU}` },
      ),
    ).toEqual([
      expect.stringContaining('taskRoleArn: <account> looks'),
      expect.stringContaining(`cpu: \${CPU} looks`),
      expect.stringContaining('containerDefinitions[0].secrets.A: <your region> looks'),
    ]));
});
