/**
 * Models on a hub that speaks Hugging Face's HTTP: `hf:owner/name[@revision][/folder]`, the addresses of its files, and
 * what its answers mean. A `/` in a revision is written `%2F`, as in Hugging Face's own file paths.
 *
 *   GET HUB/api/models/OWNER/NAME/revision/REVISION   JSON whose `sha` is the commit
 *   GET HUB/OWNER/NAME/resolve/COMMIT/FOLDER/FILE     the file, often after a redirect to another server
 */
import { ReclmisError } from './errors.js';

export const HUB_URL = 'https://huggingface.co';

const DEFAULT_REVISION = 'main';
const SCHEME = /^hf:(?:\/\/)?/;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/;
const COMMIT = /^[0-9a-f]{40}$/;

export interface HubAddress {
  /** `owner/name`. */
  readonly repository: string;
  /** Branch, tag or commit; default `main`. */
  readonly revision: string;
  /** Below the repository; '': the repository itself. */
  readonly folder: string;
}

/** Where a model came from, for results. */
export interface HubOrigin extends HubAddress {
  /** 40 hexadecimal digits: what the revision was. */
  readonly commit: string;
}

/** Whether a model's place is an address of a hub, and not a path. */
export const isHubAddress = (place: string): boolean => place.startsWith('hf:');

export const isCommit = (revision: string): boolean => COMMIT.test(revision);

/** @throws OPTION_INVALID */
export function parseHubAddress(text: string): HubAddress {
  const refuse = (why: string): never => {
    throw new ReclmisError('OPTION_INVALID', `${text.slice(0, 200)}: ${why}`, {
      remedy: 'Write hf:owner/name, hf:owner/name@revision or hf:owner/name@revision/folder.',
    });
  };
  const [owner = '', second = '', ...folders] = text.replace(SCHEME, '').replace(/\/$/, '').split('/');
  const [, name = '', written] = /^([^@]*)(?:@(.*))?$/.exec(second) ?? [];
  for (const part of [owner, name])
    if (!NAME.test(part) || /--|\.\./.test(part)) refuse('expected hf:owner/name');
  const revision = written === undefined ? DEFAULT_REVISION : decoded(written);
  if (!REVISION.test(revision) || /\.\.|\/\/|\/$/.test(revision)) refuse('is no revision after @');
  for (const folder of folders) if (!SEGMENT.test(folder)) refuse(`"${folder.slice(0, 40)}" is no folder`);
  return { repository: `${owner}/${name}`, revision, folder: folders.join('/') };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** `hf:owner/name@COMMIT/folder`, which always means the same files. */
export const pinnedAddress = ({ repository, commit, folder }: Omit<HubOrigin, 'revision'>): string =>
  `hf:${repository}@${commit}${folder && `/${folder}`}`;

/** Where the hub says which commit a revision is. @param hub without query */
export const revisionUrl = (hub: string, { repository, revision }: HubAddress): string =>
  `${base(hub)}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;

/** The model's folder at a commit, with a slash at the end. */
export const resolveUrl = (hub: string, { repository, folder }: HubAddress, commit: string): string =>
  `${base(hub)}/${repository}/resolve/${commit}/${folder && `${folder}/`}`;

const base = (hub: string): string => hub.replace(/\/+$/, '');

/** The commit that the hub answers with. @throws HUB_MISSING */
export function commitOf(answer: unknown, { repository, revision }: HubAddress, where: string): string {
  const sha = typeof answer === 'object' && answer !== null && 'sha' in answer ? answer.sha : undefined;
  if (typeof sha === 'string' && isCommit(sha)) return sha;
  throw new ReclmisError(
    'HUB_MISSING',
    `${where}: expected the commit of ${repository}@${revision}, got none`,
    {
      remedy:
        'Check the address of the hub (--hub-url, HF_ENDPOINT): it does not answer as Hugging Face does.',
    },
  );
}

/**
 * What a hub's refusal means; null for others.
 * @param code the header `x-error-code`: `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`, `GatedRepo` or none
 */
export function hubRefusal(
  status: number,
  code: string | null,
  { repository, revision }: Pick<HubAddress, 'repository' | 'revision'>,
  where: string,
): ReclmisError | null {
  const refused = (what: string): ReclmisError => new ReclmisError('HUB_REFUSED', `${where}: ${what}`);
  const missing = (what: string, remedy?: string): ReclmisError =>
    new ReclmisError('HUB_MISSING', `${where}: ${what}`, remedy === undefined ? {} : { remedy });
  if (code === 'GatedRepo') return refused(`${repository} has conditions that this user has not accepted`);
  if (code === 'RevisionNotFound') return missing(`${repository} has no revision ${revision}`);
  if (code === 'EntryNotFound')
    return missing(
      `${repository}@${revision} has no such file`,
      'Name the folder that holds manifest.json: hf:owner/name@revision/folder; other models than RecLMIS’s are not read.',
    );
  // The hub answers 401 for what does not exist, so as not to tell private names.
  if (code === 'RepoNotFound' || status === 401)
    return missing(`${repository} does not exist, or this user may not read it`);
  if (status === 403) return refused(`this user may not read ${repository}`);
  if (status === 404 || status === 410) return missing(`is not there (HTTP status ${status})`);
  return null;
}
