/** `reclmis data check`: silent on phantoms; reports planted faults in names, JSON, a page and the status. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMask, writePngGrey, writePngMask } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-data-check-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);

interface Report {
  readonly suspicions: readonly { readonly code: string; readonly count: number; readonly cases: readonly { readonly id: string }[] }[]; // prettier-ignore
}

beforeAll(async () => {
  expect((await reclmis('data', 'phantom', '-o', 'clean', '--count', '40', '--seed', '3', '--size', '64', '-q')).status).toBe(0); // prettier-ignore
  cpSync(join(root, 'clean'), join(root, 'odd'), { recursive: true });
  const folder = join(root, 'odd', 'Train_Folder');
  const masks = readdirSync(join(folder, 'labelcol')).sort();
  const images = readdirSync(join(folder, 'img')).sort();
  const inverted = join(folder, 'labelcol', masks[1] ?? '');
  const mask = await readMask(inverted);
  await writePngMask(inverted, { ...mask, data: mask.data.map((value) => 1 - value) });
  const black = { width: 64, height: 64, data: new Uint8Array(64 * 64) };
  await writePngGrey(join(folder, 'img', images[4] ?? ''), black);
});

describe('reclmis data check', () => {
  it('says that nothing is wrong with phantoms, strictly too', async () => {
    const { status, stdout } = await reclmis('data', 'check', 'clean', '--strict');
    expect(status).toBe(0);
    expect(stdout).toMatch(/No problems found\.\n$/);
  });

  it('reports suspicious data in JSON and on a page, and fails with --strict', async () => {
    const named = await reclmis('data', 'check', 'odd', '-q', '--json', '--report', 'check.html');
    expect(named.status).toBe(0);
    const { suspicions } = JSON.parse(named.stdout) as Report;
    const ids = suspicions.map(({ code, count, cases }) => [code, count, cases.map(({ id }) => id)]);
    expect(ids).toContainEqual(['MASKS_INVERTED', 1, ['phantom_0002']]);
    expect(ids).toContainEqual(['IMAGES_BLANK', 1, ['phantom_0005']]);
    const page = readFileSync(join(root, 'check.html'), 'utf8');
    for (const text of ['MASKS_INVERTED: 1', 'train phantom_0002', 'data:image/png;base64,'])
      expect(page).toContain(text);
    expect(page).not.toContain('<script');

    const strict = await reclmis('data', 'check', 'odd', '--strict', '-q');
    expect(strict.status).toBe(3);
    expect(strict.stderr).toMatch(
      /^error DATA_SUSPICIOUS: odd: \d suspicions: MASKS_INVERTED: 1 mask covers/,
    );
  });

  it('gives the same remedy for an unquoted comma from `data check` and `train`', async () => {
    cpSync(join(root, 'clean'), join(root, 'comma'), { recursive: true });
    const folder = join(root, 'comma', 'Train_Folder');
    const text = 'Image,Description\na.png,One infected area, upper left lung.\n';
    rmSync(join(folder, 'Train_text.xlsx'));
    writeFileSync(join(folder, 'Train_text.csv'), text);
    const remedyOf = async (...args: readonly string[]): Promise<string> =>
      /^remedy: (.*)$/m.exec((await reclmis(...args)).stderr)?.[1] ?? 'none';
    const remedies = [
      await remedyOf('data', 'check', 'comma'),
      await remedyOf('train', '--data', 'comma', '-o', 'comma-run', '--text.encoder', 'words'),
    ];
    expect(remedies[0]).toMatch(/^Put fields that contain a comma.* in double quotes/);
    expect(new Set(remedies).size).toBe(1);
  });

  it('is repeated by plan in one line', async () => {
    const { stderr } = await reclmis('plan', 'odd', '--encoder', 'words');
    expect(stderr).toMatch(/^warning: \d suspicions about the data \(MASKS_INVERTED 1 case, .*\); see them with reclmis data check odd$/m); // prettier-ignore
  });

  it('is repeated by train, from what an earlier check found', async () => {
    writeFileSync(join(root, 'small.yaml'), 'model: { imageSize: 32, baseWidth: 4 }\ntrain: { epochs: 1, batchSize: 14 }\ntext: { encoder: words }\n'); // prettier-ignore
    const { status, stderr } = await reclmis('train', '--config', 'small.yaml', '--data', 'odd', '-o', 'run');
    expect(stderr).toMatch(/^warning: \d suspicions about the data \(MASKS_INVERTED 1 case, /m);
    expect(status).toBe(0);
  });

  it('is repeated by evaluate for its cases, but not with -q', async () => {
    const { status, stderr } = await reclmis('evaluate', 'run', '--split', 'train');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: \d suspicions about the data \(MASKS_INVERTED 1 case, .*\); see them with reclmis data check \S+$/m); // prettier-ignore
    const quiet = await reclmis('evaluate', 'run', '--split', 'train', '-q');
    expect([quiet.status, quiet.stderr]).toEqual([0, '']);
  });
});
