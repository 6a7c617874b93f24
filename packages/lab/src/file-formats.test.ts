/** Kept files of every version that lab reads are read, and those of newer versions are refused as such. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NEWER_REMEDY, ReclmisError } from '@reclmis/core';
import { readSafetensorsHeader } from '@reclmis/torch';
import { afterAll, describe, expect, it } from 'vitest';
import { readScore, scoreFiles } from './ablate/tasks.js';
import { ownExportIn, OWN_KEY } from './exchange/own-export.js';
import { parseInfo } from './run/checkpoint.js';
import { readConfidence } from './run/confidence.js';
import { readReference } from './run/reference.js';
import { openRun, type RunInfo } from './run/run.js';
import { parseManifest } from './weights/manifest.js';

const kept = (name: string): string =>
  fileURLToPath(new URL(`../../../tests/fixtures/formats/${name}`, import.meta.url));
const text = (name: string): string => readFileSync(kept(name), 'utf8');
const root = mkdtempSync(join(tmpdir(), 'reclmis-formats-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A run folder with kept files, one of which may be of a newer version. */
function runFolder(newer = ''): string {
  const dir = join(root, `run-${(folders += 1)}`);
  mkdirSync(dir);
  copyFileSync(kept('run-1.config.yaml'), join(dir, 'config.yaml'));
  for (const name of ['run', 'reference', 'confidence'])
    writeFileSync(join(dir, `${name}.json`), name === newer ? newerOf(name) : text(`${name}-1.json`));
  return dir;
}

const newerOf = (name: string): string =>
  text(`${name}-1.json`).replace(`reclmis-${name}/1`, `reclmis-${name}/9`);
const checkpoint = (name: string): ReturnType<typeof parseInfo> =>
  parseInfo(name, readSafetensorsHeader(kept(`${name}-1.safetensors`)).metadata);
const score = (content: string): unknown => {
  const dir = join(root, `score-${(folders += 1)}`);
  mkdirSync(join(dir, 'evaluation'), { recursive: true });
  writeFileSync(scoreFiles(dir).score, content);
  return readScore(dir, { best: { epoch: 1, dice: 0 } } as unknown as RunInfo);
};

describe('files of version 1', () => {
  it('are read: run, reference, confidence', () => {
    const { config, info, sides, habits } = openRun(runFolder());
    expect([config.model.baseWidth, config.data.dir, info.best, sides, habits.grammar]).toEqual([
      4,
      '/data/phantoms',
      { epoch: 1, dice: 0 },
      'patient',
      'lvit',
    ]);
    expect(readReference(runFolder())).toMatchObject({
      cases: 16,
      masks: { inside: 0.35, sides: 'patient' },
    });
    expect(readConfidence(runFolder())?.calibration.data.cases).toBe(40);
  });

  it.each(['checkpoint', 'resume'])('are read: %s', (name) => {
    const { format, info } = checkpoint(name);
    expect([format, info.epoch, info.step, info.config.model.name]).toEqual([
      `reclmis-${name}/1`,
      1,
      1,
      'reclmis',
    ]);
  });

  it('are read: weights, export, ablation-score', () => {
    expect(parseManifest(text('weights-1.json'))).toMatchObject({ manifest: { id: 'clip-tiny' } });
    const own = ownExportIn({ about: new Map([[OWN_KEY, text('export-1.json')]]), path: 'kept.pth' });
    expect([own?.config.model.baseWidth, own?.encoder.kind, own?.note?.sides]).toEqual([
      4,
      'words',
      'patient',
    ]);
    expect(score(text('ablation-score-1.json'))).toMatchObject({ images: 2, mean: { dice: 0.5 } });
  });
});

describe('files of a newer version', () => {
  it.each<[string, string, () => unknown]>([
    ['run', 'RUN_INVALID', () => openRun(runFolder('run'))],
    ['reference', 'RUN_INVALID', () => readReference(runFolder('reference'))],
    ['confidence', 'RUN_INVALID', () => readConfidence(runFolder('confidence'))],
    [
      'checkpoint',
      'CHECKPOINT_CORRUPT',
      () => parseInfo('x', { format: 'reclmis-checkpoint/9', info: '{}' }),
    ],
    ['resume', 'CHECKPOINT_CORRUPT', () => parseInfo('x', { format: 'reclmis-resume/9', info: '{}' })],
    ['weights', 'WEIGHTS_CORRUPT', () => parseManifest(newerOf('weights'))],
    [
      'export',
      'WEIGHTS_UNSUPPORTED',
      () => ownExportIn({ about: new Map([[OWN_KEY, newerOf('export')]]), path: 'x.pth' }),
    ],
    ['ablation-score', 'RUN_INVALID', () => score(newerOf('ablation-score'))],
  ])('%s is refused with %s, and the remedy to update', (name, code, read) => {
    let refused: unknown = null;
    try {
      read();
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(ReclmisError);
    const { message, remedy } = refused as ReclmisError;
    expect([(refused as ReclmisError).code, remedy]).toEqual([code, NEWER_REMEDY]);
    expect(message).toContain(`got reclmis-${name}/9, made by a newer version of reclmis`);
  });
});
