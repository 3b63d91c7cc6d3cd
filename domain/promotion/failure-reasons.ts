/** Why something failed, in words that a person can act on: the service, the container, its exit code, its last line. */

/** When the alarms of a rollout go off. */
export const ALARMING = {
  /** Answers of 5xx in a minute that are too many. */
  errors: 5,
  /** Minutes in a row that are too many with a target that is not healthy: a task that starts may take a while. */
  unhealthyMinutes: 5,
};

export interface FailedService {
  readonly service: string;
  /** What ECS says of the deployment. */
  readonly reason: string;
  readonly task?: {
    /** @default it stopped by itself */
    readonly stopCode?: string;
    readonly stoppedReason: string;
    readonly containers: readonly { readonly name: string; readonly exitCode?: number; readonly reason?: string }[];
  };
  /** The last thing the container said. */
  readonly lastLine?: string;
}

/** `orders-web: container web ended with exit code 1 (Essential container in task exited); last line: “Error: no such file”` */
export function failedService({ service, reason, task, lastLine }: FailedService): string {
  const said = lastLine ? `; last line: “${lastLine.slice(0, 300)}”` : '';
  if (task === undefined) return `${service}: ${reason}${said}`;
  // Where ECS ended it, for its health, the code of its containers says how they took that.
  if (task.stopCode === 'ServiceSchedulerInitiated')
    // Where ECS only scaled it in, as after an alarm, the task did nothing wrong and explains nothing.
    return task.stoppedReason.startsWith('Scaling activity') ? `${service}: ${reason}` : `${service}: ${task.stoppedReason}${said}`;
  const container =
    task.containers.find(({ exitCode }) => exitCode !== undefined && exitCode !== 0) ??
    task.containers.find(({ reason: why }) => why !== undefined);
  if (container?.exitCode !== undefined && container.exitCode !== 0)
    return `${service}: container ${container.name} ended with exit code ${container.exitCode}${exitMeaning(container.exitCode)}${said}`;
  if (container?.reason) return `${service}: container ${container.name}: ${container.reason}${said}`;
  return `${service}: ${task.stoppedReason || reason}${said}`;
}

/** Exit codes above 128 are signals. https://tldp.org/LDP/abs/html/exitcodes.html */
function exitMeaning(code: number): string {
  switch (code) {
    case 137:
      return ' (killed, often for want of memory)';
    case 139:
      return ' (crashed: segmentation fault)';
    case 143:
      return ' (was told to stop)';
    case 127:
      return ' (its command was not found)';
    default:
      return '';
  }
}

interface FailedBuild {
  readonly project: string;
  /** The phase that failed, and what CodeBuild says of it. */
  readonly phase?: string;
  readonly message?: string;
  /** The end of its log. */
  readonly lines: readonly string[];
}

/** `the build acme-test-system-tests failed in BUILD: “GET /health answered 500 instead of 200”` */
export function failedBuild({ project, phase, message, lines }: FailedBuild): string {
  // What CodeBuild itself notes begins so, and may go on for lines: from its word of the end on it only repeats the command.
  const end = lines.findIndex((line) => /^\[Container\].* did not exit successfully/.test(line));
  const said = lines
    .slice(0, end < 0 ? undefined : end)
    .findLast((line) => !line.startsWith('[Container]'))
    ?.slice(0, 300);
  const why = said ? `: “${said}”` : message ? `: ${message.slice(0, 300)}` : '';
  return `the build ${project} failed${phase ? ` in ${phase}` : ''}${why}`;
}

/** `orders-web: ECS went back, as the alarm acme-live-orders-web-errors-b went off (…); shiplock logs orders-web live` */
export function rolledBackBy(alarms: readonly string[], service: string, environment: string): string {
  const said = alarms.map((name) => `${name}${/-errors-[ab]$/.test(name) ? ERRORS : /-unhealthy-[ab]$/.test(name) ? UNHEALTHY : ''}`);
  const what = said.length > 1 ? `the alarms ${said.join(' and ')}` : `the alarm ${said[0]}`;
  return `${service}: ECS went back, as ${what} went off; see what its tasks said: shiplock logs ${service} ${environment}`;
}

const ERRORS = ` (${ALARMING.errors} answers of 5xx or more in a minute)`;
const UNHEALTHY = ` (targets that failed their health check for ${ALARMING.unhealthyMinutes} minutes)`;
