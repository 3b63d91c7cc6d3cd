/**
 * The CDK app: `npx cdk synth`. Which pipeline it is says the context or environment variable SHIPLOCK_CONFIG,
 * by default the example.
 */
import { App } from 'aws-cdk-lib';
import { checkRules } from './acknowledgements.ts';
import { readConfig } from './config-file.ts';
import { addStacks, context } from './stacks.ts';

const app = new App({ analyticsReporting: false, context });
const config =
  (app.node.tryGetContext('SHIPLOCK_CONFIG') as string | undefined) ?? process.env.SHIPLOCK_CONFIG ?? 'examples/acme/shiplock.config.ts';
checkRules(app);
await addStacks(app, await readConfig(config));
app.synth();
