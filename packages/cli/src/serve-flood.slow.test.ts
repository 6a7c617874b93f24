/**
 * `reclmis serve` under 500 clients that pipeline without reading or token; prints figures to standard error.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { encodePng } from '@reclmis/files';
import { afterAll, describe, expect, it } from 'vitest';
import { smallModel, smallRun } from './testing/exported.js';
import { BIN } from './testing/reclmis.js';

const CLIENTS = 500;
const TOKEN = 'a-token-of-the-tests-0123456789';
const REQUESTS = Buffer.from('GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3_000));
const root = mkdtempSync(join(tmpdir(), 'reclmis-flood-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** MiB. */
const resident = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

describe.skipIf(!process.env['RECLMIS_SLOW'] || process.platform !== 'linux')(
  '500 clients without the token',
  () => {
    it(
      'leave at most 100 MiB behind; a minute later a request succeeds, and SIGTERM ends the server',
      { timeout: 300_000 },
      async () => {
        const model = await smallModel(await smallRun(root), join(root, 'model'));
        const tokenFile = join(root, 'token');
        writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
        const args = ['serve', model, '--port', '0', '--threads', '1', '--token-file', tokenFile, '-q'];
        const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
        try {
          let url = '';
          for await (const line of createInterface({ input: child.stderr })) {
            url = / at (http:\S+) /.exec(line)?.[1] ?? '';
            if (url !== '') break;
          }
          const pid = child.pid ?? 0;
          const segment = async (): Promise<number> => {
            const png = await encodePng({ width: 40, height: 30, data: new Uint8Array(3600).fill(90) }, 3);
            const form = new FormData();
            form.append('image', new Blob([Uint8Array.from(png)]), 'a.png');
            form.append('note', 'one infected area, upper left lung.');
            const headers = { authorization: `Bearer ${TOKEN}`, connection: 'close' };
            return (await fetch(`${url}/segment`, { method: 'POST', headers, body: form })).status;
          };
          expect(await segment()).toBe(200);
          const before = resident(pid);
          const sockets: Socket[] = [];
          for (let i = 0; i < CLIENTS; i++) {
            const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
            socket.on('error', () => undefined);
            const go = (): void => {
              if (socket.writable) socket.write(REQUESTS);
            };
            socket.on('connect', go).on('drain', go);
            sockets.push(socket);
          }
          let most = before;
          for (let i = 0; i < 30; i++) {
            await pause(500);
            most = Math.max(most, resident(pid));
          }
          for (const socket of sockets) socket.destroy();
          await pause(60_000);
          expect(await segment()).toBe(200);
          const after = resident(pid);
          const begun = performance.now();
          child.kill('SIGTERM');
          const [status] = (await once(child, 'exit')) as [number | null];
          const milliseconds = performance.now() - begun;
          process.stderr.write(
            `${JSON.stringify({ MiB: { before, most, after }, sigterm: Math.round(milliseconds) })}\n`,
          );
          expect(after - before).toBeLessThan(100);
          expect(status === 0 || status === 143).toBe(true);
          expect(milliseconds).toBeLessThan(5_000); // 1 s on an idle machine
        } finally {
          child.kill('SIGKILL');
        }
      },
    );
  },
);
