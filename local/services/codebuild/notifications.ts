/** The events of builds. https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications-ref.html */
import type { Build, BuildPhase, PhaseContext } from '@aws-sdk/client-codebuild';
import type { Site } from '../../core/site.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number) => String(value).padStart(2, '0');

/** `Sep 1, 2017 4:12:29 PM`, in UTC. */
export function wordyDate(date: Date): string {
  const hour = date.getUTCHours();
  const time = `${hour % 12 || 12}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${hour < 12 ? 'AM' : 'PM'}`;
  return `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()} ${time}`;
}

/** `: ` is what CodeBuild has for a phase that said nothing. */
const contextText = ({ statusCode = '', message = '' }: PhaseContext) => `${statusCode}: ${message}`;
const contextsText = (contexts: readonly PhaseContext[] = []) => `[${contexts.map(contextText).join(', ')}]`;

const phaseDetail = (phase: BuildPhase) => ({
  ...(phase.contexts === undefined ? {} : { 'phase-context': phase.contexts.map(contextText) }),
  'start-time': wordyDate(phase.startTime!),
  ...(phase.endTime === undefined ? {} : { 'end-time': wordyDate(phase.endTime), 'duration-in-seconds': phase.durationInSeconds }),
  'phase-type': phase.phaseType,
  ...(phase.phaseStatus === undefined ? {} : { 'phase-status': phase.phaseStatus }),
});

function additionalInformation(build: Build) {
  const { environment, logs } = build;
  return {
    cache: { type: 'NO_CACHE' },
    'build-number': build.buildNumber,
    'timeout-in-minutes': build.timeoutInMinutes,
    'queued-timeout-in-minutes': build.queuedTimeoutInMinutes,
    'build-complete': build.buildComplete,
    initiator: build.initiator,
    'build-start-time': wordyDate(build.startTime!),
    source: { buildspec: build.source!.buildspec, type: build.source!.type },
    ...(build.sourceVersion === undefined ? {} : { 'source-version': build.sourceVersion }),
    artifact: { location: '' },
    environment: {
      image: environment!.image,
      'privileged-mode': environment!.privilegedMode,
      'image-pull-credentials-type': environment!.imagePullCredentialsType,
      'compute-type': environment!.computeType,
      type: environment!.type,
      'environment-variables': (environment!.environmentVariables ?? []).map(({ name, value, type = 'PLAINTEXT' }) => ({
        name,
        type,
        value,
      })),
    },
    ...(logs?.groupName === undefined
      ? {}
      : { logs: { 'group-name': logs.groupName, 'stream-name': logs.streamName, 'deep-link': logs.deepLink } }),
    phases: build.phases!.map(phaseDetail),
  };
}

/** The build has begun, or has ended. */
export function publishState(site: Site, build: Build): void {
  const current = build.phases!.at(-1);
  const last = build.phases!.findLast((phase) => phase.contexts !== undefined && phase.phaseStatus !== 'SUCCEEDED') ?? current;
  site.service('events').publish({
    source: 'aws.codebuild',
    'detail-type': 'CodeBuild Build State Change',
    resources: [build.arn!],
    detail: {
      'build-status': build.buildStatus,
      'project-name': build.projectName,
      'build-id': build.arn,
      'additional-information': additionalInformation(build),
      'current-phase': build.currentPhase,
      'current-phase-context': build.buildComplete ? contextsText(last?.contexts) : '[]',
      version: '1',
    },
  });
}

/** A phase has ended. */
export function publishPhase(site: Site, build: Build, phase: BuildPhase): void {
  site.service('events').publish({
    source: 'aws.codebuild',
    'detail-type': 'CodeBuild Build Phase Change',
    resources: [build.arn!],
    detail: {
      'completed-phase': phase.phaseType,
      'project-name': build.projectName,
      'build-id': build.arn,
      'completed-phase-context': contextsText(phase.contexts),
      'additional-information': additionalInformation(build),
      'completed-phase-status': phase.phaseStatus,
      'completed-phase-duration-seconds': phase.durationInSeconds,
      version: '1',
      'completed-phase-start': wordyDate(phase.startTime!),
      'completed-phase-end': wordyDate(phase.endTime!),
    },
  });
}
