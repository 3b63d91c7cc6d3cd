/** A cluster, as value. */
import type { Tags } from './tags.ts';

export interface Cluster {
  readonly name: string;
  readonly arn: string;
  settings: readonly { readonly name: string; readonly value: string }[];
  status: 'ACTIVE' | 'INACTIVE';
  readonly tags: Tags;
}
