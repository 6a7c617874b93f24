/** POST /segment: a form in, a mask or figures out. */
import { decodeImage, encodePng } from '@reclmis/files';
import { describe, expect, it } from 'vitest';
import { BOUNDARY, FakeModel, formOf, FORM_TYPE, greyPng, segment, send, serving } from '../testing.js';
import { type Answer, answerWanted } from './segment-answers.js';

const BRIGHT = greyPng(12, 10, 200);
const DARK = greyPng(12, 10, 50);
const HALF = await encodePng(
  { width: 12, height: 10, data: Uint8Array.from({ length: 120 }, (_, p) => (p % 12 < 6 ? 200 : 0)) },
  1,
);
const END = BOUNDARY.length + 6;
const JSON_PLEASE = { headers: { accept: 'application/json' } };

describe('POST /segment', () => {
  it('gives the mask as PNG at the image’s own size', async () => {
    await serving({}, async ({ url }) => {
      const answer = await segment(url, BRIGHT, { note: 'left lung' });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'image/png']);
      expect(answer.headers['server-timing']).toMatch(
        /^queue;dur=\d+\.\d, preprocess;dur=1\.0, text;dur=0\.0, segment;dur=2\.0, postprocess;dur=3\.0$/,
      );
      const mask = await decodeImage(answer.body, 'mask');
      expect([mask.width, mask.height, new Set(mask.data)]).toEqual([12, 10, new Set([255])]);
      const dark = await decodeImage((await segment(url, DARK, { note: 'left lung' })).body, 'mask');
      expect(new Set(dark.data)).toEqual(new Set([0]));
    });
  });

  it('gives figures as JSON, with the mask on request', async () => {
    await serving({}, async ({ url }) => {
      const figures = (await segment(url, BRIGHT, { note: 'left lung' }, JSON_PLEASE)).json();
      expect(figures).toEqual({
        model: 'tiny',
        width: 12,
        height: 10,
        threshold: 0.5,
        note: { sides: 'patient', mirrored: false, style: 'as-is', sent: 'left lung' },
        pixels: 120,
        share: 1,
        componentCount: 1,
        components: [{ pixels: 120, centroid: [6, 5], box: [0, 0, 12, 10] }],
        warnings: [{ code: 'MASK_COVERS_ALL', message: 'the mask covers 100.0 % of the image' }],
        timings: {
          queue: expect.any(Number) as number,
          preprocess: 1,
          text: 0,
          segment: 2,
          postprocess: 3,
          total: 6,
          batch: 1,
        },
      });
      const withMask = (
        await segment(url, BRIGHT, { note: 'left lung' }, { ...JSON_PLEASE, query: '?mask=1' })
      ).json();
      const png = await decodeImage(Buffer.from(withMask['mask'] as string, 'base64'), 'mask');
      expect([png.width, png.height, png.data[0]]).toEqual([12, 10, 255]);
    });
  });

  it.each([
    ['Linke Lunge', 'NOTE_WORDS_UNKNOWN, NOTE_WITHOUT_WORDS, MASK_EMPTY'],
    ['左肺', 'NOTE_WORDS_UNKNOWN, NOTE_WITHOUT_WORDS, MASK_EMPTY'],
    ['qwrt zxcv', 'NOTE_WORDS_UNKNOWN, NOTE_WITHOUT_WORDS, MASK_EMPTY'],
    ['left lugn', 'NOTE_WORDS_UNKNOWN, MASK_EMPTY'],
    ['left lung left lung left', 'NOTE_CUT, MASK_EMPTY'],
    ['left lung', 'MASK_EMPTY'],
  ])('says why a mask may be wrong, in a header and as JSON: %s', async (note, codes) => {
    await serving({}, async ({ url }) => {
      const picture = await segment(url, DARK, { note });
      expect([picture.status, picture.headers['reclmis-warnings']]).toEqual([200, codes]);
      const figures = await segment(url, DARK, { note }, JSON_PLEASE);
      expect(figures.headers['reclmis-warnings']).toBe(codes);
      const warnings = figures.json()['warnings'] as { code: string; message: string }[];
      expect(warnings.map(({ code }) => code).join(', ')).toBe(codes);
    });
  });

  it('gives the predicted Dice of a calibrated model', async () => {
    const model = new FakeModel();
    await serving({ model }, async ({ url }) => {
      const figures = async () => (await segment(url, BRIGHT, { note: 'left lung' }, JSON_PLEASE)).json();
      expect(await figures()).not.toHaveProperty('confidence');
      model.confidence = {
        dice: 0.75,
        calibrated: true,
        presence: { probability: 0.875, calibrated: false },
      };
      expect((await figures())['confidence']).toEqual(model.confidence);
    });
  });

  it('suggests the nearest word, and omits the header without warnings', async () => {
    await serving({}, async ({ url }) => {
      const [first] = (await segment(url, DARK, { note: 'left lugn' }, JSON_PLEASE)).json()[
        'warnings'
      ] as object[];
      expect(first).toEqual({
        code: 'NOTE_WORDS_UNKNOWN',
        message: '1 of 2 words is unknown to the model: "lugn" (lung?)',
        words: [{ word: 'lugn', nearest: 'lung' }],
      });
      const half = await segment(url, HALF, { note: 'lung' }, JSON_PLEASE);
      expect([half.headers['reclmis-warnings'], half.json()['warnings']]).toEqual([undefined, []]);
    });
  });

  it("mirrors the note if its sides are not the model's", async () => {
    await serving({ model: new FakeModel(0, 'patient') }, async ({ url, model }) => {
      const noteOf = async (fields: Record<string, string>): Promise<unknown> =>
        (await segment(url, BRIGHT, { note: 'upper left lung', ...fields }, JSON_PLEASE)).json()['note'];
      expect(await noteOf({})).toMatchObject({ sides: 'patient', mirrored: false });
      expect(await noteOf({ sides: 'patient' })).toMatchObject({ sides: 'patient', mirrored: false });
      expect(await noteOf({ sides: 'image' })).toEqual({
        sides: 'image',
        mirrored: true,
        style: 'as-is',
        sent: 'upper right lung',
      });
      expect(model.notes).toEqual(['upper left lung', 'upper left lung', 'upper right lung']);
      const wrong = await segment(url, BRIGHT, { note: 'lung', sides: 'left' });
      expect([wrong.status, wrong.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
      expect(wrong.json()['error']).toContain('sides: expected patient or image');
    });
    await serving({ model: new FakeModel(0, 'unknown') }, async ({ url }) => {
      const answer = await segment(url, BRIGHT, { note: 'upper left lung' }, JSON_PLEASE);
      expect(answer.json()['note']).toMatchObject({ sides: 'unknown', mirrored: false });
      expect(answer.headers['reclmis-warnings']).toContain('SIDES_UNKNOWN');
    });
    await serving({ model: new FakeModel(0, 'patient'), sides: 'image' }, async ({ url, model }) => {
      await segment(url, BRIGHT, { note: 'upper left lung' });
      await segment(url, BRIGHT, { note: 'upper left lung', sides: 'patient' });
      expect(model.notes).toEqual(['upper right lung', 'upper left lung']); // by the server's default, and the request's own
    });
  });

  it('puts free text into the model’s words, unless the request or the server says otherwise', async () => {
    const sent = 'Unilateral pulmonary infection, upper left lung.';
    const note = 'LUL opacity';
    await serving({ model: new FakeModel(0, 'patient', 'lvit') }, async ({ url, model }) => {
      const answer = await segment(url, BRIGHT, { note }, JSON_PLEASE);
      expect(answer.json()['note']).toEqual({ sides: 'patient', mirrored: false, style: 'free', sent });
      const own = await segment(url, BRIGHT, { note, noteStyle: 'as-is' }, JSON_PLEASE);
      expect(own.json()['note']).toMatchObject({ style: 'as-is', sent: note });
      const unread = await segment(url, BRIGHT, { note: 'left zorgblat lobe opacity' });
      expect(unread.headers['reclmis-warnings']).toContain('NOTE_AS_WRITTEN');
      expect(model.notes).toEqual([sent, note, 'left zorgblat lobe opacity']);
      const wrong = await segment(url, BRIGHT, { note, noteStyle: 'loose' });
      expect([wrong.status, wrong.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
      expect(wrong.json()['error']).toContain('noteStyle: expected free or as-is');
    });
    await serving(
      { model: new FakeModel(0, 'patient', 'lvit'), noteStyle: 'as-is' },
      async ({ url, model }) => {
        await segment(url, BRIGHT, { note });
        await segment(url, BRIGHT, { note, noteStyle: 'free' });
        expect(model.notes).toEqual([note, sent]);
      },
    );
    await serving({ model: new FakeModel(0, 'patient', 'other') }, async ({ url, model }) => {
      const refused = await segment(url, BRIGHT, { note, noteStyle: 'free' });
      expect([refused.status, refused.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
      await segment(url, BRIGHT, { note });
      expect(model.notes).toEqual([note]);
    });
    const other = serving({ model: new FakeModel(0, 'patient', 'other'), noteStyle: 'free' }, () =>
      Promise.resolve(),
    );
    await expect(other).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  it('takes another threshold', async () => {
    await serving({}, async ({ url }) => {
      const pixels = async (threshold: string): Promise<unknown> =>
        (await segment(url, BRIGHT, { note: 'lung', threshold }, JSON_PLEASE)).json()['pixels'];
      expect([await pixels('0.9'), await pixels('.25')]).toEqual([0, 120]); // 200 / 255 = 0.78
    });
  });

  it('batches simultaneous forms in order, unless thresholds differ', async () => {
    await serving({ limits: { batchWait: 300, maxBatch: 4 } }, async ({ url, model }) => {
      const fields = [{ note: 'a' }, { note: 'b' }, { note: 'c' }, { note: 'd', threshold: '0.9' }];
      const answers = await Promise.all(fields.map((form) => segment(url, BRIGHT, form, JSON_PLEASE)));
      expect(answers.map((answer) => answer.json()['pixels'])).toEqual([120, 120, 120, 0]);
      expect(model.batches.reduce((sum, size) => sum + size, 0)).toBe(4);
      expect(model.batches.length).toBeLessThan(4);
    });
  });

  it('one that the model fails on does not spoil the others', async () => {
    await serving({ limits: { batchWait: 300, maxBatch: 3 } }, async ({ url }) => {
      const answers = await Promise.all(['a', 'fail', 'b'].map((note) => segment(url, BRIGHT, { note })));
      expect(answers.map(({ status }) => status)).toEqual([200, 503, 200]);
      expect(answers[1]?.json()['code']).toBe('INFERENCE_FAILED');
    });
  });

  it('takes a 1 x 1 image, tabs and line breaks, and notes in any script', async () => {
    await serving({}, async ({ url, model }) => {
      const notes = ['left\tlung,\r\nupper part', 'ångström 肺 🫁'];
      for (const note of notes) {
        const answer = await segment(url, greyPng(1, 1), { note }, JSON_PLEASE);
        expect([answer.status, answer.json()['pixels']]).toEqual([200, 1]);
      }
      expect(model.notes).toEqual(notes);
    });
  });

  it.each<[string, Uint8Array | null, Record<string, string | Uint8Array>, number, string]>([
    ['no image', null, { note: 'lung' }, 400, 'IMAGE_MISSING'],
    ['no note', BRIGHT, {}, 400, 'NOTE_MISSING'],
    ['an empty note', BRIGHT, { note: ' ' }, 422, 'NOTE_EMPTY'],
    ['a note of control characters', BRIGHT, { note: 'a\u0007b' }, 422, 'NOTE_INVALID'],
    ['a note of C1 characters', BRIGHT, { note: 'a\u009bb' }, 422, 'NOTE_INVALID'],
    ['a note that is not UTF-8', BRIGHT, { note: Uint8Array.of(0x61, 0xff) }, 422, 'NOTE_INVALID'],
    ['a note a character too long', BRIGHT, { note: 'x'.repeat(2001) }, 413, 'NOTE_TOO_LONG'],
    ['a note of 1 MB', BRIGHT, { note: 'x'.repeat(1_000_000) }, 413, 'NOTE_TOO_LONG'],
    ['a threshold above 1', BRIGHT, { note: 'lung', threshold: '1.5' }, 400, 'REQUEST_INVALID'],
    ['a threshold in words', BRIGHT, { note: 'lung', threshold: 'half' }, 400, 'REQUEST_INVALID'],
    ['another field', BRIGHT, { note: 'lung', size: '3' }, 400, 'REQUEST_INVALID'],
    ['an empty image', new Uint8Array(0), { note: 'lung' }, 422, 'IMAGE_UNREADABLE'],
    ['text for an image', Buffer.from('hello'), { note: 'lung' }, 415, 'IMAGE_UNSUPPORTED'],
    [
      'an SVG for an image',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      { note: 'lung' },
      415,
      'IMAGE_UNSUPPORTED',
    ],
    [
      'a PNG that is cut short',
      BRIGHT.subarray(0, BRIGHT.length - 20),
      { note: 'lung' },
      422,
      'IMAGE_UNREADABLE',
    ],
    [
      'a PNG of 20,000 x 20,000 that holds one row',
      greyPng(20_000, 20_000, 0, 1),
      { note: 'lung' },
      413,
      'IMAGE_TOO_LARGE',
    ],
    ['a hollow PNG below the limit', greyPng(4_000, 4_000, 0, 1), { note: 'lung' }, 422, 'IMAGE_UNREADABLE'],
    ['a PNG with too long a side', greyPng(70_000, 1), { note: 'lung' }, 413, 'IMAGE_TOO_LARGE'],
    ['a PNG of no pixels', greyPng(0, 0), { note: 'lung' }, 422, 'IMAGE_UNREADABLE'],
    [
      'a JPEG of noise',
      Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(5000, 0x5a)]),
      { note: 'lung' },
      422,
      'IMAGE_UNREADABLE',
    ],
  ])('refuses %s', async (_what, image, fields, status, code) => {
    await serving({}, async ({ url, model }) => {
      const answer = await segment(url, image, fields);
      expect(answer.json()).toEqual({
        error: expect.any(String) as string,
        code,
        remedy: expect.any(String) as string,
      });
      expect(answer.status).toBe(status);
      expect(model.batches).toEqual([]);
      expect((await segment(url, BRIGHT, { note: 'lung' })).status).toBe(200);
    });
  });

  it.each<[string, Record<string, string>, (form: Buffer) => Uint8Array, number, string]>([
    ['JSON', { 'content-type': 'application/json' }, () => Buffer.from('{}'), 415, 'REQUEST_UNSUPPORTED'],
    ['no type', {}, (form) => form, 415, 'REQUEST_UNSUPPORTED'],
    [
      'no boundary',
      { 'content-type': 'multipart/form-data; charset=utf-8' },
      (form) => form,
      400,
      'REQUEST_INVALID',
    ],
    [
      'another boundary',
      { 'content-type': 'multipart/form-data; boundary=other' },
      (form) => form,
      400,
      'REQUEST_INVALID',
    ],
    [
      'a form that is cut short',
      { 'content-type': FORM_TYPE },
      (form) => form.subarray(0, form.length - 60),
      400,
      'REQUEST_INVALID',
    ],
    ['an empty form', { 'content-type': FORM_TYPE }, () => Buffer.from('\r\n'), 400, 'REQUEST_INVALID'],
    [
      'a compressed form',
      { 'content-type': FORM_TYPE, 'content-encoding': 'gzip' },
      (form) => form,
      415,
      'REQUEST_UNSUPPORTED',
    ],
    [
      'two images',
      { 'content-type': FORM_TYPE },
      (form) => Buffer.concat([formOf(BRIGHT, {}).subarray(0, -END), form]),
      400,
      'REQUEST_INVALID',
    ],
  ])('refuses %s', async (_what, headers, change, status, code) => {
    await serving({}, async ({ url }) => {
      const form = formOf(BRIGHT, { note: 'lung' });
      const answer = await send(`${url}/segment`, { headers, body: change(form) });
      expect([answer.status, answer.json()['code']]).toEqual([status, code]);
    });
  });

  it('refuses query parameters', async () => {
    await serving({}, async ({ url }) => {
      for (const query of ['?mask=2', '?mask=1&mask=1', '?note=lung']) {
        const answer = await segment(url, BRIGHT, { note: 'lung' }, { query });
        expect([answer.status, answer.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
      }
    });
  });

  it('refuses images beyond its pixel budget', async () => {
    const image = greyPng(100, 100);
    await serving(
      { limits: { maxPixels: 10_000, heldPixels: 15_000, batchWait: 0 } },
      async ({ url, model }) => {
        model.delay = 300;
        const answers = await Promise.all([
          segment(url, image, { note: 'a' }),
          segment(url, image, { note: 'b' }),
        ]);
        const [taken, refused] = answers.sort((a, b) => a.status - b.status);
        expect([taken.status, refused.status, refused.json()['code']]).toEqual([200, 503, 'SERVER_BUSY']);
        expect(refused.headers['retry-after']).toMatch(/^\d+$/);
        expect((await segment(url, image, { note: 'c' })).status).toBe(200); // the budget was given back
        expect((await segment(url, greyPng(101, 100), { note: 'c' })).json()['code']).toBe('IMAGE_TOO_LARGE');
      },
    );
  });
});

describe('a form of many boundaries', () => {
  it.each<[string, string]>([
    ['boundaries', '\r\n--B'],
    ['boundaries with line ends', '--B\r\n\r\n\r\n'],
    ['parts', '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'],
    ['headers', `--B\r\n${'a: b\r\n'.repeat(2_000)}\r\nx\r\n`],
  ])('is refused at once: %s', async (_what, piece) => {
    await serving({}, async ({ url }) => {
      const body = Buffer.from(piece.repeat(Math.floor((8 * 2 ** 20) / piece.length)));
      for (const type of [
        'multipart/form-data; boundary=B',
        'multipart/form-data; charset=utf-8; boundary="B"',
      ]) {
        const begun = performance.now();
        const answer = await send(`${url}/segment`, { headers: { 'content-type': type }, body });
        expect([answer.status, answer.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
        expect(performance.now() - begun).toBeLessThan(15_000); // the parser would need a minute and a gigabyte
      }
    });
  });

  it('is accepted if a boundary is within a picture', async () => {
    await serving({}, async ({ url }) => {
      const image = Buffer.concat([BRIGHT, Buffer.from(`--${BOUNDARY}`.repeat(20))]);
      expect((await segment(url, image, { note: 'lung' })).status).toBe(200);
    });
  });
});

describe('answerWanted', () => {
  it.each<[string | undefined, Answer | null]>([
    [undefined, 'png'],
    ['*/*', 'png'],
    ['application/json', 'json'],
    ['image/png', 'png'],
    ['application/json, text/plain, */*', 'json'],
    ['image/png, application/json', 'png'],
    ['application/json, image/png', 'json'], // equally liked: the first named
    ['application/*', 'json'],
    ['image/png;q=0, */*', 'json'],
    ['application/json; charset=UTF-8', 'json'],
    ['application/json;q=0.4, image/png;q=0.5', 'png'],
    ['APPLICATION/JSON', 'json'],
    ['application/json;q="0.9", image/png;q=0.8', 'json'],
    ['image/*;q=0.5, application/json', 'json'],
    ['application/json;q=0.1, */*', 'png'],
    ['text/html,application/xhtml+xml,image/avif,*/*;q=0.8', 'png'],
    ['', 'png'],
    ['application/dicom', 'seg'],
    ['application/x-nifti', 'nifti'],
    ['application/x-nrrd, application/json;q=0.5', 'nrrd'],
    ['application/geo+json', 'geojson'],
    ['application/json;__proto__=1', null], // a parameter that no answer has
    ['"application/json"', null],
    ['application/json;q=0', null],
    ['text/html', null],
    [';;,,q=', null],
  ])('%s: %s', (accept, expected) => {
    if (expected !== null) expect(answerWanted(accept)).toBe(expected);
    else expect(() => answerWanted(accept)).toThrow(expect.objectContaining({ code: 'ACCEPT_UNSUPPORTED' }));
  });

  it('is refused with 406 before anything is computed', async () => {
    const model = new FakeModel();
    await serving({ model }, async ({ url }) => {
      const answer = await segment(url, BRIGHT, { note: 'left lung' }, { headers: { accept: 'text/html' } });
      expect([answer.status, answer.json()['code']]).toEqual([406, 'ACCEPT_UNSUPPORTED']);
      expect(answer.json()['error']).toContain('application/x-nifti');
      expect(model.batches).toEqual([]);
    });
  });
});
