/** Left and right, from a run to masks. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { MANIFEST_FILE, mirrorNote, parseManifest } from '@reclmis/core';
import { openDataset } from '@reclmis/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallModel, smallRun } from './testing/exported.js';
import { reclmisIn } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-sides-command-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisIn(root);
const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';
const images = join('data', 'Test_Folder', 'img');

interface Statistics {
  readonly cases: readonly {
    readonly id: string;
    readonly area: number;
    readonly note: object;
    readonly zoneSides: string;
    readonly zones: readonly { readonly zone: string; readonly side: string; readonly area: number }[];
  }[];
}

function predicted(
  out: string,
  note: string,
  ...more: string[]
): { files: Buffer[]; statistics: Statistics } {
  const models = more.filter((word) => word.startsWith('run') || word.startsWith('model'));
  const rest = more.filter((word) => !models.includes(word));
  const { status, stderr } = reclmis(
    'predict',
    ...(models.length === 0 ? ['run'] : models),
    ...[
      '--image',
      images,
      '--note',
      note,
      '--probability',
      'npy',
      '--no-overlay',
      '--threads',
      '1',
      '-o',
      out,
    ],
    ...rest,
    '-q',
  );
  const others = stderr.replace(/^warning (?!SIDES_).*\n/gm, ''); // the small model's masks are doubtful
  expect({ status, others }).toEqual({ status: 0, others: '' });
  const names = readdirSync(join(root, out)).filter((name) => /\.(?:png|npy)$/.test(name));
  return {
    files: names.sort().map((name) => readFileSync(join(root, out, name))),
    statistics: JSON.parse(readFileSync(join(root, out, 'statistics.json'), 'utf8')) as Statistics,
  };
}

/** A copy of the run with other sides. */
function copied(name: string, sides: string): string {
  cpSync(join(root, 'run'), join(root, name), { recursive: true });
  const told = reclmis('sides', name, sides, '--json');
  expect(told.status).toBe(0);
  return name;
}

beforeAll(async () => {
  await smallModel(await smallRun(root), join(root, 'model'));
  for (const sides of ['image', 'unknown']) copied(`run-${sides}`, sides);
});

describe.skipIf(!process.env['RECLMIS_SLOW'])('reclmis sides', () => {
  const json = (...args: string[]): unknown => JSON.parse(reclmis('sides', ...args, '--json').stdout);

  it('tells what a run and its model say', () => {
    const said = { kind: 'run', sides: 'patient', written: false };
    expect(json('run')).toMatchObject(said);
    expect(json('model')).toMatchObject({ ...said, kind: 'model' });
    expect(reclmis('sides', 'run').stdout).toContain('left and right of its notes are the patient’s');
  });

  it('states it, and infers it from the training data', () => {
    expect(json('run-image')).toMatchObject({ sides: 'image' });
    cpSync(join(root, 'run-unknown'), join(root, 'run-inferred'), { recursive: true });
    const { status, stderr } = reclmis('sides', 'run-inferred', 'data');
    expect(stderr).toMatch(
      /OPTION_INVALID: .*\d of \d notes? that names? one side fits? the patient’s left and right.*too few to tell/,
    );
    expect(status).toBe(2);
  });

  it('writes it into a manifest, also of a version that did not state it', () => {
    cpSync(join(root, 'model'), join(root, 'model-old'), { recursive: true });
    const file = join(root, 'model-old', MANIFEST_FILE);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/\n *"sides": "patient",/, ''));
    expect(json('model-old')).toMatchObject({ sides: 'unknown' });
    expect(json('model-old', 'image')).toMatchObject({ sides: 'image', written: true });
    expect(json('model-old')).toMatchObject({ sides: 'image' });
    const { reference } = parseManifest(JSON.parse(readFileSync(file, 'utf8')), file).training;
    expect(reference?.masks).toMatchObject({ inside: null, sides: 'image' });
    cpSync(join(root, 'model'), join(root, 'model-image'), { recursive: true });
    expect(reclmis('sides', 'model-image', 'patient').stderr).toBe('');
    expect(reclmis('sides', 'model-image', 'image').stderr).toMatch(
      /MASK_OUTSIDE_ZONES.* when the sides were the patient’s, and the training masks are not there/,
    );
  });

  it('is stated for an export, whose rules of masks are measured by these sides', () => {
    const masksOf = (dir: string): unknown =>
      parseManifest(JSON.parse(readFileSync(join(root, dir, MANIFEST_FILE), 'utf8')), dir).training.reference
        ?.masks;
    expect(masksOf('model')).toMatchObject({ sides: 'patient' });
    expect(reclmis('export', 'run-unknown', '--sides', 'image', '-o', 'exported-image').status).toBe(0);
    expect(masksOf('exported-image')).toEqual({ inside: 0.35, areas: true, sides: 'image' });
  });

  it('refuses unknown conventions and other folders', () => {
    expect(reclmis('sides', 'run', 'left').status).toBe(2);
    expect(reclmis('sides', 'nowhere').stderr).toMatch(/^error RUN_MISSING/);
  });
});

describe.skipIf(!process.env['RECLMIS_SLOW'])('reclmis predict --sides', () => {
  it.each([['run', '--flips'], ['model']])(
    'gives the masks of the note in the model’s own sides, bit for bit: %s %s',
    (model, ...flips) => {
      const own = predicted(`own-${model}`, NOTE, model, ...flips);
      const other = predicted(`other-${model}`, mirrorNote(NOTE), model, ...flips, '--sides', 'image');
      expect(other.files).toEqual(own.files);
      const plain = predicted(`plain-${model}`, mirrorNote(NOTE), model, ...flips);
      expect(plain.files).not.toEqual(own.files);
    },
  );

  it('tells zones in the caller’s sides, and whose they are', () => {
    const own = predicted('zones-own', NOTE).statistics;
    const other = predicted('zones-other', mirrorNote(NOTE), '--sides', 'image').statistics;
    for (const [i, one] of own.cases.entries()) {
      const its = other.cases[i];
      expect([one.note, one.zoneSides]).toEqual([
        { sides: 'patient', mirrored: false, style: 'as-is' },
        'patient',
      ]);
      expect([its?.note, its?.zoneSides]).toEqual([
        { sides: 'image', mirrored: true, style: 'as-is' },
        'image',
      ]);
      const renamed = one.zones.map((zone) => ({ ...zone, side: zone.side === 'left' ? 'right' : 'left' }));
      expect(its?.zones).toEqual(renamed);
    }
  });

  it('asks if the model does not say', () => {
    const { status, stderr } = reclmis(
      ...['predict', 'run-unknown', '--image', images, '--note', NOTE, '-o', 'asked'],
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^warning SIDES_UNKNOWN: \d+ of \d+ images? \(.*the model does not record whose left and right it learnt/m,
    );
    expect(stderr.match(/SIDES_UNKNOWN/g)).toHaveLength(1);
    const quiet = reclmis(
      'predict',
      'run-unknown',
      '--image',
      images,
      '--note',
      'all lung',
      '-o',
      'not-asked',
    );
    expect(quiet.stderr).not.toContain('SIDES_UNKNOWN');
  });

  it('gives each of several models the note in its own sides, and asks whose the note means', () => {
    const refused = reclmis('predict', 'run', 'run-image', '--image', images, '--note', NOTE, '-o', 'both');
    expect(refused.stderr).toMatch(
      /^error OPTION_INVALID: the models have learnt different sides \(run: the patient’s, run-image: the image’s\)/,
    );
  });

  it('does not resume results of notes with other sides', () => {
    predicted('again', NOTE, '--sides', 'image');
    const { stderr } = reclmis(
      ...[
        'predict',
        'run',
        '--image',
        images,
        '--note',
        NOTE,
        '--sides',
        'patient',
        '-o',
        'again',
        '--resume',
      ],
    );
    expect(stderr).toMatch(/OUTPUT_EXISTS: .*notes of image sides/);
  });

  it('resumes if the model’s own sides are given, but not if the model’s have changed', () => {
    const named = ['--image', images, '--note', NOTE, '-o', 'resumed', '--resume', '--no-overlay', '-q'];
    copied('run-stated', 'patient');
    predicted('resumed', NOTE, 'run-stated');
    expect(reclmis('predict', 'run-stated', ...named, '--sides', 'patient').status).toBe(0);
    expect(reclmis('sides', 'run-stated', 'image').status).toBe(0); // zones would be named by the other convention
    const { status, stderr } = reclmis('predict', 'run-stated', ...named);
    expect(stderr).toMatch(
      /^error OUTPUT_EXISTS: .*expected results of .*notes of image sides, free notes, found .*patient/m,
    );
    expect(status).toBe(7);
  });
});

describe.skipIf(!process.env['RECLMIS_SLOW'])('reclmis explain', () => {
  const explained = (run: string, out: string, note: string, ...more: string[]): Record<string, unknown> => {
    const name = readdirSync(join(root, images))[0] ?? '';
    const { status } = reclmis(
      ...[
        'explain',
        run,
        '--image',
        join(images, name),
        '--note',
        note,
        '-o',
        out,
        '--numbers',
        '--target',
        'all',
        '--threads',
        '1',
      ],
      ...more,
      '-q',
    );
    expect(status).toBe(0);
    return JSON.parse(readFileSync(join(root, out, 'report.json'), 'utf8')) as Record<string, unknown>;
  };

  it('uses the run’s sides by default', () => {
    const zones = (run: string): unknown => explained(run, `why-${run}`, NOTE)['gradCamZones'];
    expect(zones('run')).toMatchObject({ sides: 'patient', named: ['upper left'] });
    expect(zones('run-image')).toMatchObject({ sides: 'image', named: ['upper left'] });
  });

  it('explains the same by a note of the other sides, in the caller’s words', () => {
    const own = explained('run', 'why-own', NOTE);
    const other = explained('run', 'why-other', mirrorNote(NOTE), '--sides', 'image');
    expect(other['gradCam']).toEqual(own['gradCam']);
    const zones = own['gradCamZones'] as { inside: number };
    expect(other['gradCamZones']).toMatchObject({
      sides: 'image',
      named: ['upper right'],
      inside: zones.inside,
    });
    expect(other['note']).toMatchObject({ sides: 'image', mirrored: true, text: NOTE });
    expect(JSON.stringify(other['remarks'])).toContain('left and right swapped');
  });

  it('says that it is not known of an older run', () => {
    const report = explained('run-unknown', 'why-unknown', NOTE);
    expect(JSON.stringify(report['remarks'])).toContain('SIDES_UNKNOWN');
    expect(report['gradCamZones']).toMatchObject({ sides: 'patient' });
  });
});

describe.skipIf(!process.env['RECLMIS_SLOW'])('reclmis export --sides', () => {
  it('states them for a run that does not, and refuses to contradict one that does', () => {
    const out = ['-o', 'stated', '--sides', 'image', '--threads', '1', '-q'];
    expect(reclmis('export', 'run-unknown', ...out).status).toBe(0);
    const manifest = readFileSync(join(root, 'stated', MANIFEST_FILE), 'utf8');
    expect((JSON.parse(manifest) as { note: { sides: string } }).note.sides).toBe('image');
    const { stderr } = reclmis('export', 'run', '-o', 'contradicted', '--sides', 'image');
    expect(stderr).toMatch(
      /^error OPTION_INVALID: --sides image: run was trained with notes that mean the patient’s sides/,
    );
  });
});

describe.skipIf(!process.env['RECLMIS_SLOW'])('reclmis evaluate --sides', () => {
  const dice = (...args: string[]): { mean: number; sides: object; notices: string } => {
    const { stdout, stderr } = reclmis('evaluate', 'run', '--threads', '1', '--json', ...args);
    const found = JSON.parse(stdout) as { summary: { mean: { dice: number } }; sides: object };
    return { mean: found.summary.mean.dice, sides: found.sides, notices: stderr };
  };

  it('mirrors notes of the other sides for the run', async () => {
    const own = dice();
    expect(own.sides).toEqual({ notes: 'patient', learnt: 'patient', mirrored: false });
    cpSync(join(root, 'data'), join(root, 'theirs'), { recursive: true });
    const { cases } = await openDataset(join(root, 'data'), 'test');
    const folder = join(root, 'theirs', 'Test_Folder');
    rmSync(join(folder, 'Test_text.xlsx'));
    const rows = cases.map(({ maskPath, note }) => `${basename(maskPath)},"${mirrorNote(note)}"`);
    writeFileSync(join(folder, 'Test_text.csv'), ['Image,Description', ...rows, ''].join('\n'));
    const theirs = dice('--data', 'theirs', '--sides', 'image');
    expect(theirs.sides).toEqual({ notes: 'image', learnt: 'patient', mirrored: true });
    expect(theirs.mean).toBe(own.mean);
    expect(theirs.notices).toMatch(/Left and right were swapped in \d+ of \d+ notes/);
  });
});
