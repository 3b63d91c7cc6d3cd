/** Where containers log to. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html */
import { containersOf, type Members, membersOf, type Refuse } from './members.ts';

/** "For tasks on AWS Fargate, the supported log drivers are awslogs, splunk, and awsfirelens." */
const DRIVERS = ['awslogs', 'splunk', 'awsfirelens'];

/** @param ownGroup of the environment, beside which the role that starts tasks may write; undefined where the template brings a role */
export function refuseLogging(request: Members, ownGroup: string | undefined, refuse: Refuse): void {
  const containers = containersOf(request);
  const routers = containers.filter(({ firelensConfiguration }) => firelensConfiguration !== undefined);
  for (const { at } of routers.slice(1))
    refuse(`${at}.firelensConfiguration`, 'is the second of this task, which has one log router; take one out');
  for (const { at, firelensConfiguration } of routers) {
    const options = membersOf(membersOf(firelensConfiguration).options);
    if (options['config-file-type'] === 's3')
      refuse(
        `${at}.firelensConfiguration.options.config-file-type`,
        'Fargate reads it from a `file` of the image only; put the configuration into an image of your own',
      );
  }
  for (const { at, name, logConfiguration } of containers) {
    const { logDriver, options } = membersOf(logConfiguration);
    const place = `${at}.logConfiguration`;
    if (typeof logDriver !== 'string') continue;
    if (!DRIVERS.includes(logDriver)) {
      refuse(
        `${place}.logDriver`,
        `${logDriver} does not run on Fargate, which has ${DRIVERS.join(', ')}; leave \`logConfiguration\` out, and ${name} logs to the environment’s own group`,
      );
    } else if (logDriver === 'awslogs') refuseGroup(membersOf(options), ownGroup, place, refuse);
    else if (logDriver === 'awsfirelens' && routers.length === 0)
      refuse(`${place}.logDriver`, 'awsfirelens needs a container with `firelensConfiguration` beside it, and there is none');
  }
}

/** ECS starts tasks in a role that writes to the pipeline's groups of this environment, and to no others. */
function refuseGroup(options: Members, ownGroup: string | undefined, place: string, refuse: Refuse): void {
  const group = options['awslogs-group'];
  for (const name of ['awslogs-group', 'awslogs-region', 'awslogs-stream-prefix'])
    if (options[name] === undefined)
      refuse(`${place}.options`, `awslogs on Fargate needs "${name}"; name it, or leave \`logConfiguration\` out, and all is filled in`);
  if (ownGroup === undefined) return;
  const prefix = ownGroup.slice(0, ownGroup.lastIndexOf('/') + 1);
  if (typeof group === 'string' && !group.startsWith(prefix))
    refuse(
      `${place}.options.awslogs-group`,
      `the role that starts tasks here may write to the pipeline’s own log groups only, so that no task would start with ${group}; leave \`logConfiguration\` out, and the container logs to the environment’s group`,
    );
  else if (options['awslogs-create-group'] === 'true')
    refuse(
      `${place}.options.awslogs-create-group`,
      'the role that starts tasks here may make no log group, and this one is there; leave it out',
    );
}
