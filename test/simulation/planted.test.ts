/** Bugs planted into a copy of the functions, one at a time: each must be caught by the witness, or by a climb that ends otherwise than it should. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Parameters } from '../../aws/ssm.ts';
import { environmentName, functionName, promotionExecution, releaseExecution } from '../../domain/pipeline/names.ts';
import { type Release, shortDigest } from '../../domain/release/release.ts';
import { bundleFunctions } from '../../infra/bundle.ts';
import { functionsFolder } from '../../infra/code.ts';
import { readConfig } from '../../infra/config-file.ts';
import type { CallFault, ObservedCall } from '../../local/core/faults.ts';
import type { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { type Assembly, simulationAssembly } from './assembly.ts';
import { live, simulationConfig } from './history.ts';
import { isOfTheRun, type ReleaseRun, runRelease } from './release-run.ts';

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
const faultsOf = ({ standing, violations }: ReleaseRun, expected: Partial<ReleaseRun['standing']>): string[] => [
  ...violations,
  ...Object.entries(expected).flatMap(([name, value]) => {
    const found = standing[name as keyof ReleaseRun['standing']];
    return found === value ? [] : [`${name} is ${found} instead of ${value}`];
  }),
];

const good = async (assembly: string) =>
  faultsOf(await runRelease({ assembly }), { first: 'superseded', second: 'in-progress', gate: 'build-2', test: 'build-2' });
const bad = async (assembly: string) =>
  faultsOf(await runRelease({ assembly, labels: failing }), { first: 'in-progress', second: 'failed', gate: 'build-1', test: 'build-1' });
const firstAndBad = async (assembly: string) =>
  faultsOf(await runRelease({ assembly, labels: failing, first: true }), { second: 'failed', test: 'nothing' });
const doubled = async (assembly: string) =>
  faultsOf(
    await runRelease({ assembly, plant: ({ world }) => world.faults.addEvent({ match: { source: 'aws.ecr' }, deliver: [0, 30_000] }) }),
    {
      test: 'build-2',
    },
  );

/** A climb in which a Lambda is killed right after a call. */
const killedAfter = (operation: string, caller: string) => async (assembly: string) => {
  const match = (call: ObservedCall) => isOfTheRun(call) && call.operation === operation && call.caller.endsWith(caller);
  const climbed = await runRelease({ assembly, plant: ({ world }) => world.faults.add({ kind: 'kill-after', match }) });
  return faultsOf(climbed, { first: 'superseded', second: 'in-progress', gate: 'build-2', test: 'build-2' });
};

/** A function runs once more with the input of a promotion that is long over, as by a Lambda that stalled. */
const stalled = (file: string, input: (first: Release, local: LocalPipeline) => Promise<object>) => async (assembly: string) => {
  const climbed = await runRelease({
    assembly,
    plant: (local, digest) => {
      const { site, pipeline, ledger } = local;
      const again = async () => {
        const first = (await ledger.release('door', digest))!;
        await site.call(site.service('iam').userPrincipal('rehearsal'), 'lambda', 'Invoke', {
          FunctionName: functionName(pipeline.name, file),
          Payload: new TextEncoder().encode(JSON.stringify(await input(first, local))),
        });
      };
      void again();
    },
  });
  return faultsOf(climbed, { first: 'superseded', second: 'in-progress', gate: 'build-2', test: 'build-2' });
};

/** Yes and no at the same moment: the first to look is the last to write, and is told that it is too late. */
const bothAtOnce = async (assembly: string) => {
  const { story } = await runRelease({
    assembly,
    meanwhile: async (local, digest) => {
      const approval = `beta/door/${shortDigest(digest)}/1`;
      local.world.faults.add({
        kind: 'throttle',
        match: ({ caller, operation }) => caller.endsWith('-decide') && operation === 'TransactWriteItems',
      });
      const both = [
        local.decideAs('lead@example.com', { verb: 'approve', approval, digest }),
        local.decideAs('developer@example.com', { verb: 'reject', approval, digest }),
      ];
      await local.advance(30_000);
      await Promise.all(both);
    },
  });
  const said = ['approved for beta', 'rejected for beta'].filter((words) => story.some((line) => line.includes(words)));
  return said.length === 1 ? [] : [`it was ${said.join(' and ')}`];
};

/** Two ask for a turn at once: the first to look is the last to write. */
const rivals = async (assembly: string) => {
  let first: string | undefined;
  const { violations, standing } = await runRelease({
    assembly,
    plant: (local) => {
      local.world.faults.add({
        kind: 'throttle',
        times: 2,
        match: ({ caller, operation, invocation }) => {
          if (!caller.endsWith('-take-turn') || operation !== 'TransactWriteItems') return false;
          first ??= invocation;
          return invocation === first;
        },
      });
      void local.push({ repository: 'door', tag: 'build-3', message: 'change 3', author: 'developer@example.com' });
    },
  });
  // Whoever believes to have the turn, and has it no more, is kept from deploying by its fence, and fails.
  return standing.second === 'failed' ? [...violations, 'both had the turn'] : violations;
};

const lostAnswer: CallFault = {
  kind: 'kill-before',
  match: ({ caller, operation }) => caller.endsWith('-complete-promotion') && operation === 'SendTaskSuccess',
};

/** A newer release deploys when the second comes to wait for its turn; with a fault, perhaps. */
const queued =
  (fault?: CallFault) =>
  async (assembly: string): Promise<readonly string[]> => {
    const climbed = await runRelease({
      assembly,
      plant: (local) => {
        if (fault) local.world.faults.add(fault);
        void local.push({ repository: 'door', tag: 'build-3', message: 'change 3', author: 'developer@example.com' });
      },
    });
    return faultsOf(climbed, { second: 'superseded', test: 'build-3' });
  };

/** Somebody deploys what ran before, by hand, while the second release is being deployed. */
const overtaken = async (assembly: string): Promise<readonly string[]> => {
  const run = await runRelease({
    assembly,
    plant: (local) => {
      const [cluster, service] = [environmentName(local.pipeline.name, 'test'), 'door'];
      const call = <Output>(operation: string, input: object) =>
        local.clock.hold(local.site.call<Output>(local.site.service('iam').userPrincipal('rehearsal'), 'ecs', operation, input));
      const before = call<{ services?: { taskDefinition: string }[] }>('DescribeServices', { cluster, services: [service] });
      const byHand = async () => {
        const { services = [] } = await before;
        return call('UpdateService', { cluster, service, taskDefinition: services[0]?.taskDefinition });
      };
      local.onJournal(({ event, environment }) => {
        if (event === 'deploying' && environment === 'test') local.clock.after(3_000, 'somebody deploys by hand', () => void byHand());
      });
    },
  });
  return faultsOf(run, { second: 'failed', test: 'build-1' });
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
    file: 'domain/task-definition/rendering.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code.
    right: "@${release?.digest ?? ''}",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code.
    wrong: ":${release?.tag ?? ''}",
    caught: good,
  },
  {
    what: 'the superseded question is left open',
    file: 'functions/request-approval.ts',
    right: 'ask(taken, outbox.write(before.token, dead, now())))) continue;\n      await outbox.send(before.token, dead);',
    wrong: 'ask(taken))) continue;',
    caught: good,
  },
  {
    what: 'the ledger does not learn which revision runs',
    file: 'functions/complete-promotion.ts',
    right: '[...running, ...services]',
    wrong: '[...running]',
    caught: good,
  },
  {
    what: 'the manifest does not learn what runs',
    file: 'functions/complete-promotion.ts',
    right: '[...running, ...services]',
    wrong: '[...services]',
    caught: good,
  },
  {
    what: 'a rollback believes that it is done before it has begun',
    file: 'functions/roll-back.ts',
    right: "case 'failed':",
    wrong: "case 'succeeded':\n    case 'failed':",
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
      const climbed = await runRelease({ assembly, plant: ({ world }) => world.faults.add({ kind: 'kill-after', match }) });
      const late = climbed.calls.some(
        ({ caller, time }) => caller.endsWith('-deploy-services') && time - (climbed.calls[0]?.time ?? 0) > 10 * 60_000,
      );
      return late ? ['only the timeout found out'] : [];
    },
  },
  {
    what: 'whoever wrote it may approve it',
    file: 'domain/approval/approval.ts',
    right: 'if (rule.notAuthor) {',
    wrong: 'if (false) {',
    caught: histories([7]),
  },
  {
    what: 'a deployment does not ask whether it still has its turn',
    file: 'functions/deploy-services.ts',
    right: 'turns.assertHeld(turn, environment, promotion, fence);',
    wrong: 'void turn;',
    caught: stalled('deploy-services', lateDeployment),
  },
  {
    what: 'a fence of long ago is as good as today’s',
    file: 'aws/turns.ts',
    right: "turn.holder?.ticket.id === ticket && turn.holder.phase === 'held' && turn.fence === fence",
    wrong: 'fence > 0',
    caught: stalled('deploy-services', lateDeployment),
  },
  {
    what: 'a teardown does not ask whether it still has its turn',
    file: 'functions/teardown-environment.ts',
    right: 'await turns.assertEnvironmentTurn(environment.name, execution, fence);',
    wrong: 'void [turns, fence];',
    caught: stalled('teardown-environment', async () => ({
      act: 'services',
      environment: 'test',
      execution: 'a night long ago',
      fence: 1,
    })),
  },
  {
    what: 'a gate is overwritten by whoever looked at it before',
    file: 'aws/ledger.ts',
    right: 'when: before === undefined ? isAbsent : has({ version: before.version, approval: before.approval }),',
    wrong: '',
    caught: bothAtOnce,
  },
  {
    what: 'a turn is written whoever has written it since',
    file: 'aws/turns.ts',
    right: 'item: marked(name, group, item), when: asSeen(expect) }',
    wrong: 'item: marked(name, group, item) }',
    caught: rivals,
  },
  {
    what: 'the newest deployment of a service is taken for ours',
    file: 'aws/ecs.ts',
    right: 'return asked && older.length === 0 ? seen(newest) : await this.ours([newest, ...older], wanted);',
    wrong: 'return seen(newest);',
    caught: overtaken,
  },
  {
    what: 'the revision of a deployment is not compared',
    file: 'aws/ecs.ts',
    right: 'const index = deployments.findIndex((one) => deployed(one) === taskDefinition);',
    wrong: 'const index = deployments.findIndex((one) => deployed(one) !== undefined);',
    caught: overtaken,
  },
  {
    what: 'a turn is given on without a note of the answer',
    file: 'aws/turns.ts',
    right: 'return this.table.transact([{ key, item, when }, ...answers]);',
    wrong: 'return void answers, this.table.put(key, item, when);',
    caught: queued(lostAnswer),
  },
];

/** What the steps of that promotion were told of test. */
async function placeIn(local: LocalPipeline): Promise<object> {
  return { services: ['door'], ...(await new Parameters(local.connection()).foundation(local.pipeline.name, 'test', ['door'])) };
}

async function lateDeployment(release: Release, local: LocalPipeline): Promise<object> {
  return { ...late(release), place: await placeIn(local), fence: 1, token: 'nobody waits for it' };
}

/** The promotion of a release into test, as its steps are told of it. */
function late(release: Release): object {
  const { repository, digest, tag, order, pushedAt } = release;
  const execution = releaseExecution(repository, digest, 1);
  const of = { repository, digest, tag, order, pushedAt };
  return { promotion: promotionExecution('test', execution), environment: 'test', stage: 'test', releaseRun: execution, release: of };
}

describe('what catches a bug', () => {
  let assembly: Assembly;
  beforeAll(async () => {
    assembly = await simulationAssembly();
  });
  afterAll(() => assembly.remove());

  it.each([
    ['a stalled deployment', stalled('deploy-services', lateDeployment)],
    [
      'a stalled teardown',
      stalled('teardown-environment', async () => ({ act: 'services', environment: 'test', execution: 'x', fence: 1 })),
    ],
    ['yes and no at once', bothAtOnce],
    ['two who ask for a turn at once', rivals],
    ['a queue whose answer is lost', queued(lostAnswer)],
    ['a deployment by hand', overtaken],
  ])('finds nothing where there is none: %s', async (_, caught) => {
    expect(await caught(assembly.folder)).toEqual([]);
  });
});

describe('a planted bug is caught', () => {
  let sound: Assembly;
  let pipeline: Awaited<ReturnType<typeof readConfig>>;
  /** The file of each function's code in the sound assembly. */
  const files = new Map<string, string>();
  beforeAll(async () => {
    sound = await simulationAssembly();
    pipeline = await readConfig(simulationConfig);
    const code = (path: string) => readFileSync(path, 'utf8');
    const places = readdirSync(sound.folder)
      .map((name) => join(name, 'index.js'))
      .filter((path) => existsSync(join(sound.folder, path)));
    const bundles = mkdtempSync(join(tmpdir(), 'shiplock-sound-'));
    for (const [name, folder] of Object.entries(await bundleFunctions(pipeline, functionsFolder, bundles)))
      files.set(name, places.find((path) => code(join(sound.folder, path)) === code(join(folder, 'index.js')))!);
    rmSync(bundles, { recursive: true, force: true });
  });
  afterAll(() => sound.remove());
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
      cpSync(sound.folder, outdir, { recursive: true });
      // Only the code of functions differs: what CDK makes of it needs not be made again.
      for (const [name, bundle] of Object.entries(await bundleFunctions(pipeline, join(folder, 'functions'), join(folder, 'bundles'))))
        cpSync(join(bundle, 'index.js'), join(outdir, files.get(name)!));
      expect(await caught(outdir)).not.toEqual([]);
    },
    120_000,
  );
});
