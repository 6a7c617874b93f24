/** `reclmis notes` on phantoms without their notes, and on a plain folder of masks. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePng, readNotes, writeFileAtomic } from '@reclmis/files';
import { writePhantom } from '@reclmis/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-notes-command-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);
const text = (split: string): string => join(root, 'data', `${split}_Folder`, `${split}_text.xlsx`);

beforeAll(async () => {
  await writePhantom(join(root, 'data'), { count: 10, seed: 1, size: 64 });
});

describe('reclmis notes', () => {
  it('writes notes for a data set without text, marked as derived, and then keeps them', async () => {
    const kept = join(root, 'kept');
    mkdirSync(kept);
    for (const split of ['Train', 'Val', 'Test']) {
      cpSync(text(split), join(kept, `${split}.xlsx`));
      rmSync(text(split));
    }
    const { status, stdout, stderr } = await reclmis('notes', 'data', '--in-place');
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/^reading masks: 10\/10/) as string,
    });
    expect(stdout).toContain('They are derived from the labels');
    for (const split of ['Train', 'Val', 'Test']) {
      const [made, drawn] = [await readNotes(text(split)), await readNotes(join(kept, `${split}.xlsx`))];
      expect([...made.notes.keys()]).toEqual([...drawn.notes.keys()]);
      expect(made.derived.size).toBe(made.notes.size);
      expect(drawn.derived.size).toBe(0);
    }
    expect((await reclmis('data', 'check', 'data', '-q')).status).toBe(0);
    const again = await reclmis('notes', 'data', '--in-place');
    expect(again.status).toBe(7);
    expect(again.stderr).toMatch(
      /^error OUTPUT_EXISTS: .*the train split already has notes\nremedy: .*--overwrite/,
    );
    expect((await reclmis('notes', 'data', '--in-place', '--overwrite', '--split', 'val', '-q')).status).toBe(
      0,
    );

    cpSync(join(kept, 'Train.xlsx'), text('Train'));
    const compared = await reclmis('notes', 'data', '--compare', '--split', 'train', '--json', '-q');
    const { agreement } = JSON.parse(compared.stdout) as {
      agreement: { counts: { cases: number; sides: number } }[];
    };
    // The phantom's masks are clearly on their sides; its notes mean the patient's.
    expect(agreement.map(({ counts }) => [counts.cases, counts.sides])).toEqual([[6, 6]]);
  });

  it('writes one file for a folder of masks, in each format', async () => {
    const masks = join(root, 'data', 'Test_Folder', 'labelcol');
    for (const name of ['n.xlsx', 'n.csv', 'n.jsonl']) {
      expect((await reclmis('notes', masks, '-o', name, '-q')).status).toBe(0);
      const { notes, derived } = await readNotes(join(root, name));
      expect([...notes.keys()]).toEqual(['mask_phantom_0009.png', 'mask_phantom_0010.png']);
      expect([...derived]).toEqual([...notes.keys()]);
      for (const note of notes.values()) expect(note).toMatch(/^(Uni|Bi)lateral pulmonary infection, /);
    }
    expect(readFileSync(join(root, 'n.csv'), 'utf8')).toMatch(/^Image,Description,Source\r\n/);
  });

  it('refuses masks of other organs, and conflicting options', async () => {
    const cells = new Uint8Array(64 * 64).map((_, p) =>
      (p % 64) % 8 < 3 && Math.floor(p / 64) % 8 < 3 ? 255 : 0,
    );
    const png = await encodePng({ width: 64, height: 64, data: cells }, 1);
    await writeFileAtomic(join(root, 'cells', 'a.png'), png);
    const refused = await reclmis('notes', 'cells', '-o', 'cells.csv');
    expect(refused.status).toBe(3);
    expect(refused.stderr).toMatch(
      /error DATA_INVALID: .*a\.png: has 64 separate areas; notes on lungs only count up to 20/,
    );
    expect(existsSync(join(root, 'cells.csv'))).toBe(false);
    for (const [wanted, ...args] of [
      [/OPTION_INVALID: expected --out FILE/, 'cells'],
      [/OPTION_INVALID: cells: --in-place/, 'cells', '--in-place'],
      [/OPTION_INVALID: --zone-lines/, 'cells', '--zone-lines', '0.5,0.3', '-o', 'x.csv'],
    ] as const) {
      const { status, stderr } = await reclmis('notes', ...args);
      expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(wanted) as string });
    }
  });
});

describe('reclmis notes read', () => {
  it('shows what is understood, what is not, and the sentence for a model', async () => {
    const note = 'Two possible opacities in the rigth upper lobe, left lung clear, zorgblat wires.';
    const { status, stdout, stderr } = await reclmis('notes', 'read', note);
    expect(status).toBe(0);
    expect(stderr).toBe('warning NOTE_WORDS_MENDED: read as typing errors: "rigth" (right?)\n');
    expect(stdout).toBe(
      [
        'item            read as           in the note',
        '──────────────────────────────────────────────────',
        'language        en',
        'finding         opacity           opacities',
        'place           upper right lung  rigth upper lobe',
        'nothing in      left lung         left lung',
        'count           2                 Two',
        'extent          multifocal        Two',
        'uncertain       yes               possible',
        'not understood                    zorgblat',
        '',
        'A model that learnt LViT’s notes gets:',
        'Unilateral pulmonary infection, two infected areas, upper right lung.',
        '',
      ].join('\n'),
    );
  });

  it('says when a note goes as written', async () => {
    const clear = await reclmis('notes', 'read', 'Lungs clear');
    expect(clear.stdout).toMatch(/nothing in {2}left lung[^]*\nA model gets the note as written\.\n$/);
    expect(clear.stderr).toMatch(/^warning NOTE_AS_WRITTEN: the note says that nothing is there/);
    const own = await reclmis('notes', 'read', 'upper left lung');
    expect(own.stdout).toContain('The note is in LViT’s words');
    expect(own.stderr).toBe('');
  });

  it('gives the same as JSON', async () => {
    const { stdout, stderr } = await reclmis(
      'notes',
      'read',
      'Opacity in the left lower zorgblat lobe',
      '--json',
      '-q',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      language: 'en',
      places: [{ side: 'left', zones: ['lower'] }],
      notUnderstood: ['zorgblat'],
      complete: false,
      canonical: null,
      style: 'as-is',
      warnings: [{ code: 'NOTE_AS_WRITTEN' }, { code: 'NOTE_PARTLY_READ' }],
    });
    expect(stderr).toContain('NOTE_PARTLY_READ');
    const read = await reclmis('notes', 'read', 'Infiltrat im linken Oberlappen', '--json');
    expect(JSON.parse(read.stdout)).toMatchObject({
      language: 'de',
      canonical: 'Unilateral pulmonary infection, upper left lung.',
      style: 'free',
    });
    expect((await reclmis('notes', 'read', ' . ')).stderr).toMatch(/^error NOTE_EMPTY/);
  });

  it('refuses the options of `notes`', async () => {
    for (const args of [
      ['read', 'LLL opacity', '--overwrite'],
      ['--overwrite', 'read', 'LLL opacity'],
    ]) {
      const { status, stderr } = await reclmis('notes', ...args);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(/^error OPTION_UNKNOWN: .*--overwrite/) as string,
      });
    }
  });
});

describe('reclmis notes check', () => {
  const polyps = fileURLToPath(new URL('../../../examples/vocabularies/polyps.yaml', import.meta.url));

  it('reads data whose columns have other names', async () => {
    const shades = (value: (i: number) => number): Promise<Uint8Array> =>
      encodePng({ width: 4, height: 4, data: Uint8Array.from({ length: 16 }, (_, i) => value(i)) }, 1);
    mkdirSync(join(root, 'named'));
    await writeFileAtomic(join(root, 'named', 'a.png'), await shades((i) => i));
    await writeFileAtomic(join(root, 'named', 'a_mask.png'), await shades((i) => (i < 4 ? 255 : 0)));
    await writeFileAtomic(join(root, 'named', 'cases.csv'), Buffer.from('File,Report\na.png,polyp\n'));
    const { status, stdout } = await reclmis('notes', 'check', polyps, '--data', 'named', '--columns', 'image=File,note=Report'); // prettier-ignore
    expect(status).toBe(0);
    expect(stdout).toContain('1 notes, 1 different\nunderstood completely: 1 ');
  });

  it('says how much of the notes a vocabulary reads', async () => {
    const rows = [
      'Two polyps, upper left and middle.',
      'a polyp at the top',
      'zorgblat polyp',
      'polyp, left.',
    ];
    const csv = ['Image,Description', ...rows.map((note, i) => `${i}.png,"${note}"`)].join('\n');
    await writeFileAtomic(join(root, 'polyps.csv'), Buffer.from(csv));
    const { status, stdout, stderr } = await reclmis('notes', 'check', polyps, '--notes', 'polyps.csv');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(
      [
        `${polyps}: vocabulary “polyps” (en, de), no problems found.`,
        '',
        '4 notes, 4 different',
        'understood completely: 3 (75.00 %)',
        'a sentence can be written: 3 (75.00 %)',
        'in the vocabulary’s own sentences: 2 (50.00 %); training records the vocabulary from 95 %',
        'words not understood: zorgblat (1)',
        '',
        'Not understood completely:',
        '  zorgblat polyp',
        '',
        'Put into other words:',
        '  a polyp at the top',
        '    -> polyp, upper.',
        '',
      ].join('\n'),
    );
    const data = await reclmis('notes', 'check', polyps, '--data', 'data', '--json', '-q');
    expect(JSON.parse(data.stdout)).toMatchObject({
      name: 'polyps',
      conflicts: [],
      notes: { notes: 10, own: 0 },
    });
  });

  it('lists all problems with their lines', async () => {
    const text =
      'name: x\ncanonical: {}\nlanguages:\n  en:\n    named: { above: top }\n    counts: { 0: none }\n';
    await writeFileAtomic(join(root, 'bad.yaml'), Buffer.from(text));
    const { status, stdout, stderr } = await reclmis('notes', 'check', 'bad.yaml');
    expect(status).toBe(2);
    expect(stdout).toMatch(
      /^bad\.yaml:5: languages\.en\.named\.above: .*\nbad\.yaml:6: languages\.en\.counts\.0: /,
    );
    expect(stderr).toMatch(/^error NOTE_VOCABULARY_INVALID: bad\.yaml: 2 problems\n/);
  });

  it('reads notes in the words of a vocabulary, ours or a file', async () => {
    const note = 'Zwei Polypen: links oben und in der Mitte';
    const read = await reclmis('notes', 'read', note, '--note-vocabulary', polyps);
    expect(read.stdout).toContain(
      'A model that learnt the sentences of “polyps” gets:\nTwo polyps, upper left and middle.\n',
    );
    expect(read.stdout).toMatch(/place +upper left +links oben/);
    const nuclei = await reclmis(
      'notes',
      'read',
      'many nuclei top left',
      '--note-vocabulary',
      'nuclei',
      '--json',
    );
    expect(JSON.parse(nuclei.stdout)).toMatchObject({
      canonical: 'The nuclei density in the upper left is high.',
      style: 'free',
    });
    const missing = await reclmis('notes', 'read', note, '--note-vocabulary', 'none.yaml');
    expect(missing.stderr).toMatch(/^error NOTE_VOCABULARY_INVALID: none\.yaml: cannot be read/);
  });
});
