/** The pipeline of `tested/`: releases promoted to customers by a canary, tested by a build and confirmed by two people; and who answers customers. */
import { resolve } from 'node:path';
import { confirmStage } from '../../domain/approval/confirmation.ts';
import { type Answer, LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { HOUR, integrator, Journey, MONDAY, manager } from './journey.ts';

export type Repository = 'door' | 'desk';

const TEN_SECONDS = 10_000;
const config = resolve(import.meta.dirname, 'tested/shiplock.config.ts');

export class Tested {
  readonly journey: Journey;
  readonly local: LocalPipeline;
  /** Statuses that customers have met which no good release answers. */
  readonly failed: number[] = [];
  /** How many releases were pushed: the number of the newest. */
  pushed = 0;

  private constructor(local: LocalPipeline) {
    this.local = local;
    this.journey = Journey.on(local);
  }

  static async begin(): Promise<Tested> {
    return new Tested(await LocalPipeline.open({ config, start: MONDAY, seed: 1, port: false }));
  }

  end(): Promise<void> {
    return this.journey.end();
  }

  /** Pushes what answers `/which` (`/desk/which`) with 200 and its number, until it asks to enter live and both have said yes. @returns its digest */
  async toLive(repository: Repository = 'door', labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const digest = await this.push(repository, labels);
    await this.journey.untilAsked(digest, 'live', { repository });
    await this.answer('live', repository);
    return digest;
  }

  async push(repository: Repository = 'door', labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const number = ++this.pushed;
    const responses = { [which(repository)]: 200 + number, ...JSON.parse(labels['local.aws.responses'] ?? '{}') };
    const tag = `build-${number}`;
    return this.journey.push({ repository, tag, labels: { ...labels, 'local.aws.responses': JSON.stringify(responses) } });
  }

  /** Both of those who may answer a gate. @returns what each was told */
  async answer(stage: string, repository: string, verb: 'approve' | 'reject' = 'approve'): Promise<Answer[]> {
    const { approval = '', release } = (await this.local.ledger.gate(stage, repository)) ?? {};
    const answers: Answer[] = [];
    for (const by of [manager, integrator]) {
      const reason = verb === 'reject' ? { reason: 'it looks wrong' } : {};
      answers.push(await this.local.decideAs(by, { verb, approval, digest: release?.digest, ...reason }));
      if (verb === 'reject') break;
    }
    return answers;
  }

  /** Whether somebody is asked to confirm at the test listener of live. */
  async isConfirmedBy(repository: string): Promise<boolean> {
    return (await this.local.ledger.gate(confirmStage('live'), repository))?.state === 'waiting';
  }

  /** Until somebody is asked to confirm; then both do. */
  async confirm(repository: string = 'door'): Promise<void> {
    await this.local.until(`${repository} waits for confirmation`, () => this.isConfirmedBy(repository));
    await this.answer(confirmStage('live'), repository);
  }

  /** Until the newest release runs for all customers. */
  async good(repository: Repository = 'door'): Promise<string> {
    const digest = await this.toLive(repository);
    await this.confirm(repository);
    await this.journey.untilState(digest, 'succeeded', { repository });
    return digest;
  }

  /** The number of the release that answers a customer of live, or the status of what is no release's answer. */
  async meets(repository: Repository = 'door'): Promise<number> {
    const { status } = await this.local.request('live', which(repository));
    if (status <= 200 || status >= 300) this.failed.push(status);
    return status - 200;
  }

  /** So many customers, one after the other. @returns which releases they met, each once */
  async meetings(count: number, repository: Repository = 'door'): Promise<number[]> {
    const met = new Set<number>();
    for (let customer = 0; customer < count; customer++) met.add(await this.meets(repository));
    return [...met].toSorted((a, b) => a - b);
  }

  /** Lets time pass with a customer every ten seconds until it holds. @returns which releases they met, each once */
  async underRequests(what: string, holds: () => Promise<boolean>, repository: Repository = 'door'): Promise<number[]> {
    const met = new Set<number>();
    for (let passed = 0; passed < 2 * HOUR; passed += TEN_SECONDS) {
      met.add(await this.meets(repository));
      if (await holds()) return [...met].toSorted((a, b) => a - b);
      await this.local.advance(TEN_SECONDS);
    }
    throw new Error(`it never happened: ${what}`);
  }

  /** Percent of the traffic of live that goes to what is new, by the newest deployment of ECS. */
  async weight(service: string = 'door'): Promise<number> {
    const [one] = await this.deployments(service);
    return one?.targetServiceRevision?.requestedProductionTrafficWeight ?? 0;
  }

  /** Newest first. */
  async deployments(service: string = 'door'): Promise<Deployment[]> {
    const { serviceDeployments = [] } = await this.journey.call<{ serviceDeployments?: { serviceDeploymentArn: string }[] }>(
      'ecs',
      'ListServiceDeployments',
      { cluster: 'tested-live', service },
    );
    const arns = serviceDeployments.map(({ serviceDeploymentArn }) => serviceDeploymentArn);
    const described = await this.journey.call<{ serviceDeployments: Deployment[] }>('ecs', 'DescribeServiceDeployments', {
      serviceDeploymentArns: arns.slice(0, 10),
    });
    return arns.flatMap((arn) => described.serviceDeployments.filter(({ serviceDeploymentArn }) => serviceDeploymentArn === arn));
  }
}

interface Deployment {
  readonly serviceDeploymentArn: string;
  readonly status: string;
  readonly targetServiceRevision?: { readonly requestedProductionTrafficWeight?: number };
}

const which = (repository: Repository) => (repository === 'door' ? '/which' : '/desk/which');
