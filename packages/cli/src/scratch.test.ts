/** A command's own folder is gone however the command ends, even while threads write into it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'reclmis-scratch-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** As `pacs segment` during prediction: it asked for the signal, and is busy writing. */
const BUSY = `
  import { writeFile } from 'node:fs/promises';
  import { join } from 'node:path';
  const { interruptSignal, onInterrupt } = await import(${JSON.stringify(new URL('./interrupt.js', import.meta.url).href)});
  const { withScratch } = await import(${JSON.stringify(new URL('./scratch.js', import.meta.url).href)});
  onInterrupt(() => process.exit(130));
  interruptSignal();
  await withScratch('busy-', async (folder) => {
    const write = async (lane) => {
      for (let n = 0; ; n++) await writeFile(join(folder, lane + '-' + n), 'x');
    };
    process.stdout.write('busy');
    await Promise.all([1, 2, 3, 4].map(write));
  });
`;
/** npm repeats Ctrl-C at once, which does not count (interrupt.ts). */
const LATER = 700;

it('is gone when a second Ctrl-C ends the process in the middle of its work', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', BUSY], {
    env: { ...process.env, TMPDIR: root },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  await expect.poll(() => out, { timeout: 60_000 }).toBe('busy');
  expect(readdirSync(root)).toEqual([expect.stringMatching(/^busy-/)]);
  child.kill('SIGINT');
  await expect.poll(() => err, { timeout: 60_000 }).toContain('Ctrl-C again stops at once');
  await sleep(LATER);
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(readdirSync(root)).toEqual([]);
}, 120_000);
