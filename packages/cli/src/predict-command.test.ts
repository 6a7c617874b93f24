import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readLabels, readMask } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-predict-command-'));
const images = join(root, 'data', 'Test_Folder', 'img');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const reclmis = reclmisHere(root);
const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';

beforeAll(async () => {
  const made = await reclmis(
    'data',
    'phantom',
    '--out',
    'data',
    '--count',
    '24',
    '--seed',
    '3',
    '--size',
    '32',
    '-q',
  );
  expect(made).toMatchObject({ status: 0, stderr: '' });
  const settings =
    '--epochs 1 --batch 4 --threads 1 --workers 0 --model.baseWidth 8 --model.imageSize 32 --model.layers 1 --text.encoder words -q';
  expect((await reclmis('train', '--data', 'data', '-o', 'run', ...settings.split(' '))).status).toBe(0);
});

describe('reclmis predict RUN', () => {
  it('writes the requested files and a summary, without notes', async () => {
    const wanted = ['--contours', '--probability', 'png16', '--spacing', '0.5'];
    const { status, stdout } = await reclmis(
      'predict',
      'run',
      '--image',
      images,
      '--note',
      NOTE,
      '-o',
      'masks',
      ...wanted,
    );
    expect(status).toBe(0);
    const stems = readdirSync(images).map((name) => name.slice(0, -'.png'.length));
    expect(stems.length).toBeGreaterThan(1);
    for (const stem of stems) {
      expect(stdout).toContain(stem);
      for (const end of ['mask.png', 'overlay.png', 'probability.png', 'contours.geojson'])
        expect(readdirSync(join(root, 'masks'))).toContain(`${stem}_${end}`);
    }
    const statistics = JSON.parse(readFileSync(join(root, 'masks', 'statistics.json'), 'utf8')) as {
      cases: { id: string; area: number; areaMm2: number }[];
    };
    for (const { id, area, areaMm2 } of statistics.cases) {
      const { data } = await readMask(join(root, 'masks', `${id}_mask.png`));
      expect(area).toBe(data.reduce((sum, value) => sum + value, 0));
      expect(areaMm2).toBe(area / 4);
    }
    const record = JSON.parse(readFileSync(join(root, 'masks', 'run.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(record).toMatchObject({
      format: 'reclmis-prediction/1',
      status: 'finished',
      model: {
        kind: 'run',
        name: 'run',
        files: [{ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown }],
      },
      counts: { cases: stems.length, done: stems.length, failed: 0 },
      settings: { notes: 'one for all', spacing: [0.5, 0.5] },
    });
    for (const name of ['run.json', 'cases.jsonl', 'statistics.json'])
      expect(readFileSync(join(root, 'masks', name), 'utf8')).not.toContain('infected');
  });

  it('puts free text into the model’s words, unless told not to', async () => {
    const predicted = async (out: string, note: string, ...more: string[]): Promise<Buffer[]> => {
      const words = `--image ${images} --probability npy --no-overlay --threads 1 -o ${out}`.split(' ');
      const { status, stderr } = await reclmis('predict', 'run', '--note', note, ...words, ...more);
      expect(status).toBe(0);
      notices.push(stderr.includes('were put into the words that the model has learnt'));
      const names = readdirSync(join(root, out)).sort();
      return names.filter((name) => name.endsWith('.npy')).map((name) => readFileSync(join(root, out, name)));
    };
    const notices: boolean[] = [];
    const canonical = 'Unilateral pulmonary infection, one infected area, upper left lung.';
    const own = await predicted('own', canonical);
    expect(own.length).toBeGreaterThan(0);
    expect(await predicted('free', 'One opacity, LUL')).toEqual(own);
    expect(await predicted('as-is', 'One opacity, LUL', '--note-style', 'as-is')).not.toEqual(own);
    expect(notices).toEqual([false, true, false]);
    const noted = (out: string): unknown =>
      JSON.parse(readFileSync(join(root, out, 'statistics.json'), 'utf8')) as unknown;
    const cases = (style: string): object => ({
      cases: expect.arrayContaining([
        expect.objectContaining({ note: { sides: 'patient', mirrored: false, style } }),
      ]) as unknown,
    });
    expect(noted('free')).toMatchObject(cases('free'));
    expect(noted('as-is')).toMatchObject(cases('as-is'));
    for (const name of ['run.json', 'cases.jsonl', 'statistics.json'])
      expect(readFileSync(join(root, 'free', name), 'utf8')).not.toMatch(/LUL|infected/);

    const again = [
      'predict',
      'run',
      '--image',
      images,
      '--note',
      'One opacity, LUL',
      '--no-overlay',
      '-o',
      'free',
    ];
    const mixed = await reclmis(...again, '--resume', '--note-style', 'as-is');
    expect(mixed.stderr).toMatch(/error OUTPUT_EXISTS: .*free notes/);
    const wrong = await reclmis(...again, '--note-style', 'loose');
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/Allowed choices are free, as-is/),
    ]);
  });

  it('asks for classes, each by its note, and takes the note’s own probabilities for each', async () => {
    const right = 'Unilateral pulmonary infection, one infected area, lower right lung.';
    const yaml = `upper left: ${NOTE}\nlower right:\n  note: ${right}\n  label: 5\n  threshold: 0.25\n`;
    writeFileSync(join(root, 'classes.yaml'), yaml);
    const words = `--image ${images} --probability npy --threads 1 -q`.split(' ');
    const given = ['predict', 'run', '--classes', 'classes.yaml', '-o', 'classes', ...words];
    const { status, stdout, stderr } = await reclmis(...given, '--json');
    expect([status, stderr.includes('error')]).toEqual([0, false]);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'finished' });
    const [image = ''] = readdirSync(images);
    const id = basename(image, '.png');
    const { data: labels } = await readLabels(join(root, 'classes', `${id}_labels.png`));
    const probabilities: Float32Array[] = [];
    for (const [name, note] of [
      ['upper-left', NOTE],
      ['lower-right', right],
    ] as const) {
      expect((await reclmis('predict', 'run', '--note', note, '-o', name, ...words)).status).toBe(0);
      const own = readFileSync(join(root, 'classes', `${id}_probability-${name}.npy`));
      expect(own).toEqual(readFileSync(join(root, name, `${id}_probability.npy`)));
      probabilities.push(new Float32Array(new Uint8Array(own.subarray(-4 * labels.length)).buffer));
    }
    const [first = [], second = []] = probabilities;
    const expected = Array.from(labels, (_, i) => {
      const [a = 0, b = 0] = [first[i], second[i]];
      return a > 0.5 && (a >= b || b <= 0.25) ? 1 : b > 0.25 ? 5 : 0;
    });
    expect([...labels]).toEqual(expected);
    const again = await reclmis(...given, '--resume', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ counts: { done: 0, failed: 0 } });

    writeFileSync(join(root, 'wrong.yaml'), yaml.replace('threshold:', 'treshold:'));
    const refused = async (...more: string[]): Promise<string> =>
      (await reclmis('predict', 'run', '--image', images, '-o', 'no', ...more)).stderr;
    expect(await refused('--classes', 'wrong.yaml')).toMatch(
      /^error CLASSES_INVALID: wrong\.yaml:5: lower right\.treshold: there is no such key; did you mean threshold\?\n/u,
    );
    for (const [name, text, message] of [
      ['empty.yaml', '', 'empty.yaml: expected classes by name, each with its note, got nothing'],
      ['list.yaml', '- heart\n', 'list.yaml: expected classes by name, each with its note, got a list'],
      ['twice.yaml', 'a: b\na: c\n', 'twice.yaml:2: not valid YAML: Map keys must be unique'],
    ] as const) {
      writeFileSync(join(root, name), text);
      expect(await refused('--classes', name)).toContain(`error CLASSES_INVALID: ${message}`);
    }
    expect(await refused('--classes', 'nowhere.yaml')).toMatch(
      /^error CLASSES_INVALID: nowhere\.yaml: cannot be read/u,
    );
    expect(await refused('--classes', 'classes.yaml', '--note', NOTE)).toMatch(/^error OPTION_INVALID: --classes states/u); // prettier-ignore
    expect(readdirSync(root)).not.toContain('no');
  });

  it('continues after bad cases with status 6, then does the rest with --resume', async () => {
    cpSync(images, join(root, 'some'), { recursive: true });
    writeFileSync(join(root, 'some', 'zz-broken.png'), 'no image');
    const stems = readdirSync(join(root, 'some'))
      .sort()
      .map((name) => name.slice(0, -'.png'.length));
    const lines = stems.slice(1).map((id) => JSON.stringify({ image: `${id}.png`, note: NOTE }));
    writeFileSync(join(root, 'notes.jsonl'), lines.join('\n'));
    const command = ['predict', 'run', '--image', 'some/*.png', '--notes', 'notes.jsonl', '-o', 'rest'];
    const first = await reclmis(...command, '-q');
    const said = first.stderr.trimEnd().split('\n');
    const [error, remedy, ...more] = said.filter((line) => !line.startsWith('warning '));
    expect(first.status).toBe(6);
    expect(error).toMatch(
      /^error PREDICT_INCOMPLETE: rest: 2 of \d+ .*\(NOTE_MISSING 1, IMAGE_UNREADABLE 1\).*run\.json/,
    );
    expect(remedy).toContain('--resume');
    expect(more).toEqual([]);

    expect(await reclmis(...command, '-q')).toMatchObject({
      status: 7,
      stderr: expect.stringMatching(/^error OUTPUT_EXISTS: .*\n.*--resume/) as unknown,
    });
    rmSync(join(root, 'some', 'zz-broken.png'));
    const again = await reclmis(...command, '--empty-notes', '--resume', '--json', '-q');
    expect(again.status).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      status: 'finished',
      counts: { cases: stems.length - 1, done: 1, skipped: stems.length - 2, failed: 0 },
    });
  });

  it('says a single image’s own error', async () => {
    writeFileSync(join(root, 'lonely.png'), 'no image');
    const { status, stderr } = await reclmis(
      'predict',
      'run',
      '--image',
      'lonely.png',
      '--note',
      NOTE,
      '-o',
      'one',
      '-q',
    );
    expect(stderr).toMatch(/^error IMAGE_UNREADABLE: lonely\.png/);
    expect(status).toBe(3);
  });

  it('says which words of the note the model lacks, quietly too, and keeps it with the results', async () => {
    const image = join(images, readdirSync(images)[0] ?? '');
    const { status, stderr } = await reclmis(
      'predict',
      'run',
      '--image',
      image,
      '--note',
      'Tumour',
      '-o',
      'foreign',
      '-q',
    );
    const id = basename(image, '.png');
    expect(status).toBe(0);
    expect(stderr).toContain(
      `warning NOTE_WORDS_UNKNOWN: 1 of 1 image (${id}): 1 of 1 word is unknown to the model: "tumour"\n`,
    );
    expect(stderr).toContain(
      `warning NOTE_WITHOUT_WORDS: 1 of 1 image (${id}): the model knows none of the note’s words\n`,
    );
    const statistics = JSON.parse(readFileSync(join(root, 'foreign', 'statistics.json'), 'utf8')) as {
      cases: { warnings: { code: string }[] }[];
      summary: { warnings: Record<string, { cases: number; first: string[] }> };
    };
    expect(statistics.cases[0]?.warnings.map(({ code }) => code).slice(0, 3)).toEqual([
      'NOTE_AS_WRITTEN',
      'NOTE_WORDS_UNKNOWN',
      'NOTE_WITHOUT_WORDS',
    ]);
    expect(statistics.summary.warnings['NOTE_WORDS_UNKNOWN']).toMatchObject({ cases: 1, first: [id] });
    const misspelt = [
      'predict',
      'run',
      '--image',
      image,
      '--note',
      'Uper leftlung',
      '--note-style',
      'as-is',
      '-o',
      'misspelt',
    ];
    const answer = await reclmis(...misspelt, '-q', '--json');
    expect(JSON.parse(answer.stdout)).toMatchObject({
      warned: 1,
      warnings: { NOTE_WORDS_UNKNOWN: { cases: 1, first: [id] } },
      casesWithWarnings: [
        {
          id,
          warnings: expect.arrayContaining([
            {
              code: 'NOTE_WORDS_UNKNOWN',
              message:
                '2 of 2 words are unknown to the model: "uper" (read as upper), "leftlung" (read as left lung)',
              words: [
                { word: 'uper', nearest: 'upper', read: true },
                { word: 'leftlung', nearest: 'left lung', read: true },
              ],
            },
          ]) as unknown,
        },
      ],
    });
  });

  it.each([
    [['data', '--image', 'x.png', '--note', 'n', '-o', 'o'], 4, 'MODEL_MISSING', /config\.yaml/],
    [['run', '--image', images, '-o', 'o'], 3, 'NOTE_MISSING', /neither/],
    [['run', '--image', 'no/*.png', '--note', 'n', '-o', 'o'], 3, 'IMAGE_MISSING', /no/],
    [['run', '--image', images, '--note', 'n', '-o', 'o', '--part', '3/2'], 2, 'OPTION_INVALID', /--part/],
    [
      ['run', '--image', images, '--note', 'n', '-o', 'o', '--spacing', '0'],
      2,
      'OPTION_INVALID',
      /--spacing/,
    ],
    [['run', '--image', images, '--note', 'n', '-o', images], 7, 'OUTPUT_EXISTS', /reads images from/],
    [
      ['run', '--image', images, '--note', 'n', '-o', 'o', '--resume', '--overwrite'],
      2,
      'OPTION_INVALID',
      /--resume/,
    ],
  ])('%j ends with %i and %s', async (args, status, code, message) => {
    const result = await reclmis('predict', ...args);
    expect(result.stderr).toMatch(new RegExp(`^error ${code}: `));
    expect(result.stderr).toMatch(message);
    expect(result.status).toBe(status);
    expect(readdirSync(root)).not.toContain('o');
  });
});

describe('reclmis predict MODEL', () => {
  it('gives the masks of the run that was exported', async () => {
    expect((await reclmis('export', 'run', '-o', 'model', '--threads', '1', '-q')).status).toBe(0);
    const settings = ['--image', images, '--note', NOTE, '--probability', 'png16'];
    expect((await reclmis('predict', 'run', ...settings, '-o', 'by-run')).status).toBe(0);
    const { status, stderr } = spawnSync(
      process.execPath,
      [BIN, 'predict', 'model', ...settings, '-o', 'by-model'],
      { encoding: 'utf8', cwd: root },
    );
    expect({ status, stderr }).toMatchObject({ status: 0 });
    let pixels = 0;
    let different = 0;
    for (const name of readdirSync(images)) {
      const mask = `${name.slice(0, -'.png'.length)}_mask.png`;
      const [a, b] = [
        await readMask(join(root, 'by-run', mask)),
        await readMask(join(root, 'by-model', mask)),
      ];
      expect(b.data.length).toBe(a.data.length);
      pixels += a.data.length;
      different += a.data.filter((value, i) => value !== b.data[i]).length;
    }
    expect(pixels).toBeGreaterThan(1000);
    expect(different / pixels).toBeLessThanOrEqual(1e-4); // probabilities differ by 1e-6, so only pixels at the threshold can change
  });

  it('is averaged with a run, flips and all, and named with its hashes', async () => {
    const command = [
      'predict',
      'run',
      'model',
      '--flips',
      '--image',
      images,
      '--note',
      NOTE,
      '-o',
      'both',
      '-q',
    ];
    expect(await reclmis(...command)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^(?:warning .*\n)*$/) as unknown,
    });
    const record = JSON.parse(readFileSync(join(root, 'both', 'run.json'), 'utf8')) as {
      model: { files: unknown[]; members: unknown[] };
    };
    expect(record).toMatchObject({
      model: {
        kind: 'average',
        name: 'run + reclmis-data',
        flips: true,
        members: [{ kind: 'run' }, { kind: 'model' }],
      },
      settings: { flips: true },
    });
    expect(record.model.files[0]).toMatchObject({
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
    });
    const alone = await reclmis('predict', 'run', ...command.slice(3), '--resume');
    expect(alone).toMatchObject({
      status: 7,
      stderr: expect.stringMatching(/^error OUTPUT_EXISTS/) as unknown,
    });
    const twice = await reclmis('predict', 'run', 'run', ...command.slice(4, 8), '-o', 'no', '-q');
    expect(twice).toMatchObject({ status: 2, stderr: expect.stringMatching(/the same model/) as unknown });
  });

  it('says of which notes no mirror image was segmented', async () => {
    const flipped = async (note: string): Promise<string> => {
      const asked = ['--flips', '--image', images, '--note', note, '-o', 'flipped', '--overwrite'];
      const { status, stderr } = await reclmis('predict', 'run', ...asked, '--note-style', 'as-is');
      expect(status, stderr).toBe(0);
      return stderr;
    };
    const line = / name left or right in words that cannot be exchanged; .* without flips\.$/m;
    expect(await flipped('opacity, llz')).toMatch(line);
    expect(await flipped(NOTE)).not.toMatch(line);
  });

  it('refuses options of runs', async () => {
    const { status, stderr } = await reclmis(
      'predict',
      'model',
      '--image',
      images,
      '--note',
      NOTE,
      '--checkpoint',
      'last',
      '-o',
      'no',
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('OPTION_INVALID');
  });
});
