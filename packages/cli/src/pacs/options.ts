/** Options of every `reclmis pacs` command: which PACS, and with which credentials. Secrets come from files or the environment. */
import type { Credentials, Pacs } from '@reclmis/clinical';
import { ReclmisError } from '@reclmis/core';
import { isOpenToAll, readSecret } from '@reclmis/files';
import type { Command } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { numberOf, type Output, type OutputOptions } from '../output.js';

export interface CredentialFlags {
  readonly tokenFile?: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

export interface PacsFlags extends OutputOptions, CredentialFlags {
  readonly url: string;
  readonly insecure?: boolean;
  readonly timeout: number;
}

/** Used where no file is given. */
const TOKEN = 'RECLMIS_PACS_TOKEN';
const PASSWORD = 'RECLMIS_PACS_PASSWORD';

export function withPacsOptions(command: Command): Command {
  return command
    .requiredOption('--url <url>', 'DICOMweb root of the PACS, such as https://pacs.example/dicom-web')
    .option('--token-file <file>', `file with a bearer token (default: ${TOKEN} of the environment)`)
    .option('--user <name>', 'name for basic authentication')
    .option('--password-file <file>', `file with its password (default: ${PASSWORD} of the environment)`)
    .option('--insecure', 'send credentials over http: to another machine, where others can read them')
    .option(
      '--timeout <ms>',
      'time limit until an answer begins, and for each of its pauses',
      numberOf('--timeout', { min: 1, max: 86_400_000 }),
      30_000,
    );
}

/** The PACS; says what of it should be known. @throws OPTION_INVALID */
export async function pacsOf(flags: PacsFlags, output: Output): Promise<Pacs> {
  const { url, timeout, insecure = false } = flags;
  const { Pacs } = await import('@reclmis/clinical'); // a second to load
  return new Pacs(url, {
    credentials: await credentialsOf(flags, (line) => output.notice(line)),
    insecure,
    timeout,
    silence: timeout,
    signal: interruptSignal(),
    onRetry: (problem) => output.notice(`${problem}; trying again`),
  });
}

/**
 * By the files given, else by the environment. Files are read again for each request.
 * @param prefix of the options' names @throws OPTION_INVALID
 */
export async function credentialsOf(
  { tokenFile, user, passwordFile }: CredentialFlags,
  notice: (line: string) => void,
  prefix = '--',
): Promise<Credentials> {
  const { basicCredentials, bearerCredentials, noCredentials } = await import('@reclmis/clinical');
  const secretOf = async (option: string, file: string | undefined, variable: string) => {
    if (file === undefined) return process.env[variable] ?? null;
    await readSecret(option, file); // a mistake shows before work begins
    if (await isOpenToAll(file))
      notice(`${file}: every user of this machine can read the secret; run chmod 600 on it`);
    return () => readSecret(option, file);
  };
  if (user === undefined) {
    if (passwordFile !== undefined)
      throw new ReclmisError('OPTION_INVALID', `${prefix}password-file: expected ${prefix}user with it`);
    const token = await secretOf(`${prefix}token-file`, tokenFile, TOKEN);
    return token === null ? noCredentials : bearerCredentials(token);
  }
  if (tokenFile !== undefined)
    throw new ReclmisError('OPTION_INVALID', `${prefix}user and ${prefix}token-file: expected one of them`);
  const password = await secretOf(`${prefix}password-file`, passwordFile, PASSWORD);
  if (password === null)
    throw new ReclmisError('OPTION_INVALID', `${prefix}user: expected a password with it`, {
      remedy: `Put the password into a file and name it with ${prefix}password-file, or into ${PASSWORD}.`,
    });
  return basicCredentials(user, password);
}
