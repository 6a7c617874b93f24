/**
 * A root folder that holds a distribution, one Node and an empty home, and nothing of the clone: programs in it are
 * a stranger's. It needs Linux and the right to make mount namespaces.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Whether this machine lets us. */
export const EMPTY_ROOT =
  process.platform === 'linux' && spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0;

/** Folders mounted read-only from the distribution: compilers, libtorch, certificates. */
const SHARED = ['usr', 'etc', 'dev', 'proc', 'lib', 'lib64', 'bin', 'sbin', 'var/lib/dpkg'];

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface EmptyRoot {
  /** The stranger's home, seen from outside. */
  readonly home: string;
  /** Runs a program in a folder of the home. */
  run(folder: string, command: string, env?: Readonly<Record<string, string>>): Ended;
  start(folder: string, command: string): ChildProcess;
}

const HOME = '/home/stranger';

/** @param folder new @param node program of the Node to have @param npmrc npm's settings */
export function makeRoot(folder: string, node: string, npmrc: string): EmptyRoot {
  for (const name of [...SHARED, 'tmp', 'node/bin', 'node/lib/node_modules', HOME.slice(1)])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(node, join(folder, 'node/bin/node'));
  chmodSync(join(folder, 'node/bin/node'), 0o755);
  cpSync(npmFolder(), join(folder, 'node/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, 'node/bin', name));
  const home = join(folder, HOME);
  writeFileSync(join(home, '.npmrc'), npmrc);
  const mounts = SHARED.filter((name) => existsSync(join('/', name)))
    .map((name) => `mount --rbind '${realpathSync(join('/', name))}' '${join(folder, name)}'`)
    .join(' && ');
  const enter = (at: string, command: string, env: Readonly<Record<string, string>> = {}): string[] => {
    const set = { PATH: '/node/bin:/usr/bin:/bin', HOME, LANG: 'C.UTF-8', ...env };
    const variables = Object.entries(set).map(([name, value]) => `${name}='${value}'`);
    const script = `cd '${HOME}/${at}' && ${command}`;
    const inside = `exec chroot '${folder}' /usr/bin/env -i ${variables.join(' ')} /bin/bash --norc -c "$0"`;
    return [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--propagation',
      'private',
      'bash',
      '-c',
      `${mounts} && ${inside}`,
      script,
    ];
  };
  return {
    home,
    run: (at, command, env) => {
      mkdirSync(join(home, at), { recursive: true });
      const { status, stdout, stderr } = spawnSync('unshare', enter(at, command, env), {
        encoding: 'utf8',
        maxBuffer: 64 << 20,
      });
      return { status, stdout, stderr };
    },
    start: (at, command) => {
      mkdirSync(join(home, at), { recursive: true });
      return spawn('unshare', enter(at, command), { stdio: ['ignore', 'pipe', 'inherit'] });
    },
  };
}

/** The npm that runs here. */
function npmFolder(): string {
  const found = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' }).stdout.trim();
  const here = join(found, 'npm');
  return existsSync(here) ? here : join(dirname(process.execPath), '..', 'lib/node_modules/npm');
}
