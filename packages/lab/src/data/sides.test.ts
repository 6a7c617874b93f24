import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mirrorNote, sidesWarnings, UNKNOWN_HABITS } from '@reclmis/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configToYaml, loadConfig, loadPreset, resolveConfig } from '../config/config.js';
import { readReference, writeReference } from '../run/reference.js';
import { openRun, runFiles, writeRunInfo } from '../run/run.js';
import { stateSides } from '../evaluate/state-sides.js';
import { openDataset, type Case } from '@reclmis/data';
import { writeTinyData } from '@reclmis/data/testing';
import { tinyConfig } from '../testing/tiny-run.js';
import { train } from '../train/train.js';
import { measureSides, settleNote } from './sides.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-sides-'));
const data = join(root, 'data');
let cases: readonly Case[] = [];
const mirrored = (): Case[] => cases.map((one) => ({ ...one, note: mirrorNote(one.note) }));

beforeAll(async () => {
  await writeTinyData(data, 32, { train: 10, val: 6, test: 4 });
  ({ cases } = await openDataset(data, 'train'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const PATIENT = '10 of 10 notes that name one side fit the patient’s left and right';

describe('measureSides', () => {
  it('tells either convention, and not from few cases', async () => {
    expect(await measureSides(cases)).toMatchObject({ sides: 'patient', reason: PATIENT });
    expect(await measureSides(mirrored())).toMatchObject({
      sides: 'image',
      tally: { patient: 0, image: 10 },
    });
    expect(await measureSides(cases.slice(0, 6))).toMatchObject({ sides: 'unknown', tally: { patient: 6 } });
  });

  it('takes as many cases as it is told to, spread over all', async () => {
    expect((await measureSides(cases, 8)).tally).toEqual({ patient: 8, image: 0 });
    expect((await measureSides(cases, 3)).tally).toEqual({ patient: 3, image: 0 });
    expect((await measureSides(cases, 400)).tally).toEqual({ patient: 10, image: 0 });
  });
});

describe('settleNote', () => {
  it('makes of auto what the masks say, with the figure', async () => {
    const asked = loadConfig();
    expect(asked.note.sides).toBe('auto');
    const { config, note, lines } = await settleNote(asked, cases);
    expect(config.note.sides).toBe('patient');
    expect(note).toEqual({ sides: 'patient', by: 'masks', reason: PATIENT, grammar: 'lvit' });
    expect(lines).toEqual([
      `Left and right of the notes are the patient’s: ${PATIENT} (override with --note.sides).`,
    ]);
    expect((await settleNote(asked, mirrored())).config.note.sides).toBe('image');
    const few = await settleNote(asked, cases.slice(0, 2));
    expect(few.config.note.sides).toBe('unknown');
    expect(few.lines[0]).toMatch(
      /^It is not known whose left and right the notes mean: 2 of 2 notes .* too few to tell/,
    );
  });

  it('keeps what is stated, and says where the masks say otherwise', async () => {
    const stated = loadConfig(undefined, { 'note.sides': 'image' });
    const { config, note, lines } = await settleNote(stated, cases);
    expect([config.note.sides, note.by]).toEqual(['image', 'configuration']);
    expect(lines).toEqual([
      `warning SIDES_DIFFER: left and right of the notes are stated to be the image’s, but ${PATIENT}; the run keeps what is stated, so its masks may lie on the wrong side (--note.sides patient follows the masks)`,
    ]);
    expect((await settleNote(stated, mirrored())).lines).toEqual([]);
    const unknown = loadConfig(undefined, { 'note.sides': 'unknown' });
    expect(await settleNote(unknown, cases)).toMatchObject({
      note: { sides: 'unknown', reason: null },
      lines: [],
    });
  });

  it('tells notes in LViT’s grammar from others', async () => {
    const grammar = async (change: (note: string) => string): Promise<unknown> => {
      const config = loadConfig(undefined, { 'note.sides': 'unknown' });
      const changed = cases.map((one) => ({ ...one, note: change(one.note) }));
      return (await settleNote(config, changed)).note.grammar;
    };
    expect(await grammar((note) => note)).toBe('lvit');
    expect(await grammar((note) => (note.includes('left') ? 'LLL opacity' : 'RLL opacity'))).toBe('other');
  });

  it('keeps a vocabulary whose sentences the notes are in', async () => {
    const file = join(root, 'vocabulary.yaml');
    writeFileSync(
      file,
      "name: spots\ncanonical: { sentences: { note: 'Spot {places}.' } }\nlanguages: { en: { sides: { left: left, right: right }, findings: { spot: spot } } }\n",
    );
    const config = loadConfig(undefined, { 'note.sides': 'unknown', 'note.vocabulary': file });
    const inWords = cases.map((one) => ({
      ...one,
      note: one.note.includes('left') ? 'Spot left.' : 'Spot right.',
    }));
    const { note, lines } = await settleNote(config, inWords);
    expect(note).toMatchObject({ grammar: 'vocabulary', vocabulary: { name: 'spots' } });
    expect(lines).toEqual([]);
    const ships = readFileSync(file, 'utf8').replace('left: left, right: right', 'left: port, right: starboard').replace("'Spot {places}.'", "'Spot {places}.', words: { left: port, right: starboard }"); // prettier-ignore
    const strange = join(root, 'ships.yaml');
    writeFileSync(strange, ships);
    const fixed = { ...config, note: { ...config.note, vocabulary: strange } };
    const onShips = inWords.map((one) => ({ ...one, note: one.note.includes('left') ? 'Spot port.' : 'Spot starboard.' })); // prettier-ignore
    expect((await settleNote(fixed, onShips)).lines).toEqual([]);
    const llz = cases.map((one, i) => (i < 2 ? { ...one, note: 'Opacity, llz.' } : one));
    const english = loadConfig(undefined, { 'note.sides': 'unknown' });
    expect((await settleNote(english, llz)).lines).toEqual([
      expect.stringMatching(/^2 of 10 notes name a side in words that cannot be exchanged/) as string,
    ]);
    const still = { ...english, augment: { ...english.augment, flipProbability: 0 } };
    expect((await settleNote(still, llz)).lines).toEqual([]);
    const other = await settleNote(config, cases);
    expect(other.note).toEqual({ sides: 'unknown', by: 'configuration', reason: null, grammar: 'other' });
    expect(other.lines).toEqual([expect.stringContaining('are not in the sentences of') as string]);
    const missing = loadConfig(undefined, { 'note.vocabulary': join(root, 'none.yaml') });
    await expect(settleNote(missing, cases)).rejects.toMatchObject({ code: 'NOTE_VOCABULARY_INVALID' });
  });

  it('warns of notes that fit neither', () => {
    const mixed = {
      sides: 'unknown',
      tally: { patient: 30, image: 30 },
      reason: 'half',
      mixed: true,
    } as const;
    expect(sidesWarnings(mixed)).toMatchObject([{ code: 'SIDES_UNCLEAR' }]);
    expect(sidesWarnings({ ...mixed, mixed: false }, 'patient')).toEqual([]);
  });
});

describe('the configuration', () => {
  it('goes through YAML, and one of a version without note.sides reads', () => {
    const config = loadConfig(undefined, { 'note.sides': 'image' });
    const file = join(root, 'config.yaml');
    writeFileSync(file, configToYaml(config));
    expect(loadConfig(file)).toEqual(config);
    const { note: _, ...old } = config;
    expect(resolveConfig(old).note).toEqual({ sides: 'auto', vocabulary: '' });
    expect(() => loadConfig(undefined, { 'note.sides': 'left' })).toThrow(/auto, patient, image, unknown/);
  });

  it('is stated by the presets', () => {
    const sides = [
      'qata-cov19',
      'qata-cov19-1k',
      'monuseg',
      'monuseg-hour',
      'phantom',
      'mosmeddata-plus',
    ].map((name) => loadPreset(name).note.sides);
    expect(sides).toEqual(['image', 'image', 'image', 'image', 'patient', 'auto']);
  });
});

describe('a run', () => {
  it('records what it was trained with; an older one is unknown until it is stated', async () => {
    const dir = join(root, 'run');
    const lines: string[] = [];
    await train(tinyConfig(data, { 'note.sides': 'auto', 'train.epochs': 1 }), {
      out: dir,
      onNotice: (line) => lines.push(line),
    });
    expect(lines.filter((line) => line.includes(PATIENT))).toHaveLength(1);
    const run = openRun(dir);
    expect(run.sides).toBe('patient');
    expect(run.config.note).toEqual({ sides: 'patient', vocabulary: '' });
    expect(run.info.note).toEqual({ sides: 'patient', by: 'masks', reason: PATIENT, grammar: 'lvit' });
    expect(run.habits).toEqual({ sides: 'patient', grammar: 'lvit' });

    const { config, info } = runFiles(dir);
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace(/note:\n {2}sides: patient\n {2}vocabulary: ""\n/, ''),
    );
    const { note: _, ...older } = run.info;
    writeFileSync(info, JSON.stringify(older));
    expect(openRun(dir)).toMatchObject({ sides: 'unknown', habits: UNKNOWN_HABITS });
    expect(await stateSides(dir, 'image')).toEqual({ sides: 'image', by: 'statement', reason: null });
    const stated = openRun(dir);
    expect([stated.sides, stated.info.note?.sides]).toEqual(['image', 'image']);
    stated.loadModel().dispose(); // the checkpoint still fits
    expect({ ...stated.config, note: null }).toEqual({ ...run.config, note: null });
  });

  it('never holds masks against zones by a rule that was measured under other sides', async () => {
    const dir = join(root, 'run');
    writeRunInfo(dir, {
      ...openRun(dir).info,
      note: { sides: 'image', by: 'masks', reason: '', grammar: 'lvit' },
    });
    await stateSides(dir, 'patient');
    expect(openRun(dir).habits).toEqual({ sides: 'patient', grammar: 'lvit' }); // the grammar stays
    const remembered = readReference(dir)!;
    expect(remembered.masks?.sides).toBe('patient');
    const strict = { ...remembered, masks: { inside: 0.9, areas: true, sides: 'patient' as const } };
    const lines: string[] = [];
    const onNotice = (line: string): number => lines.push(line);

    writeReference(dir, strict);
    await stateSides(dir, 'patient', null, onNotice);
    expect(readReference(dir)?.masks?.inside).toBe(0.9); // the same sides
    await stateSides(dir, 'image', null, onNotice);
    expect(readReference(dir)?.masks).toEqual({ inside: 0.35, areas: true, sides: 'image' }); // measured again
    expect(lines).toEqual([]);

    const gone = `${data}-gone`;
    renameSync(data, gone);
    try {
      writeReference(dir, { ...strict, masks: { inside: 0.9, areas: false } }); // a version that did not say it
      await stateSides(dir, 'patient', null, onNotice);
    } finally {
      renameSync(gone, data);
    }
    expect(readReference(dir)?.masks).toEqual({ inside: null, areas: false, sides: 'patient' });
    expect(lines).toEqual([expect.stringMatching(/MASK_OUTSIDE_ZONES\): .*when the sides were the image’s/)]);

    // As if writing config.yaml failed: the rule is off.
    writeReference(dir, { ...strict, masks: { inside: 0.9, areas: true, sides: 'image' } });
    const empty = { width: 64, height: 64, data: new Uint8Array(64 * 64) };
    empty.data.fill(1, 60 * 64 + 50, 60 * 64 + 60);
    const codes = (): string[] => {
      const model = openRun(dir).loadModel();
      const found = model.checks.mask(empty, 'upper left lung', 'patient').map(({ code }) => code);
      model.dispose();
      return found;
    };
    expect(codes()).not.toContain('MASK_OUTSIDE_ZONES');
    writeReference(dir, strict);
    expect(codes()).toContain('MASK_OUTSIDE_ZONES');
  });
});
