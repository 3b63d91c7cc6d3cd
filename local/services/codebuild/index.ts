/** AWS CodeBuild in one account and Region: projects, and builds that run as real processes. */
import type { ResourceType, Service } from '../../core/service.ts';
import { CodebuildAccount } from './account.ts';
import { projectResource } from './resource.ts';

declare module '../../core/site.ts' {
  interface Services {
    codebuild: Codebuild;
  }
}

export class Codebuild extends CodebuildAccount implements Service {
  readonly resources: Readonly<Record<string, ResourceType>> = { 'AWS::CodeBuild::Project': projectResource(this) };
}
