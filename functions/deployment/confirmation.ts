/** The gate at which a person confirms at the test listener: closed when its promotion ends before that. */
import type { Ledger } from '../../aws/ledger.ts';
import type { Outbox } from '../../aws/outbox.ts';
import { confirmStage } from '../../domain/approval/confirmation.ts';
import type { PromotionRecord } from '../../domain/ledger/records.ts';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';
import type { Release } from '../../domain/release/release.ts';
import { shiftingOf } from '../../domain/rollout/choice.ts';
import { environmentOf, groupsOf } from '../environment/clients.ts';

/** Whether a person has to confirm before traffic of any of these services shifts. */
export function isConfirmationAsked(pipeline: Pipeline, environment: string, release: Release): boolean {
  const place = environmentOf(pipeline, environment);
  return groupsOf(pipeline, release)
    .flatMap(({ services }) => services)
    .some((name) => {
      const service = pipeline.services[name];
      return service !== undefined && shiftingOf(place, service)?.confirm === true;
    });
}

/** Withdraws the question, as the deployment that people would confirm has ended: the step that waits for them gets the reason. */
export async function endConfirmation(
  { ledger, outbox }: { readonly ledger: Pick<Ledger, 'gate' | 'gateWrite' | 'table'>; readonly outbox: Outbox },
  { environment, release, releaseRun }: Pick<PromotionRecord, 'environment' | 'release' | 'releaseRun'>,
  cause: string,
  now: number,
): Promise<void> {
  const gate = await ledger.gate(confirmStage(environment), release.repository);
  if (gate?.releaseRun !== releaseRun || gate.state !== 'waiting') return;
  const answer = { error: 'DeploymentFailed', cause };
  const withdrawn = ledger.gateWrite({ ...gate, state: 'withdrawn', version: gate.version + 1 }, gate);
  // Somebody who has answered meanwhile is heard: what became of the deployment is found then.
  if (await ledger.table.transact([withdrawn, outbox.write(gate.token, answer, now)])) await outbox.send(gate.token, answer);
}

/** Withdraws the question. */
export async function closeConfirmation(
  { pipeline, ledger }: { readonly pipeline: Pipeline; readonly ledger: Pick<Ledger, 'gate' | 'gateWrite' | 'table'> },
  { environment, release, releaseRun }: { readonly environment: string; readonly release: Release; readonly releaseRun: string },
  now: number,
): Promise<void> {
  if (!isConfirmationAsked(pipeline, environment, release)) return;
  const gate = await ledger.gate(confirmStage(environment), release.repository);
  if (gate?.releaseRun !== releaseRun || gate.state !== 'waiting') return;
  const state = now >= gate.deadline ? 'expired' : 'withdrawn';
  await ledger.table.transact([ledger.gateWrite({ ...gate, state, version: gate.version + 1 }, gate)]);
}
