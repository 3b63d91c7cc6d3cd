/** Elastic Container Registry of one account and Region. */
import type { Operation, ResourceType, Service } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { EcrAccount } from './account.ts';
import { imageOperations } from './images.ts';
import { layerHost, layerOperations, serveLayers } from './layers.ts';
import { answerRegistry } from './protocol.ts';
import { repositoryOperations } from './repositories.ts';
import { repositoryResource } from './resource.ts';
import { scanOperations } from './scans.ts';

declare module '../../core/site.ts' {
  interface Services {
    ecr: Ecr;
  }
}

export class Ecr extends EcrAccount implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;

  constructor(site: Site) {
    super(site);
    this.operations = { ...repositoryOperations(this), ...imageOperations(this), ...layerOperations(this), ...scanOperations(this) };
    this.resources = { 'AWS::ECR::Repository': repositoryResource(this) };
    site.world.listen(this.host, (request) => answerRegistry(site, request));
    site.world.listen(layerHost(site.region), (request) => serveLayers(site.world, request));
  }
}
