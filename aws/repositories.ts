/** What the repositories of images are called where tasks pull from. Apart from `ecr.ts`, as few functions need it. */
import { DescribeRepositoriesCommand } from '@aws-sdk/client-ecr';
import { Registry } from './ecr.ts';

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html */
const NAMES_PER_CALL = 100;

export class Repositories extends Registry {
  /** URIs by repository. */
  private readonly known = new Map<string, string>();

  /** Repository URIs by name: account, Region and name, which never change, so that each is asked for once. */
  async uris(repositoryNames: readonly string[]): Promise<Record<string, string>> {
    const unknown = repositoryNames.filter((name) => !this.known.has(name));
    for (let start = 0; start < unknown.length; start += NAMES_PER_CALL) {
      const names = unknown.slice(start, start + NAMES_PER_CALL);
      const { repositories = [] } = await this.client.send(new DescribeRepositoriesCommand({ repositoryNames: names }));
      for (const { repositoryName = '', repositoryUri = '' } of repositories) this.known.set(repositoryName, repositoryUri);
    }
    return Object.fromEntries(repositoryNames.flatMap((name) => (this.known.has(name) ? [[name, this.known.get(name)!]] : [])));
  }
}
