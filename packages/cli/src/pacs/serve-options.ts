/** `--pacs` of `reclmis serve`: a PACS whose series clients may have segmented. */
import type { Pacs } from '@reclmis/clinical';
import { defined, ReclmisError } from '@reclmis/core';
import type { Command } from 'commander';
import { numberOf } from '../output.js';

export interface ServePacsFlags {
  readonly pacs?: string;
  readonly pacsTokenFile?: string;
  readonly pacsUser?: string;
  readonly pacsPasswordFile?: string;
  readonly pacsInsecure?: boolean;
  readonly seriesTimeout?: number;
  readonly maxSeriesBytes?: number;
}

export function withServePacsOptions(command: Command): Command {
  return command
    .option(
      '--pacs <url>',
      'DICOMweb root of a PACS: adds POST /studies/STUDY/series/SERIES/segment, which stores a SEG there',
    )
    .option('--pacs-token-file <file>', 'file with a bearer token for it (default: RECLMIS_PACS_TOKEN)')
    .option('--pacs-user <name>', 'name for basic authentication there')
    .option('--pacs-password-file <file>', 'file with its password (default: RECLMIS_PACS_PASSWORD)')
    .option('--pacs-insecure', 'send credentials to it over http:, where others can read them')
    .option(
      '--series-timeout <ms>',
      'time limit to fetch, segment and store a series',
      numberOf('--series-timeout', { min: 1 }),
    )
    .option(
      '--max-series-bytes <n>',
      'largest series, bytes; two are in memory at most',
      numberOf('--max-series-bytes', { min: 1 }),
    );
}

/** Null without `--pacs`. @param notice for what should be known @throws OPTION_INVALID */
export async function servedPacs(
  flags: ServePacsFlags,
  notice: (line: string) => void,
): Promise<Pacs | null> {
  const { pacs: url, pacsTokenFile, pacsUser, pacsPasswordFile, pacsInsecure = false } = flags;
  if (url === undefined) {
    const other = Object.entries({ pacsTokenFile, pacsUser, pacsPasswordFile }).find(
      ([, value]) => value !== undefined,
    );
    if (other) throw new ReclmisError('OPTION_INVALID', `${optionOf(other[0])}: expected --pacs with it`);
    return null;
  }
  const { Pacs } = await import('@reclmis/clinical');
  const { credentialsOf } = await import('./options.js');
  const given = defined({ tokenFile: pacsTokenFile, user: pacsUser, passwordFile: pacsPasswordFile });
  return new Pacs(url, {
    credentials: await credentialsOf(given, notice, '--pacs-'),
    insecure: pacsInsecure,
  });
}

const optionOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
