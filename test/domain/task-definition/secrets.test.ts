import { describe, expect, it } from 'vitest';
import { carriesSecret, looksSecret } from '../../../domain/task-definition/secrets.ts';

/** Put together, so that no scanner of this repository takes them for real. */
const joined = (...texts: string[]) => texts.join('');
const LETTERS = 'aB3dE5gH1jK7mN9pQ2sT4vW6yZ8bC0eF1hJ3';

describe('a variable', () => {
  const secret: [string, string][] = [
    ...['DB_PASS', 'DBPASS', 'MYSQL_PWD', 'PGPASSWORD', 'PASSWORD_1', 'MASTER_PASSWORD_OLD', 'PASSPHRASE', 'SECRETS', 'CLIENT_SECRET'].map(
      (name): [string, string] => [name, 'hunter2'],
    ),
    ...['TOKEN2', 'clientSecret', 'auth-token', 'spring.datasource.password', 'APIKEY', 'API_KEYS', 'ACCESS_KEY', 'SIGNING_KEY'].map(
      (name): [string, string] => [name, 'hunter2'],
    ),
    ['PASSWORD', '123456'],
    ['X', joined('ASIA', 'IOSFODNN7EXAMPLE')],
    ['X', joined('-----BEGIN EC ', 'PRIVATE KEY-----\nMHc')],
    ['X', joined('ghp_', LETTERS)],
    ['X', joined('github_pat_', LETTERS)],
    ['X', joined('glpat-', LETTERS)],
    ['X', joined('npm_', LETTERS)],
    ['X', joined('AIza', LETTERS)],
    ['X', joined('xoxb', '-123-abc')],
    ['X', joined('sk_live', '_', LETTERS)],
    ['X', joined('SG', '.', LETTERS, '.', LETTERS)],
    ['X', joined('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiIxMjM0NTY3ODkwIn0', '.abc')],
    ['X', joined('https://hooks.slack', '.com/services/T0/B0/x')],
    ['ALERTS', joined('https://discord', '.com/api/webhooks/1000/', LETTERS)],
    ['ALERTS', joined('https://acme.webhook', '.office.com/webhookb2/', LETTERS)],
    ['ALERTS', joined('https://api.telegram', '.org/bot1000:', LETTERS)],
    ['APP_KEY', joined('base64:', LETTERS, 'AAAAAAA=')],
    ['X', 'redis://:hunter2@cache.example.com:6379'],
    ['X', 'https://example.com/webhook?id=7&token=hunter2'],
    ['HEADERS', 'api-key=hunter2,x=1'],
    ['HEADERS', `Authorization: Bearer ${LETTERS}`],
    ['JAVA_OPTS', '-Xmx512m -Djavax.net.ssl.trustStorePassword=hunter2'],
    ['X', `${LETTERS}${LETTERS.toLowerCase()}`],
  ];
  for (const [name, value] of secret)
    it(`${name}=${value.slice(0, 24).replaceAll('\n', ' ')} is a secret`, () => expect(looksSecret(name, value)).toBe(true));

  const harmless: [string, string][] = [
    ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    ['PWD', '/app'],
    ['NODE_OPTIONS', '--enable-source-maps --max-old-space-size=384'],
    ['JAVA_OPTS', '-Xmx512m -Dspring.profiles.active=test -XX:+UseG1GC'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'service.name=orders,deployment.environment=test'],
    ['QUEUE_URL', 'https://sqs.eu-central-1.amazonaws.com/111111111111/orders'],
    ['TABLE', 'arn:aws:dynamodb:eu-central-1:111111111111:table/orders'],
    ['REQUEST', '3f2504e0-4f89-11d3-9a0c-0305e82c3301'],
    ['COMMIT', 'cf7edb2a4d1a5cf7edb2a4d1a5cf7edb2a4d1a51'],
    ['IMAGE', `sha256:${'0123456789abcdef'.repeat(4)}`],
    ['BROKERS', 'b-1.acme.example.com:9092,b-2.acme.example.com:9092'],
    ['HANDLER', 'com.example.orders.internal.ConfigurationServiceFactoryBean2'],
    ['FEATURES', 'NewCheckout2,FastSearch,RecommendationsV3,DarkMode'],
    ['PUBLIC_KEY', joined('MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A', LETTERS)],
    ['DATABASE_URL', 'postgres://app@db.example.com:5432/orders'],
    ['DATABASE_URL', 'postgres://app:$DB_PASSWORD@db.example.com/orders'],
    ['DATABASE_URL', `postgres://app:\${DB_PASSWORD}@db.example.com/orders`],
    ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '/v2/credentials'],
    ['CREDENTIALS_PROVIDER', 'instance'],
    ['TOKEN_LIFETIME', '3600'],
    ['PASSWORD_RESET_PAGE', 'https://www.example.com/account/reset'],
    ['PASSWORD_MAX_AGE', '90'],
    ['PASSWORD_POLICY', 'strict'],
    ['PASSWORD_MIN_LENGTH', '12'],
    ['PASSWORD_RESET_URL', 'https://example.com/reset'],
    ['SECRET_ARN', 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:acme/test/x'],
    ['TOKEN_ENDPOINT', 'https://login.example.com/oauth2/token'],
    ['API_KEY_HEADER', 'x-api-key'],
    ['API_KEY_REQUIRED', '1'],
    ['AUTH_TOKEN_COOKIE', 'sid'],
    ['MAX_TOKENS', '4096'],
    ['TOKENIZER', 'bpe'],
    ['BYPASS_CACHE', '1'],
    ['COMPASS', 'north'],
    ['PASSIVE_MODE', 'on'],
    ['USE_TOKEN', 'true'],
    ['PASSWORD', ''],
  ];
  for (const [name, value] of harmless) it(`${name}=${value.slice(0, 24)} is none`, () => expect(looksSecret(name, value)).toBe(false));
});

describe('a command', () => {
  const carries = (words: readonly string[]) => words.some((word, index) => carriesSecret(word, words[index - 1]));
  const secret = [
    ['--password=hunter2'],
    ['--password', 'hunter2'],
    ['-Dspring.datasource.password=hunter2'],
    ['sh', '-c', 'export TOKEN=hunter2; run'],
    ['sh', '-c', "PGPASSWORD='hunter2' psql"],
    ['curl', '-H', `Authorization: Bearer ${LETTERS}`],
    ['{"apiKey":"hunter2"}'],
    ['{"apiKey": "hunter2"}'],
  ];
  for (const words of secret) it(`${words.join(' ').slice(0, 40)} carries a secret`, () => expect(carries(words)).toBe(true));

  const harmless = [
    ['--tokens', '4096'],
    ['--token', '$TOKEN'],
    ['--token-ttl=3'],
    ['--password', '--user'],
    ['--password-file=/run/secrets/x'],
    ['sh', '-c', 'TOKEN=$(cat /run/secrets/token) exec run'],
    ['sh', '-c', `PASSWORD="$PASSWORD" run --secret=\${SECRET}`],
    [`{"token":"\${TOKEN}","port":8080}`],
  ];
  for (const words of harmless) it(`${words.join(' ').slice(0, 40)} carries none`, () => expect(carries(words)).toBe(false));
});
