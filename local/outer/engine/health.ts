/** The health check of a container, run in it as ECS's agent has it run: a command, every so often. */
import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { Docker } from './docker.ts';

/**
 * Runs its words, and kills them and all that they have started when its input is closed: no engine ends what it has started in a
 * container because somebody waits no longer. Whoever is run in a container leads a process group of its own.
 */
const KILLABLE = `exec 3<&0
"$@" </dev/null 3<&- & check=$!
{ read -r line; kill -9 -$$ || kill -9 $check; } <&3 3<&- 2>/dev/null &
wait $check
code=$?
kill -9 $! 2>/dev/null
exit $code`;

/**
 * @param ended stops it
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
 */
export async function checkHealth(
  docker: Docker,
  id: string,
  { healthCheck }: ContainerDefinition,
  told: (health: 'HEALTHY' | 'UNHEALTHY') => void,
  ended: AbortSignal,
): Promise<void> {
  const [kind = 'NONE', ...rest] = healthCheck?.command ?? [];
  if (healthCheck === undefined || kind === 'NONE') return;
  const SHELL = ['/bin/sh', '-c'];
  const words = kind === 'CMD' ? rest : [...SHELL, kind === 'CMD-SHELL' ? rest.join(' ') : [kind, ...rest].join(' ')];
  let isKillable = kind !== 'CMD';
  const { interval = 30, timeout = 5, retries = 3, startPeriod = 0 } = healthCheck;
  const begun = performance.now();
  let failures = 0;
  let wasHealthy = false;
  for (let looks = 1; await passed(interval * 1000, ended); looks++) {
    // An image may be without a shell, and then only its own program runs in it.
    if (looks === 1 && !isKillable) isKillable = (await docker.now(['exec', id, ...SHELL, ':'], { limit: timeout * 1000 })).code === 0;
    const { code } = isKillable
      ? await docker.now(['exec', '--interactive', id, ...SHELL, KILLABLE, 'sh', ...words], { limit: timeout * 1000, listens: true })
      : await docker.now(['exec', id, ...words], { limit: timeout * 1000 });
    if (ended.aborted) return;
    if (code === 0) {
      failures = 0;
      wasHealthy = true;
      told('HEALTHY');
      continue;
    }
    // "If a health check succeeds within the startPeriod, then the container is considered healthy and any subsequent failures count."
    if (!wasHealthy && performance.now() - begun < startPeriod * 1000) continue;
    failures++;
    if (failures >= retries) told('UNHEALTHY');
  }
}

/** Lets time pass. @returns false if it ended meanwhile */
export function passed(milliseconds: number, ended: AbortSignal): Promise<boolean> {
  if (ended.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      ended.removeEventListener('abort', end);
      resolve(true);
    }, milliseconds);
    ended.addEventListener('abort', end, { once: true });
  });
}
