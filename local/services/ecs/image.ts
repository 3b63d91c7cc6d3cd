/** Pulling an image: what a Fargate host does before it starts a container. */
import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import { assertAssumable, authorize } from '../../core/iam/authorize.ts';
import { identities } from '../../core/iam/identities.ts';
import { type PolicyDocument, type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { permissionOn } from '../ecr/access.ts';
import { type Behaviour, behaviourOf, jobBehaviourOf, LabelError } from './behaviour.ts';
import { isEcrImage } from './definition-rules.ts';
import { ECS_TASKS } from './task-definitions.ts';

export interface Pulled {
  readonly digest?: string;
  /** Its name in the local ECR. */
  readonly repository?: string;
  readonly behaviour: Behaviour;
}

/** Why a task did not start, in AWS's words. */
export class StartFailure extends Error {}

/** The host's own rights while it starts a task: a session of the execution role. */
export class Host {
  private readonly site: Site;
  /** A session of the execution role. */
  readonly role: Principal | undefined;

  /**
   * @param roles the execution role, which the host itself uses, and the role that the containers get
   * @throws StartFailure where one of them may not be taken
   */
  constructor(site: Site, roles: { readonly execution?: string | undefined; readonly task?: string | undefined }, taskId: string) {
    this.site = site;
    this.role = roles.execution === undefined ? undefined : this.assume(roles.execution, taskId);
    if (roles.task !== undefined) this.assume(roles.task, taskId);
  }

  private assume(roleArn: string, taskId: string): Principal {
    const { site } = this;
    try {
      // The confused-deputy keys that ECS sends: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cross-service-confused-deputy-prevention.html
      assertAssumable(site.world, roleArn, ECS_TASKS, site.region, {
        'aws:SourceAccount': site.account,
        'aws:SourceArn': site.arn('ecs', `task/${taskId}`),
      });
      return identities(site.world, roleArn.split(':')[4] ?? '').rolePrincipal(roleArn, taskId);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new StartFailure(
        `ECS was unable to assume the role '${roleArn}' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.`,
      );
    }
  }

  private may(action: string, resource: string, failure: string, resourcePolicy?: PolicyDocument): void {
    if (this.role === undefined) return;
    try {
      authorize(this.site.world, this.role, { action, resource, ...(resourcePolicy && { resourcePolicy }) }, this.site.region);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new StartFailure(`ResourceInitializationError: ${failure}: AccessDeniedException: ${error.message}`);
    }
  }

  /**
   * Images of other registries than the local ECR count as present.
   * @param command what a job shall do, by its first word; absent for a container of a service
   * @throws StartFailure
   */
  pull(image: string, command?: string): Pulled {
    const behaviour = (labels: Readonly<Record<string, string>>) => {
      try {
        return command === undefined ? behaviourOf(labels) : jobBehaviourOf(labels, command);
      } catch (error) {
        if (!(error instanceof LabelError)) throw error;
        throw new StartFailure(`CannotStartContainerError: local AWS cannot play its image: ${error.message}`);
      }
    };
    if (!isEcrImage(image)) return { behaviour: behaviour({}) };
    const [host = '', ...path] = image.split('/');
    const [account = '', , , region = ''] = host.split('.');
    const [repository = '', digest] = path.join('/').split('@');
    const [name = '', tag = 'latest'] = repository.split(':');
    const ecr = this.site.world.site(account, region).service('ecr');
    const registryAuth =
      'unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth';
    this.may('ecr:GetAuthorizationToken', '*', registryAuth);
    for (const wanted of ['BatchGetImage', 'GetDownloadUrlForLayer']) {
      const { action, resource, resourcePolicy } = permissionOn(ecr, wanted, { repositoryName: name });
      this.may(action, resource, registryAuth, resourcePolicy);
    }
    const found = ecr.image(name, digest ?? tag);
    if (found === undefined || found.status === 'ARCHIVED')
      throw new StartFailure(
        `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${image}: ${image}: not found`,
      );
    this.recordPull(account, region, name, found.digest);
    return { digest: found.digest, repository: name, behaviour: behaviour(found.labels) };
  }

  private recordPull(account: string, region: string, name: string, digest: string): void {
    const ecr = this.site.world.site(account, region).service('ecr');
    const repository = ecr.repositories.get(name);
    const image = repository?.find(digest);
    if (repository && image) ecr.recordPull(repository, image);
  }

  /**
   * The values of a container's secrets by the name of their variable. What else is read in the execution role, for its
   * log driver, its registry and its environment files, must be there too.
   * @throws StartFailure
   */
  readSecrets({
    secrets = [],
    logConfiguration,
    repositoryCredentials,
    environmentFiles = [],
  }: ContainerDefinition): Record<string, string> {
    const values: Record<string, string> = {};
    for (const { name = '', valueFrom = '' } of secrets) values[name] = this.secret(valueFrom);
    for (const { valueFrom = '' } of logConfiguration?.secretOptions ?? []) this.secret(valueFrom);
    if (repositoryCredentials?.credentialsParameter !== undefined) this.secret(repositoryCredentials.credentialsParameter);
    for (const { value = '' } of environmentFiles) {
      const failure = 'failed to download env files: file download command: non empty error stream';
      this.may('s3:GetObject', value, failure);
      // Buckets are inert here: whatever lay in one, it is not there.
      throw new StartFailure(`ResourceInitializationError: ${failure}: service call has been retried 1 time(s): NoSuchKey: ${value}`);
    }
    return values;
  }

  /** A secret of Secrets Manager or a parameter of Systems Manager. @throws StartFailure */
  private secret(valueFrom: string): string {
    const isSecret = valueFrom.startsWith('arn:aws:secretsmanager:');
    const failure = `unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ${isSecret ? 'secret from asm' : 'secrets from ssm'}`;
    if (isSecret) {
      const resource = valueFrom.split(':').slice(0, 7).join(':');
      this.may('secretsmanager:GetSecretValue', resource, failure);
      throw new StartFailure(
        `ResourceInitializationError: ${failure}: service call has been retried 1 time(s): failed to fetch secret ${resource} from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret.`,
      );
    }
    const resource = valueFrom.startsWith('arn:') ? valueFrom : this.site.arn('ssm', `parameter/${valueFrom.replace(/^\//, '')}`);
    this.may('ssm:GetParameters', resource, failure);
    const value = this.parameter(valueFrom);
    if (value === undefined)
      throw new StartFailure(
        `ResourceInitializationError: ${failure}: service call has been retried 1 time(s): invalid ssm parameters: ${valueFrom}`,
      );
    return value;
  }

  /** A parameter by name, or by ARN, which writes `/a/b` and `a` both after `parameter/`. */
  private parameter(valueFrom: string): string | undefined {
    const ssm = this.site.service('ssm');
    if (!valueFrom.startsWith('arn:')) return ssm.value(valueFrom);
    const name = valueFrom.split(':parameter/')[1] ?? '';
    return ssm.value(`/${name}`) ?? ssm.value(name);
  }

  /** Opens the log of a container and writes what it says at its start. @throws StartFailure where the group is missing */
  log(container: ContainerDefinition, taskId: string, lines: readonly string[]): void {
    const place = logOf(this.site, container, taskId);
    if (place === undefined) return;
    const { site, group, stream } = place;
    const failure =
      'failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: operation error CloudWatch Logs: CreateLogStream';
    for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents'])
      this.may(action, site.arn('logs', `log-group:${group}:log-stream:${stream}`), failure);
    try {
      logsOf(site).append(group, stream, lines);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new StartFailure(`ResourceInitializationError: ${failure}, ${error.code}: ${error.message} : exit status 1`);
    }
  }
}

const logsOf = (site: Site) => site.find('logs') as unknown as { append(group: string, stream: string, lines: readonly string[]): void };

/** Where the driver `awslogs` writes; undefined for another or none. */
function logOf(site: Site, { name, logConfiguration }: ContainerDefinition, taskId: string) {
  const { logDriver, options = {} } = logConfiguration ?? {};
  if (logDriver !== 'awslogs') return undefined;
  return {
    site: site.world.site(site.account, options['awslogs-region'] ?? site.region),
    group: options['awslogs-group'] ?? '',
    stream: `${options['awslogs-stream-prefix'] ?? 'ecs'}/${name}/${taskId}`,
  };
}

/** Writes what a container says into its log; where the group was deleted meanwhile, it is lost. */
export function say(site: Site, container: ContainerDefinition, taskId: string, lines: readonly string[]): void {
  const place = logOf(site, container, taskId);
  if (place === undefined) return;
  try {
    logsOf(place.site).append(place.group, place.stream, lines);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
  }
}
