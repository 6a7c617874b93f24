/** The packages for training, which `reclmis` comes without: finding them, and installing them next to it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { oneLine, ReclmisError, VERSION } from '@reclmis/core/essentials';

export const TRAINING_PACKAGES = ['@reclmis/lab', '@reclmis/torch', '@reclmis/export'] as const;

/** Folder of the package `reclmis`. */
const HOME = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The error for an import that failed because a package for training is missing; null for any other.
 * @throws never
 */
export function trainingMissing(thrown: unknown): ReclmisError | null {
  if (!(thrown instanceof Error) || (thrown as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND')
    return null;
  const missing = TRAINING_PACKAGES.find((name) => thrown.message.includes(`'${name}'`));
  if (missing === undefined) return null;
  return new ReclmisError('TRAINING_MISSING', `${missing}, which this command needs, is not installed`, {
    cause: thrown,
  });
}

/** Those that are not installed in this version where `reclmis` looks for them. */
export function missingPackages(home = HOME): readonly string[] {
  return TRAINING_PACKAGES.filter((name) => versionNear(home, name) !== VERSION);
}

/** As Node looks for packages; looked up by hand, since Node remembers what it did not find. */
function versionNear(folder: string, name: string): string | null {
  const path = join(folder, 'node_modules', name, 'package.json');
  if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  return dirname(folder) === folder ? null : versionNear(dirname(folder), name);
}

export interface Installation {
  /** Where npm installs. */
  readonly folder: string;
  /** npm’s arguments. */
  readonly args: readonly string[];
}

/**
 * How to install `names` where `reclmis` finds them: into the project that has it (npx keeps one of its own), or, where
 * npm installed it globally, into its own folder.
 * @throws SETUP_FAILED where another program than npm keeps node_modules
 */
export function planInstallation(names: readonly string[], home = HOME): Installation {
  const exact = names.map((name) => `${name}@${VERSION}`);
  const modules = dirname(home);
  const project = dirname(modules);
  const by = (program: string): never => {
    throw new ReclmisError('SETUP_FAILED', `${project}: ${program} installed reclmis here, not npm`, {
      remedy: `Run \`${program} add ${exact.join(' ')}\`, then \`reclmis setup\` again.`,
    });
  };
  if (home.split(sep).includes('.pnpm')) by('pnpm');
  if (basename(modules) !== 'node_modules')
    throw new ReclmisError('SETUP_FAILED', `${home}: expected a folder below node_modules`, {
      remedy: 'In a clone, run `npm run setup`.',
    });
  if (existsSync(join(project, 'yarn.lock'))) by('yarn');
  const quiet = ['--no-audit', '--no-fund', '--no-progress'];
  return existsSync(join(project, 'package.json'))
    ? { folder: project, args: ['install', '--save-exact', ...quiet, ...exact] }
    : { folder: home, args: ['install', '--no-save', '--omit=dev', ...quiet, ...exact] };
}

/** @throws SETUP_FAILED with npm's last words; the signal's reason */
export async function install({ folder, args }: Installation, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const child = spawn('npm', args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: process.platform === 'win32', // npm is a batch file there
    signal,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const failed = (why: string, cause?: unknown): never => {
    signal.throwIfAborted();
    throw new ReclmisError(
      'SETUP_FAILED',
      `npm could not install ${args.slice(-1)[0] ?? ''} in ${folder}: ${why}`,
      {
        cause,
      },
    );
  };
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  }).catch((cause: unknown) => failed(oneLine(cause), cause));
  if (status !== 0) failed(errorLineOf(said));
}

/** npm's first line about the error itself, without its prefix. */
function errorLineOf(said: string): string {
  const lines = said.split('\n').flatMap((line) => /^npm (?:error|ERR!) (.*)$/.exec(line)?.[1] ?? []);
  return lines.find((line) => !/^(?:code|errno|syscall|path) /.test(line)) ?? lines[0] ?? 'it said nothing';
}
