/** Lifecycle policies: which images a repository lets go of, or sends to the archive. https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html */
import { ServiceError } from '../../core/service.ts';
import { type Repository, type StoredImage, wildcard } from './repository.ts';

const DAY = 86_400_000;

interface Selection {
  readonly tagStatus: 'tagged' | 'untagged' | 'any';
  readonly tagPrefixList?: readonly string[];
  readonly tagPatternList?: readonly string[];
  readonly countType: 'imageCountMoreThan' | 'sinceImagePushed' | 'sinceImagePulled' | 'sinceImageTransitioned';
  readonly countUnit?: 'days';
  readonly countNumber: number;
  readonly storageClass?: 'standard' | 'archive';
}

interface Rule {
  readonly rulePriority: number;
  readonly description?: string;
  readonly selection: Selection;
  readonly action: { readonly type: 'expire' | 'transition'; readonly targetStorageClass?: 'archive' };
}

/** What a policy does to one image. */
export interface LifecycleAction {
  readonly image: StoredImage;
  readonly type: 'expire' | 'transition';
  readonly rulePriority: number;
}

/** @throws ServiceError InvalidParameterException */
export function parseLifecyclePolicy(text: string): readonly Rule[] {
  const invalid = (why: string) =>
    new ServiceError(
      'InvalidParameterException',
      `Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: ${why}'`,
    );
  let document: { rules?: Rule[] };
  try {
    document = JSON.parse(text);
  } catch {
    throw invalid('the policy is not JSON');
  }
  const { rules } = document;
  if (!Array.isArray(rules) || rules.length === 0) throw invalid('the policy needs rules');
  const priorities = new Set<number>();
  for (const rule of rules) {
    const place = `rule ${rule.rulePriority}`;
    if (!Number.isInteger(rule.rulePriority) || rule.rulePriority < 1) throw invalid('rulePriority must be a whole number from 1');
    if (priorities.has(rule.rulePriority)) throw invalid(`${place} exists twice`);
    priorities.add(rule.rulePriority);
    const { selection, action } = rule;
    if (!['tagged', 'untagged', 'any'].includes(selection?.tagStatus)) throw invalid(`${place}: tagStatus must be tagged, untagged or any`);
    const named = (selection.tagPrefixList?.length ?? 0) + (selection.tagPatternList?.length ?? 0);
    if (selection.tagStatus === 'tagged' && named === 0) throw invalid(`${place}: tagged needs tagPatternList or tagPrefixList`);
    if (selection.tagStatus !== 'tagged' && named > 0) throw invalid(`${place}: ${selection.tagStatus} takes no list of tags`);
    if (selection.tagPrefixList !== undefined && selection.tagPatternList !== undefined)
      throw invalid(`${place}: tagPatternList and tagPrefixList exclude each other`);
    if (!['imageCountMoreThan', 'sinceImagePushed', 'sinceImagePulled', 'sinceImageTransitioned'].includes(selection.countType))
      throw invalid(`${place}: unknown countType ${selection.countType}`);
    if (!Number.isInteger(selection.countNumber) || selection.countNumber < 1)
      throw invalid(`${place}: countNumber must be a whole number from 1`);
    const counted = selection.countType === 'imageCountMoreThan';
    if (counted !== (selection.countUnit === undefined)) throw invalid(`${place}: countUnit "days" goes with the since… types only`);
    if (selection.countType === 'sinceImageTransitioned' && selection.storageClass !== 'archive')
      throw invalid(`${place}: sinceImageTransitioned needs storageClass archive`);
    if (action?.type !== 'expire' && action?.type !== 'transition') throw invalid(`${place}: action must be expire or transition`);
    if (action.type === 'transition' && action.targetStorageClass !== 'archive')
      throw invalid(`${place}: transition needs targetStorageClass archive`);
    const broad = rules.some((other) => other.selection?.tagStatus === 'any' && other.rulePriority < rule.rulePriority);
    if (selection.tagStatus !== 'any' && broad) throw invalid(`${place}: a rule with tagStatus any must have the highest rulePriority`);
  }
  return rules.toSorted((a, b) => a.rulePriority - b.rulePriority);
}

/**
 * What the policy does now. An image is acted on by one rule or none: a rule still counts what a rule of higher
 * priority has marked, but cannot mark it again. What an index names cannot go before the index; what
 * refers to a subject goes with it.
 * @param now milliseconds since the epoch
 */
export function evaluateLifecyclePolicy(text: string, repository: Repository, now: number): readonly LifecycleAction[] {
  const marked = new Map<StoredImage, LifecycleAction>();
  const claimed = new Set<StoredImage>();
  for (const { rulePriority, selection, action } of parseLifecyclePolicy(text)) {
    const candidates = [...repository.images.values()].filter((image) => identifies(selection, image));
    for (const image of overdue(selection, candidates, now)) {
      if (marked.has(image) || claimed.has(image) || image.manifest.subject !== undefined) continue;
      if (action.type === 'transition' && image.status !== 'ACTIVE') continue;
      marked.set(image, { image, type: action.type, rulePriority });
    }
    // What meets the tag requirements of a rule is out of reach for later rules.
    if (selection.tagStatus === 'tagged') for (const image of candidates) claimed.add(image);
  }
  const expires = (image: StoredImage) => marked.get(image)?.type === 'expire';
  const held = (image: StoredImage) => repository.indexesOf(image.manifest.digest).some((index) => !expires(index));
  return [...marked.values()].filter(({ image, type }) => type === 'transition' || !held(image));
}

function identifies(selection: Selection, image: StoredImage): boolean {
  const archived = image.status === 'ARCHIVED';
  if (archived !== (selection.storageClass === 'archive')) return false;
  if (selection.tagStatus === 'any') return true;
  if (selection.tagStatus === 'untagged') return image.tags.size === 0;
  const tags = [...image.tags];
  const prefixes = (selection.tagPrefixList ?? []).every((prefix) => tags.some((tag) => tag.startsWith(prefix)));
  return prefixes && (selection.tagPatternList ?? []).every((pattern) => tags.some((tag) => wildcard(pattern).test(tag)));
}

function overdue(selection: Selection, images: readonly StoredImage[], now: number): readonly StoredImage[] {
  const limit = now - selection.countNumber * DAY;
  switch (selection.countType) {
    case 'imageCountMoreThan':
      return images.toSorted((a, b) => b.pushedAt - a.pushedAt).slice(selection.countNumber);
    case 'sinceImagePushed':
      return images.filter(({ pushedAt }) => pushedAt < limit);
    case 'sinceImagePulled':
      return images.filter(({ pulledAt, pushedAt }) => (pulledAt ?? pushedAt) < limit);
    case 'sinceImageTransitioned':
      return images.filter(({ archivedAt }) => archivedAt !== undefined && archivedAt < limit);
  }
}
