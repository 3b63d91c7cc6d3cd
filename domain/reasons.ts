/** Why something did not hold, in words that a person can act on: the service, the container, its exit code, its last line. */

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
