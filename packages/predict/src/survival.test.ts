/** Kills predictions (SIGKILL) at random moments: resumed, they leave the same files, byte for byte. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '@reclmis/core';
import { writePngRgb } from '@reclmis/files';
import { afterAll, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./testing/predict-process.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'reclmis-predict-kill-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const COUNT = 60;
const KILLS = 10;

function results(out: string): Record<string, string> {
  const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(out, name)).isFile());
  return Object.fromEntries(
    files
      .filter((name) => name !== 'run.json' && name !== 'cases.jsonl')
      .map((name) => [name, readFileSync(join(out, name)).toString('base64')]),
  );
}

it('killed ten times, it ends with the same bytes', { timeout: 120_000 }, async () => {
  const random = Random.from('predict kills', 1);
  const images = join(root, 'images');
  const rows = ['Image,Description'];
  for (let i = 0; i < COUNT; i++) {
    const id = `${i % 2 === 0 ? 'even' : 'odd'}/i${i}`;
    mkdirSync(join(images, id, '..'), { recursive: true });
    const [width, height] = [20 + random.int(30), 20 + random.int(30)];
    const data = Uint8Array.from({ length: width * height * 3 }, () => random.int(256));
    await writePngRgb(join(images, `${id}.png`), { width, height, data });
    rows.push(`${id}.png,${random.int(2) === 0 ? 'bright' : 'dark'}`);
  }
  const notes = join(root, 'notes.csv');
  writeFileSync(notes, `${rows.join('\n')}\n`);
  const start = (out: string, delay: number): ReturnType<typeof spawn> =>
    spawn(process.execPath, [SCRIPT, `${images}/**/*.png`, notes, out, String(delay)], { stdio: 'ignore' });
  const end = async (child: ReturnType<typeof spawn>): Promise<number | null> =>
    new Promise((resolve) => child.once('close', (code) => resolve(code)));

  const whole = join(root, 'whole');
  expect(await end(start(whole, 0))).toBe(0);

  const out = join(root, 'killed');
  const journal = join(out, 'cases.jsonl');
  const size = (): number => (existsSync(journal) ? statSync(journal).size : 0);
  let killedAtWork = 0;
  let leftHalfWritten = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const before = size();
    const child = start(out, 20);
    const ended = end(child);
    while (child.exitCode === null && size() === before) await sleep(2); // once it has done something
    await sleep(random.int(40));
    if (child.exitCode === null) killedAtWork++;
    child.kill('SIGKILL');
    await ended;
    if (readdirSync(out, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.tmp')))
      leftHalfWritten++;
  }
  const lines = readFileSync(journal, 'utf8').split('\n').length - 2;
  expect(killedAtWork).toBeGreaterThan(KILLS / 2);
  expect(lines).toBeGreaterThan(0);
  expect(await end(start(out, 0))).toBe(0);
  expect(results(out)).toEqual(results(whole));
  expect(Object.keys(results(out))).toHaveLength(COUNT * 4 + 1);
  console.info(
    `killed at work ${killedAtWork} times, ${leftHalfWritten} times while files were being written`,
  );
});
