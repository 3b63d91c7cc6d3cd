/** Bugs planted into a copy of the functions, one at a time: each must be caught by the witness, or by a climb that ends otherwise than it should. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { synthesise } from '../../infra/synthesis.ts';
import type { ObservedCall } from '../../local/core/faults.ts';
import './assembly.ts';
import { type Climbed, climb, isOfTheClimb } from './climb.ts';
import { live, simulationConfig } from './history.ts';

const root = resolve(import.meta.dirname, '../..');
const failing = { 'local.aws.responses': '{"/smoke":500}' };

interface Bug {
  readonly what: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
  /** @returns what was found; nothing means that the bug was not caught */
  readonly caught: (assembly: string) => Promise<readonly string[]>;
}

/** What is wrong with a climb that should have gone well, or been rolled back. */
const faultsOf = ({ standing, violations }: Climbed, expected: Partial<Climbed['standing']>): string[] => [
  ...violations,
  ...Object.entries(expected).flatMap(([name, value]) => {
    const found = standing[name as keyof Climbed['standing']];
    return found === value ? [] : [`${name} is ${found} instead of ${value}`];
  }),
];

const good = async (assembly: string) =>
  faultsOf(await climb({ assembly }), { first: 'superseded', second: 'climbing', gate: 'build-2', test: 'build-2' });
const bad = async (assembly: string) =>
  faultsOf(await climb({ assembly, labels: failing }), { first: 'climbing', second: 'failed', gate: 'build-1', test: 'build-1' });
const firstAndBad = async (assembly: string) =>
  faultsOf(await climb({ assembly, labels: failing, first: true }), { second: 'failed', test: 'nothing' });
const doubled = async (assembly: string) =>
  faultsOf(await climb({ assembly, plant: ({ world }) => world.faults.addEvent({ match: { source: 'aws.ecr' }, deliver: [0, 30_000] }) }), {
    test: 'build-2',
  });

/** A climb in which a Lambda is killed right after a call. */
const killedAfter = (operation: string, caller: string) => async (assembly: string) => {
  const match = (call: ObservedCall) => isOfTheClimb(call) && call.operation === operation && call.caller.endsWith(caller);
  const climbed = await climb({ assembly, plant: ({ world }) => world.faults.add({ kind: 'kill-after', match }) });
  return faultsOf(climbed, { first: 'superseded', second: 'climbing', gate: 'build-2', test: 'build-2' });
};

/** Random histories, until one catches it. */
const histories = (seeds: readonly number[]) => async (assembly: string) => {
  for (const seed of seeds) {
    const { violations } = await live(seed, assembly);
    if (violations.length > 0) return violations;
  }
  return [];
};

const bugs: readonly Bug[] = [
  {
    what: 'task definitions name a tag, which may move',
    file: 'domain/render.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code.
    right: '@${release.digest}',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code.
    wrong: ':${release.tag}',
    caught: good,
  },
  {
    what: 'the superseded question is left open',
    file: 'functions/request-approval.ts',
    right: 'transact([taken, outbox.write(before.token, dead, now())]))) continue;\n      await outbox.send(before.token, dead);',
    wrong: 'transact([taken]))) continue;',
    caught: good,
  },
  {
    what: 'the ledger does not learn which revision runs',
    file: 'functions/complete-promotion.ts',
    right:
      "await ledger.putService({ environment, service, state: 'running', taskDefinition, promotion, ...routed(pipeline.services[service]) });",
    wrong: 'void [routed, pipeline, service, taskDefinition];',
    caught: good,
  },
  {
    what: 'the manifest does not learn what runs',
    file: 'functions/complete-promotion.ts',
    right: 'await ledger.putRunning({ ...member, environment, promotion, since: at, verified: true });',
    wrong: 'void [member, at];',
    caught: good,
  },
  {
    what: 'a rollback believes that it is done before it has begun',
    file: 'functions/roll-back.ts',
    right: "case 'broke':",
    wrong: "case 'held':\n    case 'broke':",
    caught: bad,
  },
  {
    what: 'a first deployment that failed stays in ECS',
    file: 'functions/roll-back.ts',
    right: 'await ecs.delete(cluster, serviceName);',
    wrong: '',
    caught: firstAndBad,
  },
  {
    what: 'a duplicate event climbs once more',
    file: 'functions/on-image-push.ts',
    right: 'releaseExecution(name, digest, start.attempt)',
    wrong: 'releaseExecution(name, digest, Date.now() % 1_000_000)',
    caught: doubled,
  },
  {
    what: 'the token is stored after ECS was asked',
    file: 'functions/deploy-services.ts',
    right: 'await ledger.putWait(wait);',
    wrong: 'void wait;',
    caught: killedAfter('UpdateService', '-deploy'),
  },
  {
    what: 'an event that comes again does not answer what its first handler could not',
    file: 'functions/on-ecs-event.ts',
    right: 'if (wait === undefined) continue;',
    wrong: "if (wait?.state !== 'open') continue;",
    caught: async (assembly) => {
      const match = (call: ObservedCall) => call.operation === 'UpdateItem' && call.caller.endsWith('-on-ecs-event');
      const climbed = await climb({ assembly, plant: ({ world }) => world.faults.add({ kind: 'kill-after', match }) });
      const late = climbed.calls.some(
        ({ caller, time }) => caller.endsWith('-deploy-services') && time - (climbed.calls[0]?.time ?? 0) > 10 * 60_000,
      );
      return late ? ['only the timeout found out'] : [];
    },
  },
  {
    what: 'whoever wrote it may approve it',
    file: 'domain/approval.ts',
    right: 'if (rule.notAuthor) {',
    wrong: 'if (false) {',
    caught: histories([7]),
  },
];

describe('a planted bug is caught', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  it.each(bugs)(
    '$what',
    async ({ file, right, wrong, caught }) => {
      const folder = mkdtempSync(join(tmpdir(), 'shiplock-planted-'));
      folders.push(folder);
      for (const part of ['functions', 'aws', 'domain']) cpSync(join(root, part), join(folder, part), { recursive: true });
      const path = join(folder, file);
      const text = readFileSync(path, 'utf8');
      expect(text, `${file} does not hold what the bug replaces`).toContain(right);
      writeFileSync(path, text.replace(right, wrong));
      const outdir = join(folder, 'assembly');
      await synthesise({ config: simulationConfig, outdir, functionsFolder: join(folder, 'functions') });
      expect(await caught(outdir)).not.toEqual([]);
    },
    120_000,
  );
});
