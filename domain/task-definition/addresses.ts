/** ARNs of a task definition: a word may stand where an account or a Region belongs, as in a template that nobody filled in. */
import { containersOf, listOf, type Members, membersOf, type Refuse } from './members.ts';

const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d$/;

export function refuseAddresses(request: Members, refuse: Refuse): void {
  for (const member of ['taskRoleArn', 'executionRoleArn']) refuseArn(request[member], member, refuse);
  for (const { at, secrets, repositoryCredentials, logConfiguration } of containersOf(request)) {
    for (const { name, valueFrom } of listOf(secrets)) refuseArn(valueFrom, `${at}.secrets.${String(name)}`, refuse);
    const { options, secretOptions } = membersOf(logConfiguration);
    for (const { name, valueFrom } of listOf(secretOptions))
      refuseArn(valueFrom, `${at}.logConfiguration.secretOptions.${String(name)}`, refuse);
    refuseArn(membersOf(repositoryCredentials).credentialsParameter, `${at}.repositoryCredentials.credentialsParameter`, refuse);
    const region = membersOf(options)['awslogs-region'];
    if (typeof region === 'string' && !REGION.test(region) && !isPlaceholder(region))
      refuse(`${at}.logConfiguration.options.awslogs-region`, `${region} is no Region; write the environment’s, such as eu-central-1`);
  }
}

/** What is a placeholder is said to be one. */
const isPlaceholder = (text: string) => /[%<{$]/.test(text);

function refuseArn(arn: unknown, place: string, refuse: Refuse): void {
  if (typeof arn !== 'string' || !arn.startsWith('arn:') || isPlaceholder(arn)) return;
  const [, , service = '', region = '', account = ''] = arn.split(':');
  // Roles have no Region.
  const wrong = [
    ...(region !== '' && !REGION.test(region) ? [`${region} is no Region`] : []),
    ...(/^\d{12}$/.test(account) || (service === 's3' && account === '')
      ? []
      : [`${account || 'nothing'} is no account, which has twelve digits`]),
  ];
  if (wrong.length > 0) refuse(place, `${wrong.join(', ')}: the template was not filled in; write those of the environment`);
}
