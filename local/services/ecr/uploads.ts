/** Uploads of layers that have begun and not ended. */
import { ServiceError } from '../../core/service.ts';
import type { World } from '../../core/site.ts';
import type { Repository } from './repository.ts';

interface Upload {
  readonly repository: Repository;
  readonly parts: Uint8Array[];
  size: number;
}

export class Uploads {
  private readonly open = new Map<string, Upload>();
  private readonly random: World['random'];

  constructor(random: World['random']) {
    this.random = random;
  }

  begin(repository: Repository): string {
    const id = this.random.uuid();
    this.open.set(id, { repository, parts: [], size: 0 });
    return id;
  }

  /** @throws ServiceError UploadNotFoundException */
  get(id: string, repository: Repository): Upload {
    const upload = this.open.get(id);
    if (upload?.repository !== repository)
      throw new ServiceError(
        'UploadNotFoundException',
        `The upload with id '${id}' does not exist in the repository with name '${repository.settings.name}'`,
      );
    return upload;
  }

  end(id: string): void {
    this.open.delete(id);
  }
}
