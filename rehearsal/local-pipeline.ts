/** A pipeline on local AWS, booted from the synthesised assembly, with people, a registry and time to move. */

import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import type { JournalEntry } from '../domain/ledger/records.ts';
import {
  environmentName,
  foundationParameter,
  functionName,
  journalTable,
  ledgerTable,
  peopleRole,
  stateMachineName,
} from '../domain/pipeline/names.ts';
import type { Foundation, Pipeline } from '../domain/pipeline/pipeline.ts';
import { assemblyFor } from '../infra/synthesis.ts';
import { bootAssembly, deployAssembly, Stacks } from '../local/cloudformation/index.ts';
import { type AccessKey, clientConfig } from '../local/core/client.ts';
import { VirtualClock } from '../local/core/clock.ts';
import type { HttpResponse } from '../local/core/http.ts';
import type { Principal } from '../local/core/service.ts';
import type { Site } from '../local/core/site.ts';
import { World } from '../local/core/world.ts';
import { pushImage, throughInnerDoor } from '../local/registry/push.ts';
import { startRegistry } from '../local/registry/server.ts';
import { factories } from '../local/services/index.ts';
import { MemoryBlobs } from '../local/snapshot/blobs.ts';
import { loadWorld, type SavedWorld, saveWorld } from '../local/snapshot/world.ts';
import { hearChats, openChats, type Post } from './chats.ts';

export interface LocalPipelineOptions {
  /** Path of a `shiplock.config.ts`. */
  readonly config: string;
  /** When the rehearsal begins. Milliseconds since the epoch. */
  readonly start: number;
  /** Same seed, same journal to the byte. @default 1 */
  readonly seed?: number;
  /** Another assembly of the same configuration, with other functions say. @default the one that is kept for it, synthesised if there is none */
  readonly assembly?: string;
  /** Open a port that `docker push` reaches. Without one, pushes stay in this process and happen at one moment of virtual time. @default true */
  readonly port?: boolean;
}

/** An image to push, with what its builder wrote into its labels. */
export interface Push {
  readonly repository: string;
  readonly tag: string;
  readonly commit?: string;
  readonly message?: string;
  readonly author?: string;
  /** Further labels, such as `local.aws.exit-code`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** As an index with an attestation beside the image, as today's builders push. @default false */
  readonly provenance?: boolean;
  /** @default linux/amd64 */
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** What `decide` answered. */
export interface Answer {
  readonly status: number;
  readonly message: string;
  /** What the decision has started. */
  readonly execution?: string;
  /** It was not started but stopped. */
  readonly stopped?: true;
}

const encoder = new TextEncoder();

type RunningRegistry = Awaited<ReturnType<typeof startRegistry>>;

export class LocalPipeline {
  readonly world: World;
  readonly clock: VirtualClock;
  readonly site: Site;
  /** As it was deployed last. */
  pipeline: Pipeline;
  readonly ledger: Ledger;
  readonly journal: Journal;
  /** When the rehearsal began. Milliseconds since the epoch. */
  readonly opened: number;
  /** What was posted to the chats, oldest first. */
  readonly posts: Post[];
  private readonly registry: RunningRegistry | undefined;
  private readonly owner: AccessKey;
  private readonly journalStream: string;
  private readonly stacks: Stacks;
  /** Of the function URL of `decide`. */
  private decideAddress: Promise<string> | undefined;

  private constructor(
    parts: Pick<LocalPipeline, 'world' | 'clock' | 'site' | 'pipeline' | 'posts'> & {
      registry: RunningRegistry | undefined;
      owner: AccessKey;
      journalStream: string;
      stacks: Stacks;
    },
  ) {
    this.world = parts.world;
    this.clock = parts.clock;
    this.site = parts.site;
    this.pipeline = parts.pipeline;
    this.posts = parts.posts;
    this.registry = parts.registry;
    this.owner = parts.owner;
    this.journalStream = parts.journalStream;
    this.opened = this.clock.now();
    this.stacks = parts.stacks;
    this.ledger = new Ledger(ledgerTable(this.pipeline.name), this.connection());
    this.journal = new Journal(journalTable(this.pipeline.name), this.connection());
  }

  /** Boots local AWS from the assembly. */
  static async open(options: LocalPipelineOptions): Promise<LocalPipeline> {
    const { pipeline, folder } = await assemblyFor(options.config, options.assembly);
    const [address] = Object.values(pipeline.sites);
    if (address === undefined) throw new Error('the pipeline has no site');
    const clock = new VirtualClock(options.start);
    const world = new World(clock, factories, options.seed ?? 1);
    const site = world.site(address.account, address.region);
    const stacks = await bootAssembly(world, folder);
    const owner = site.service('iam').user('rehearsal', { everything: allow('*', '*') });
    const registry = options.port === false ? undefined : await startRegistry(site);
    const { Table } = await site.call<{ Table: { LatestStreamArn: string } }>(
      site.service('iam').userPrincipal('rehearsal'),
      'dynamodb',
      'DescribeTable',
      {
        TableName: journalTable(pipeline.name),
      },
    );
    const posts = await openChats(site, site.service('iam').userPrincipal('rehearsal'), pipeline.notifications);
    return new LocalPipeline({ world, clock, site, pipeline, registry, owner, journalStream: Table.LatestStreamArn, posts, stacks });
  }

  /** Goes on in another world, which was loaded from what this one was saved as. @throws UnsavableError, Error for a stage with a port */
  async reopen(): Promise<LocalPipeline> {
    if (this.registry !== undefined) throw new Error('a local pipeline whose registry has a port cannot be opened again');
    const { site, pipeline, posts, owner, journalStream, stacks } = this;
    const blobs = new MemoryBlobs();
    const make = (world: World) => {
      hearChats(world, pipeline.notifications, posts);
      return { stacks: new Stacks(world) };
    };
    const saved = JSON.stringify(saveWorld(this.world, { stacks }, make, blobs));
    const loaded = await loadWorld(JSON.parse(saved) as SavedWorld, make, blobs);
    const { world } = loaded;
    const clock = world.clock as VirtualClock;
    const again = world.site(site.account, site.region);
    return new LocalPipeline({
      world,
      clock,
      site: again,
      pipeline,
      registry: undefined,
      owner,
      journalStream,
      posts,
      stacks: loaded.stacks,
    });
  }

  /** Ends the registry's server. */
  async close(): Promise<void> {
    await this.registry?.close();
    this.site.service('lambda').invocations.retire();
  }

  /** Deploys the pipeline again by another configuration: its stacks are changed in place, what is retained stays. */
  async reconfigure(config: string): Promise<void> {
    const { pipeline, folder } = await assemblyFor(config);
    await deployAssembly(this.stacks, folder);
    this.pipeline = pipeline;
  }

  /** How an SDK client of this process reaches local AWS, as the rehearsal's own user. */
  connection() {
    return clientConfig(this.world, { region: this.site.region, credentials: this.owner });
  }

  /** Pushes a real OCI image over HTTP to the local registry. @returns the digest of what the tag names */
  async push(push: Push): Promise<string> {
    const created = new Date(this.clock.now());
    const labels: Record<string, string> = { 'shiplock.commit.time': created.toISOString(), ...push.labels };
    if (push.commit) labels['org.opencontainers.image.revision'] = push.commit;
    if (push.message) labels['shiplock.commit.message'] = push.message;
    if (push.author) labels['shiplock.commit.author'] = push.author;
    const { authorizationData = [] } = await this.site.call<{ authorizationData?: { authorizationToken?: string }[] }>(
      this.self,
      'ecr',
      'GetAuthorizationToken',
      {},
    );
    const [user = 'AWS', password = ''] = Buffer.from(authorizationData[0]?.authorizationToken ?? '', 'base64')
      .toString('utf8')
      .split(':');
    const { registry } = this;
    const pushed = await this.clock.hold(
      pushImage({
        ...(registry ? { url: registry.url } : { url: `https://${this.site.service('ecr').host}`, send: throughInnerDoor(this.world) }),
        credentials: { user, password },
        repository: push.repository,
        tag: push.tag,
        labels,
        created,
        provenance: push.provenance ?? false,
        ...(push.platform ? { platform: push.platform } : {}),
      }),
    );
    return pushed.indexDigest ?? pushed.digest;
  }

  private get self(): Principal {
    return this.site.service('iam').userPrincipal('rehearsal');
  }

  /** Sends a decision to the function URL, signed by a person with their own identity. A name that the pipeline does not know is a stranger of the same account. */
  async decideAs(email: string, decision: object): Promise<Answer> {
    const host = await this.decideHost();
    const body = JSON.stringify(decision);
    const request = new HttpRequest({
      method: 'POST',
      protocol: 'https:',
      hostname: host,
      path: '/',
      headers: { host, 'content-type': 'application/json' },
      body,
    });
    const signer = new SignatureV4({
      service: 'lambda',
      region: this.site.region,
      credentials: await this.identity(email),
      sha256: Sha256 as never,
    });
    const signed = await signer.sign(request, { signingDate: new Date(this.clock.now()) });
    const response = await this.world.http({
      method: 'POST',
      host,
      path: '/',
      query: '',
      headers: lowerCase(signed.headers),
      body: encoder.encode(body),
    });
    const text = Buffer.from(response.body).toString('utf8');
    return { status: response.status, ...read(text) };
  }

  /** Asked for once, as clients do: the URL of a function does not change. */
  private decideHost(): Promise<string> {
    this.decideAddress ??= this.findDecideHost();
    return this.decideAddress;
  }

  private async findDecideHost(): Promise<string> {
    const { FunctionUrl } = await this.site.call<{ FunctionUrl: string }>(this.self, 'lambda', 'GetFunctionUrlConfig', {
      FunctionName: functionName(this.pipeline.name, 'decide'),
    });
    return new URL(FunctionUrl).host;
  }

  /** Credentials of a person: a session of the people's role, by an IAM user of their name who may take it under that name only. */
  async identity(email: string): Promise<AccessKey> {
    const role = `arn:aws:iam::${this.site.account}:role/${peopleRole(this.pipeline.name)}`;
    const iam = this.site.service('iam');
    const session = this.pipeline.people[email]?.session ?? email;
    iam.user(session, { people: allow('sts:AssumeRole', role) });
    const { Credentials } = await this.site.call<{ Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string } }>(
      iam.userPrincipal(session),
      'sts',
      'AssumeRole',
      { RoleArn: role, RoleSessionName: session },
    );
    // Sessions last an hour; a rehearsal lasts a week: a fresh one each time.
    return { accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken };
  }

  /** The host name of an environment's load balancer. */
  host(environment: string): string {
    const value = this.site.service('ssm').value(foundationParameter(this.pipeline.name, environment));
    return (JSON.parse(value ?? '{}') as Foundation).host;
  }

  /** One request to an environment, from outside. */
  request(environment: string, path: string): Promise<HttpResponse> {
    const host = this.host(environment);
    return this.world.http({ method: 'GET', host, path, query: '', headers: { host }, body: new Uint8Array() });
  }

  /** ECS services and running tasks of an environment; undefined if its cluster is not there. */
  async running(environment: string): Promise<Readonly<Record<string, number>> | undefined> {
    const cluster = environmentName(this.pipeline.name, environment);
    const principal = this.self;
    try {
      const { serviceArns = [] } = await this.site.call<{ serviceArns?: string[] }>(principal, 'ecs', 'ListServices', {
        cluster,
        maxResults: 100,
      });
      const counts: Record<string, number> = {};
      for (let start = 0; start < serviceArns.length; start += 10) {
        const { services = [] } = await this.site.call<{ services?: { serviceName: string; runningCount: number }[] }>(
          principal,
          'ecs',
          'DescribeServices',
          {
            cluster,
            services: serviceArns.slice(start, start + 10),
          },
        );
        for (const { serviceName, runningCount } of services) counts[serviceName] = runningCount;
      }
      return counts;
    } catch (error) {
      if ((error as Error).name === 'ClusterNotFoundException') return undefined;
      throw error;
    }
  }

  /** Tells of every journal entry as it is written. */
  onJournal(listener: (entry: JournalEntry) => void): void {
    this.site.service('dynamodb').onRecord(this.journalStream, (records) => {
      for (const { eventName, dynamodb: change } of records)
        if (eventName === 'INSERT' && change.NewImage)
          listener(unmarshall(change.NewImage as Record<string, AttributeValue>) as JournalEntry);
    });
  }

  /** The names of all executions of a workflow that have begun. */
  async executions(workflow: 'release' | 'promotion' | 'wake' | 'teardown'): Promise<string[]> {
    const names: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.site.call<{ executions?: { name: string }[]; nextToken?: string }>(this.self, 'states', 'ListExecutions', {
        stateMachineArn: this.machine(workflow),
        maxResults: 1000,
        ...(nextToken ? { nextToken } : {}),
      });
      names.push(...(page.executions ?? []).map(({ name }) => name));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return names;
  }

  /** The ARN of a workflow. */
  machine(workflow: 'release' | 'promotion' | 'wake' | 'teardown'): string {
    return this.site.arn('states', `stateMachine:${stateMachineName(this.pipeline.name, workflow)}`);
  }

  /** Lets time go by. @param milliseconds of virtual time */
  async advance(milliseconds: number): Promise<void> {
    await this.clock.run({ until: this.clock.now() + milliseconds });
  }

  /**
   * Lets time go by until something holds.
   * @param limit milliseconds of virtual time. @default two hours
   * @throws Error naming what never happened
   */
  async until(what: string, holds: () => Promise<boolean>, limit = 2 * 3_600_000): Promise<void> {
    const end = this.clock.now() + limit;
    for (;;) {
      if (await holds()) return;
      if (this.clock.now() >= end) throw new Error(`it never happened: ${what}`);
      await this.clock.run({ until: Math.min(end, this.clock.now() + 5_000) });
    }
  }
}

const allow = (Action: string, Resource: string) => ({ Version: '2012-10-17', Statement: { Effect: 'Allow' as const, Action, Resource } });

const lowerCase = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function read(text: string): Pick<Answer, 'message' | 'execution'> {
  try {
    const { message, Message, execution, stopped } = JSON.parse(text) as Partial<Answer> & { readonly Message?: string };
    return { message: message ?? Message ?? text, ...(execution ? { execution } : {}), ...(stopped ? { stopped } : {}) };
  } catch {
    return { message: text };
  }
}
