/** verdaccio on a free port of loopback, with our packages; it fetches others from npm's configured registry. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface LocalRegistry {
  /** Ends with a slash. */
  readonly url: string;
  /** npm's settings for it, as the text of an .npmrc. */
  readonly npmrc: string;
  publish(archive: string): void;
  stop(): Promise<void>;
}

const VERDACCIO = join(
  dirname(createRequire(import.meta.url).resolve('verdaccio/package.json')),
  'bin',
  'verdaccio',
);
const LARGEST = '200mb';

/** @param folder new, for its files */
export async function startRegistry(folder: string): Promise<LocalRegistry> {
  mkdirSync(folder);
  const port = await freePort();
  const uplink = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const open = { access: '$all', publish: '$anonymous' };
  const config = join(folder, 'config.yaml'); // JSON is YAML
  writeFileSync(
    config,
    JSON.stringify({
      storage: join(folder, 'storage'),
      auth: { htpasswd: { file: join(folder, 'htpasswd') } },
      uplinks: { outside: { url: uplink, timeout: '120s', max_fails: 100 } },
      packages: { reclmis: open, '@reclmis/*': open, '**': { access: '$all', proxy: 'outside' } },
      max_body_size: LARGEST,
      log: { type: 'stdout', level: 'error' },
      web: { enable: false },
    }),
  );
  const child = spawn(process.execPath, [VERDACCIO, '--config', config, '--listen', `127.0.0.1:${port}`], {
    stdio: 'ignore',
    cwd: folder,
  });
  const url = `http://127.0.0.1:${port}/`;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await answers(url, () => child.exitCode !== null);
  const npmrc = `registry=${url}\n//127.0.0.1:${port}/:_authToken=none\naudit=false\nfund=false\nupdate-notifier=false\n`;
  const userconfig = join(folder, 'npmrc');
  writeFileSync(userconfig, npmrc);
  return {
    url,
    npmrc,
    publish: (archive) => {
      const args = ['publish', archive, '--userconfig', userconfig, '--registry', url, '--no-provenance'];
      execFileSync('npm', args, { cwd: folder, stdio: 'pipe' });
    },
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(url: string, ended: () => boolean): Promise<void> {
  for (;;) {
    if (ended()) throw new Error('verdaccio does not start');
    const ok = await fetch(`${url}-/ping`).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
