import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  MANIFEST_FILE,
  ONNX_TYPES,
  probePlanes,
  probeValues,
  ReclmisError,
  type RgbImage,
  WordTokenizer,
  parseVocabulary,
} from '@reclmis/core';
import { CALIBRATION, manifestJson, modelBytes, value } from '@reclmis/core/testing';
import { describe, expect, it } from 'vitest';
import { loadModel } from './index.js';
import { openModel } from './open-model.js';
import type { Network, Platform, Source, Values } from './seams.js';
import type { Model, Segmentation, SegmentOptions } from './types.js';
import { urlSource } from './url-source.js';

const { float32: FLOAT, int64: INT64 } = ONNX_TYPES;
const S = 2;
const T = 3;
const W = 1;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const FILES: Record<string, Uint8Array> = {
  'segmenter.onnx': modelBytes(
    [value('image', FLOAT, ['B', 3, S, S]), value('note', FLOAT, ['B', T, W])],
    [value('probability', FLOAT, ['B', 1, S, S])],
  ),
  'text-encoder.onnx': modelBytes([value('tokens', INT64, ['B', T])], [value('note', FLOAT, ['B', T, W])]),
};
const nameOf = (bytes: Uint8Array): 'text' | 'segmenter' =>
  bytes.length === FILES['text-encoder.onnx']!.length ? 'text' : 'segmenter';
const file = (name: string): object => ({ name, sha256: sha256(FILES[name]!), bytes: FILES[name]!.length });

const manifest = (change: object = {}): object =>
  manifestJson({ size: S, tokens: T, width: W, words: 'left right', note: { sides: 'image' }, file }, change);

const memory = (json: unknown = manifest()): Source => ({
  where: 'memory',
  read: (name) => Promise.resolve(name === MANIFEST_FILE ? bytesOf(JSON.stringify(json)) : FILES[name]!),
});

/** Text encoder: a token's id is its feature. Segmenter: red if the first word's id is even, else blue. */
function platform(calls: string[], slow: Promise<void> = Promise.resolve()): Platform {
  const network = (text: boolean): Network => ({
    async run(inputs: Readonly<Record<string, Values>>) {
      calls.push(`${text ? 'text' : 'segment'} ${Object.values(inputs)[0]!.shape[0]}`);
      await slow;
      if (text) return Float32Array.from(inputs['tokens']!.data as BigInt64Array, Number);
      const images = inputs['image']!.data as Float32Array;
      const notes = inputs['note']!.data as Float32Array;
      const plane = S * S;
      return Float32Array.from({ length: images.length / 3 }, (_, i) => {
        const b = Math.floor(i / plane);
        return images[b * 3 * plane + (notes[b * T * W]! % 2 === 0 ? 0 : 2) * plane + (i % plane)]!;
      });
    },
    keep: () => Promise.reject(new Error('the graph is whole')),
    release: () => {
      calls.push('release');
      return Promise.resolve();
    },
  });
  return {
    device: 'cpu',
    open: (bytes) => Promise.resolve(network(nameOf(bytes) === 'text')),
    decode: (image) => Promise.resolve({ image: image as RgbImage }),
    sha256: (bytes) => Promise.resolve(sha256(bytes)),
  };
}

/** Left half red, right half blue. */
const picture = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const left = Math.floor(i / 3) % width < width / 2;
    return i % 3 === (left ? 0 : 2) ? 255 : 0;
  }),
});

async function opened(calls: string[] = [], noteCache?: number): Promise<Model> {
  return openModel(memory(), platform(calls), noteCache === undefined ? {} : { noteCache });
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof ReclmisError ? error.code : String(error)),
  );

describe('an address', () => {
  it.each([
    'http://user:secret@[bad?key=secret',
    'https://',
    'file://host/model',
    'file:///%zz',
    'file:///a%2fb',
  ])('that is none has a code: %s', async (address) => {
    const error: unknown = await loadModel(address).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'MODEL_MISSING' });
    expect(String(error)).not.toContain('secret');
  });
});

describe('the way of resizing', () => {
  it('is the manifest’s', async () => {
    const { image } = manifest() as { image: object };
    const open = (resize?: string): Promise<Model> =>
      openModel(memory(manifest({ image: { ...image, resize } })), platform([]));
    const dotAt = (x: number, y: number): RgbImage => {
      const data = new Uint8Array(6 * 6 * 3);
      data[3 * (6 * y + x)] = 255;
      return { width: 6, height: 6, data };
    };
    const most = async (model: Model, dot: RgbImage): Promise<number> =>
      Math.max(...(await model.segment(dot, 'left')).probability);
    const upstream = await open('stretch-bilinear');
    // 6 to 2 pixels: bilinear takes (1, 1) whole, and nothing of (2, 2).
    expect(await most(upstream, dotAt(1, 1))).toBe(1);
    expect(await most(upstream, dotAt(2, 2))).toBe(0);
    // The triangle over the first pixels, 2 3 2 1 of 8, rounded to 1/255; an older model states nothing.
    for (const model of [await open('stretch-triangle-antialiased'), await open()]) {
      expect(await most(model, dotAt(1, 1))).toBeCloseTo(Math.round((255 * 9) / 64) / 255, 6);
      expect(await most(model, dotAt(2, 2))).toBeCloseTo(Math.round((255 * 4) / 64) / 255, 6);
    }
  });
});

describe('sides', () => {
  const stated = (sides?: string): object => {
    const { note } = manifest() as { note: object };
    return manifest({ note: { ...note, sides } });
  };
  const open = (json: object): Promise<Model> => openModel(memory(json), platform([]));

  it('of an older model are unknown', async () => {
    const model = await open(stated());
    expect(model.manifest.note?.sides).toBe('unknown');
    const { note, warnings } = await model.segment(picture(4, 2), 'left');
    expect(note).toEqual({ sides: 'unknown', mirrored: false, style: 'as-is', sent: 'left', read: null });
    expect(warnings.map(({ code }) => code)).toContain('SIDES_UNKNOWN');
    const asked = await model.segment(picture(4, 2), 'left', { sides: 'image' });
    expect(asked.note).toMatchObject({ sides: 'image', mirrored: false });
  });

  it('of the caller that differ from the model’s: bit for bit the mask of the note in the model’s own', async () => {
    for (const [learnt, other] of [
      ['patient', 'image'],
      ['image', 'patient'],
    ] as const) {
      const model = await open(stated(learnt));
      const own = await model.segment(picture(4, 6), 'left');
      const mirrored = await model.segment(picture(4, 6), 'right', { sides: other });
      expect(mirrored.probability).toEqual(own.probability);
      expect(mirrored.mask).toEqual(own.mask);
      expect([own.note, mirrored.note]).toMatchObject([
        { sides: learnt, mirrored: false, sent: 'left' },
        { sides: other, mirrored: true, sent: 'left' },
      ]);
      const same = await model.segment(picture(4, 6), 'left', { sides: learnt });
      expect(same.mask).toEqual(own.mask);
    }
  });

  it('may differ between cases of a batch', async () => {
    const model = await open(stated('patient'));
    const [a, b] = await model.segmentBatch(
      [
        { image: picture(4, 2), note: 'left' },
        { image: picture(4, 2), note: 'right', sides: 'image' },
      ],
      { sides: 'patient' },
    );
    expect(b?.mask).toEqual(a?.mask);
    expect([a?.note.mirrored, b?.note.mirrored]).toEqual([false, true]);
  });

  it('in words that it cannot mirror give a warning', async () => {
    const model = await open(stated('image'));
    const { warnings } = await model.segment(picture(4, 2), 'left, rechts', { sides: 'patient' });
    expect(warnings.map(({ code }) => code)).toContain('SIDES_NOT_MIRRORED');
  });

  it('that are invalid are refused', async () => {
    const model = await opened();
    const call = model.segment(picture(2, 2), 'left', { sides: 'left' as 'image' });
    expect(await codeOf(call)).toBe('OPTION_INVALID');
  });
});

describe('confidence', () => {
  const confidence = { calibration: CALIBRATION, tests: [] };

  it('is the predicted Dice of the map, at the threshold it was calibrated for', async () => {
    const model = await openModel(memory(manifest({ confidence })), platform([]));
    const result = await model.segment(picture(S, S), 'left');
    // At the model's own size one half is 1, the other 0: an expected Dice of 1.
    expect(result.confidence).toEqual({
      dice: expect.closeTo(0.8, 6) as number,
      calibrated: true,
      presence: { probability: 1, calibrated: false },
    });
    expect(await model.segment(picture(S, S), 'left', { threshold: 0.4 })).not.toHaveProperty('confidence');
    expect(await (await opened()).segment(picture(S, S), 'left')).not.toHaveProperty('confidence');
  });

  it('of another version, or damaged, is refused with the model', async () => {
    for (const [change, message] of [
      [{ version: 2 }, 'confidence.calibration.version: expected version 1, got 2'],
      [{ threshold: null }, 'confidence.calibration.threshold: '],
    ] as const) {
      const calibration = { ...CALIBRATION, ...change };
      const opening = openModel(memory(manifest({ confidence: { calibration, tests: [] } })), platform([]));
      await expect(opening).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining(message) as string,
      });
    }
  });
});

describe('classes', () => {
  const CLASSES = { 'the left': 'left', Right: { note: 'right', label: 9, threshold: 0.25, colour: 'blue' } };

  it('are asked one after the other about an image that is decoded once, each as `segment` asks', async () => {
    const calls: string[] = [];
    const own = platform(calls);
    let decoded = 0;
    const counting: Platform = {
      ...own,
      decode: (image, most) => {
        decoded++;
        return own.decode(image, most);
      },
    };
    const model = await openModel(memory(), counting);
    const found = await model.segmentClasses(picture(4, 2), CLASSES);
    expect([decoded, calls]).toEqual([1, ['text 1', 'segment 1', 'text 1', 'segment 1']]);
    expect([found.width, found.height, found.classes.map(({ name }) => name)]).toEqual([4, 2, ['the left', 'Right']]); // prettier-ignore
    const expected = new Uint8Array(8);
    for (const [i, [note, least, label]] of (
      [
        ['left', 0.5, 1],
        ['right', 0.25, 9],
      ] as const
    ).entries()) {
      const alone = await model.segment(picture(4, 2), note, { threshold: least });
      const { probability, claimed, warnings, ...one } = found.classes[i]!;
      expect(probability).toEqual(alone.probability);
      expect(claimed).toBe(alone.mask.data.reduce((sum, value) => sum + value, 0));
      expect(one).toMatchObject({ label, threshold: least, note: alone.note });
      expect(warnings.map(({ code }) => code)).toEqual(
        alone.warnings.map(({ code }) => code).filter((code) => !/^IMAGE_|^MASK_EMPTY$/u.test(code)),
      );
      for (const [p, value] of alone.mask.data.entries())
        if (value === 1 && (i === 0 || alone.probability[p]! > found.classes[0]!.probability[p]!))
          expected[p] = label;
    }
    expect(found.labels).toEqual({ width: 4, height: 2, data: expected });
    expect(new Set(expected)).toEqual(new Set([1, 9]));
    for (const { mask, label, area } of found.classes) {
      expect([...mask.data]).toEqual([...expected].map((value) => Number(value === label)));
      expect(area).toBe([...expected].filter((value) => value === label).length);
    }
    expect(found.classes[1]?.colour).toEqual([0, 114, 178]);
  });

  it('take the options’ threshold, and the first class on a tie', async () => {
    const model = await opened();
    // Everywhere the same: the note decides nothing.
    const grey = { width: 2, height: 2, data: new Uint8Array(12).fill(153) };
    const two = { a: 'left', b: 'right' };
    expect([...(await model.segmentClasses(grey, two)).labels.data]).toEqual([1, 1, 1, 1]);
    const none = await model.segmentClasses(grey, two, { threshold: 0.75 });
    expect([...none.labels.data]).toEqual([0, 0, 0, 0]);
    expect(none.classes.map(({ area, claimed }) => [area, claimed])).toEqual([[0, 0], [0, 0]]); // prettier-ignore
  });

  it('are refused if they are no classes, say the same, or the model reads no notes; or are aborted', async () => {
    const model = await opened();
    const ask = (classes: object, options: SegmentOptions = {}): Promise<string> =>
      codeOf(model.segmentClasses(picture(2, 2), classes as { a: string }, options));
    expect(await ask({})).toBe('CLASSES_INVALID');
    expect(await ask({ a: 'left', b: { note: 'Left' } })).toBe('CLASSES_INVALID');
    expect(await ask({ a: { note: 'left', label: 0 } })).toBe('CLASSES_INVALID');
    expect(await ask({ a: 'left' }, { threshold: 2 })).toBe('OPTION_INVALID');
    const control = new AbortController();
    control.abort(new Error('enough'));
    expect(await ask({ a: 'left' }, { signal: control.signal })).toBe('Error: enough');
    await model.dispose();
    expect(await ask({ a: 'left' })).toBe('INFERENCE_FAILED');
  });
});

describe('an open image', () => {
  const untimed = ({ timings: _, ...rest }: Segmentation): object => rest;

  it('is decoded once, and gives each note the result of `segment`', async () => {
    const own = platform([]);
    let decoded = 0;
    const counting: Platform = {
      ...own,
      decode: (image, most) => {
        decoded++;
        return own.decode(image, most);
      },
    };
    const model = await openModel(memory(), counting);
    const image = await model.open(picture(4, 6));
    expect([image.width, image.height, image.warnings]).toEqual([4, 6, []]);
    const found = await Promise.all(['left', 'right', 'left'].map((note) => image.segment(note)));
    expect(decoded).toBe(1);
    for (const [i, note] of ['left', 'right', 'left'].entries())
      expect(untimed(found[i]!)).toEqual(untimed(await model.segment(picture(4, 6), note)));
    const asked = { sides: 'patient', threshold: 0.1 } as const;
    expect(untimed(await image.segment('left', asked))).toEqual(
      untimed(await model.segment(picture(4, 6), 'left', asked)),
    );
    const classes = { a: 'left', b: { note: 'right', threshold: 0.25 } };
    const { timings: _, ...labelled } = await image.segmentClasses(classes);
    expect(await model.segmentClasses(picture(4, 6), classes)).toMatchObject(labelled);
  });

  it('is refused by code: bad notes and options, after disposal, after the model’s', async () => {
    const model = await opened();
    const [image, other] = [await model.open(picture(2, 2)), await model.open(picture(2, 2))];
    expect(await codeOf(image.segment(' '))).toBe('NOTE_EMPTY');
    expect(await codeOf(image.segment('left', { threshold: 2 }))).toBe('OPTION_INVALID');
    expect(await codeOf(image.segmentClasses({}))).toBe('CLASSES_INVALID');
    const control = new AbortController();
    control.abort(new Error('enough'));
    expect(await codeOf(image.segment('left', { signal: control.signal }))).toBe('Error: enough');
    expect(await codeOf(model.open(picture(2, 2), { signal: control.signal }))).toBe('Error: enough');
    await image.dispose();
    await image.dispose();
    expect(await codeOf(image.segment('left'))).toBe('INFERENCE_FAILED');
    expect((await other.segment('left')).mask.data).toHaveLength(4);
    await model.dispose();
    expect(await codeOf(other.segment('left'))).toBe('INFERENCE_FAILED');
    expect(await codeOf(model.open(picture(2, 2)))).toBe('INFERENCE_FAILED');
  });
});

describe('vocabulary', () => {
  const vocabulary = parseVocabulary({
    name: 'polyps',
    canonical: { paired: false, sentences: { note: '(Polyp/Polyps)[, {places}].' } },
    languages: {
      en: {
        sides: { left: 'left', right: 'right' },
        zones: { upper: 'upper, top' },
        findings: { polyp: 'polyp(/s)' },
        joins: { and: 'and' },
        links: 'at',
        filler: 'a, the',
      },
    },
  });
  const TEXT = 'a polyp at the top left';
  const SENT = 'Polyp, upper left.';

  it('puts notes into its sentences: the manifest’s, or one that is given', async () => {
    const { note: noteOf } = manifest() as { note: object };
    const recorded = manifest({ note: { ...noteOf, grammar: 'vocabulary', vocabulary } });
    for (const model of [
      await openModel(memory(recorded), platform([])),
      await openModel(memory(), platform([]), { vocabulary }),
    ]) {
      const { note } = await model.segment(picture(4, 6), TEXT);
      expect(note).toMatchObject({ style: 'free', sent: SENT, mirrored: false });
      const mirrored = await model.segment(picture(4, 6), TEXT, { sides: 'patient' });
      expect(mirrored.note).toMatchObject({ style: 'free', sent: 'Polyp, upper right.', mirrored: true });
      expect(model.manifest.note).toMatchObject({ grammar: 'vocabulary', vocabulary: { name: 'polyps' } });
    }
  });

  it('is checked', async () => {
    const bad = { ...vocabulary, languages: {} };
    expect(await codeOf(openModel(memory(), platform([]), { vocabulary: bad }))).toBe(
      'NOTE_VOCABULARY_INVALID',
    );
  });
});

describe('noteStyle', () => {
  const WORDED = 'Unilateral pulmonary infection, upper left lung.';
  const open = (grammar?: string): Promise<Model> => {
    const { note } = manifest() as { note: object };
    return openModel(memory(manifest({ note: { ...note, grammar } })), platform([]));
  };
  const codes = ({ warnings }: Segmentation): string[] => warnings.map(({ code }) => code);

  it('is free for a model of LViT’s notes: bit for bit the mask of the note in its words', async () => {
    const model = await open('lvit');
    const own = await model.segment(picture(4, 6), WORDED);
    const free = await model.segment(picture(4, 6), 'LUL opacity');
    expect(free.note).toMatchObject({
      style: 'free',
      sent: WORDED,
      mirrored: false,
      read: { complete: true },
    });
    expect(own.note).toEqual({ sides: 'image', mirrored: false, style: 'as-is', sent: WORDED, read: null });
    expect([free.probability, free.warnings]).toEqual([own.probability, own.warnings]);
    const mirrored = await model.segment(picture(4, 6), 'RUL opacity', { sides: 'patient' });
    expect(mirrored.note).toMatchObject({ style: 'free', sent: WORDED, mirrored: true });
  });

  it('warns about the words that are sent', async () => {
    const model = await open('lvit');
    const said = (await model.segment(picture(4, 6), 'LUL opacity')).warnings.find(
      ({ code }) => code === 'NOTE_WORDS_UNKNOWN',
    );
    expect(said?.words?.map(({ word }) => word)).toContain('pulmonary');
    const unread = await model.segment(picture(4, 6), 'left zorgblat lobe opacity');
    expect(unread.note).toMatchObject({
      style: 'as-is',
      sent: 'left zorgblat lobe opacity',
      read: { complete: false },
    });
    expect(codes(unread)).toEqual(expect.arrayContaining(['NOTE_AS_WRITTEN', 'NOTE_PARTLY_READ']));
    expect(codes(await model.segment(picture(4, 6), 'Lungs clear'))).toContain('NOTE_AS_WRITTEN');
  });

  it('may be said, for all or one', async () => {
    const styles = async (model: Model, ...options: SegmentOptions[]): Promise<string[]> => {
      const image = picture(4, 2);
      const cases = [
        { image, note: 'LUL opacity' },
        { image, note: 'LUL opacity', noteStyle: 'as-is' } as const,
      ];
      return (await model.segmentBatch(cases, ...options)).map(({ note }) => note.style);
    };
    expect(await styles(await open('lvit'))).toEqual(['free', 'as-is']);
    expect(await styles(await open('lvit'), { noteStyle: 'as-is' })).toEqual(['as-is', 'as-is']);
    for (const older of [undefined, 'other'])
      expect(await styles(await open(older))).toEqual(['as-is', 'as-is']);
    expect(await styles(await open(), { noteStyle: 'free' })).toEqual(['free', 'as-is']);
  });

  it('that is invalid, or free for other notes, is refused', async () => {
    const [lvit, other] = [await open('lvit'), await open('other')];
    const image = picture(2, 2);
    expect(await codeOf(lvit.segment(image, 'left', { noteStyle: 'loose' as 'free' }))).toBe(
      'OPTION_INVALID',
    );
    expect(await codeOf(other.segment(image, 'left', { noteStyle: 'free' }))).toBe('OPTION_INVALID');
  });
});

describe('a model', () => {
  it('segments at the image’s own size, by the note', async () => {
    const model = await opened();
    const ids = WordTokenizer.fromNotes(['left right']); // left: 2, right: 3
    expect(ids.encode('left', T).ids[0]).toBe(2);
    const left = await model.segment(picture(4, 6), 'left');
    expect([left.width, left.height]).toEqual([4, 6]);
    expect([...left.mask.data.subarray(0, 4)]).toEqual([1, 1, 0, 0]);
    const right = await model.segment(picture(4, 6), 'right');
    expect([...right.mask.data.subarray(20)]).toEqual([0, 0, 1, 1]);
    expect(right.probability.length).toBe(24);
    // the border blends both sides, so a low threshold covers it
    expect((await model.segment(picture(4, 6), 'left', { threshold: 0.1 })).mask.data[2]).toBe(1);
  });

  it('encodes a note once, together with other new ones, and drops the least recently used', async () => {
    const calls: string[] = [];
    const model = await opened(calls, 2);
    const notes = ['left', 'right', 'left'];
    const batch = await model.segmentBatch(notes.map((note) => ({ image: picture(2, 2), note })));
    expect(calls).toEqual(['text 2', 'segment 3']);
    const single = await model.segment(picture(2, 2), 'left');
    expect(single.timings.text).toBe(0);
    expect(single.mask).toEqual(batch[0]?.mask);
    await model.segment(picture(2, 2), 'left right'); // drops 'right'
    await model.segment(picture(2, 2), 'right');
    expect(calls.slice(2)).toEqual(['segment 1', 'text 1', 'segment 1', 'text 1', 'segment 1']);
  });

  it('computes overlapping calls in order, and stops for a signal', async () => {
    const calls: string[] = [];
    let go = (): void => undefined;
    const model = await openModel(memory(), platform(calls, new Promise((resolve) => (go = resolve))));
    const first = model.segment(picture(2, 2), 'left');
    const control = new AbortController();
    const second = model.segment(picture(2, 2), 'right', { signal: control.signal });
    control.abort(new Error('no longer wanted'));
    go();
    await expect(second).rejects.toThrow('no longer wanted');
    expect((await first).mask.data).toHaveLength(4);
    expect(calls).toEqual(['text 1', 'segment 1']);
    const closing = model.dispose();
    expect(await codeOf(model.segment(picture(2, 2), 'left'))).toBe('INFERENCE_FAILED');
    await closing;
    expect(calls.slice(2)).toEqual(['release', 'release']);
  });

  it('says why a mask may be wrong', async () => {
    const model = await opened();
    const codes = async (note: string, image = picture(4, 6)): Promise<string[]> =>
      (await model.segment(image, note)).warnings.map(({ code }) => code);
    expect(await codes('left')).toEqual([]);
    expect(await codes('left rigth lung')).toEqual(['NOTE_WORDS_UNKNOWN']);
    const [first] = (await model.segment(picture(4, 6), 'left rigth')).warnings;
    expect(first).toEqual({
      code: 'NOTE_WORDS_UNKNOWN',
      message: '1 of 2 words is unknown to the model: "rigth" (right?)',
      words: [{ word: 'rigth', nearest: 'right' }],
    });
    const unknown = ['NOTE_WORDS_UNKNOWN', 'NOTE_WITHOUT_WORDS'];
    expect(await codes('qwrt zxcv')).toEqual(unknown);
    for (const note of ['Linke Lunge', '左肺'])
      expect(await codes(note)).toEqual([...unknown, 'MASK_OUTSIDE_ZONES']);
    expect(await codes('?!')).toEqual(['NOTE_WITHOUT_WORDS']);
    expect(await codes('left right left right')).toContain('NOTE_CUT');
    const black = { width: 2, height: 2, data: new Uint8Array(12) };
    expect(await codes('left', black)).toEqual(['MASK_EMPTY']);
    const white = { width: 2, height: 2, data: new Uint8Array(12).fill(255) };
    expect(await codes('left', white)).toEqual(['MASK_COVERS_ALL']);
  });

  it('knows its training images from the manifest', async () => {
    const spread = (length: number): object => ({
      mean: Array.from({ length }, () => 0),
      axes: [],
      variances: [],
      rest: 1,
      limit: 0.5,
    });
    const images = { images: 100, layout: spread(64), texture: spread(16), turned: 1 };
    const training = {
      data: null,
      checkpoint: { kind: 'best', epoch: 1 },
      seed: 1,
      reference: { cases: 100, words: ['left'], images, masks: { inside: null, areas: false } },
    };
    const model = await openModel(memory(manifest({ training })), platform([]));
    const { warnings } = await model.segment(picture(4, 6), 'left');
    expect(warnings).toEqual([
      { code: 'IMAGE_UNUSUAL', message: expect.stringMatching(/unlike the 100 training images/) as string },
    ]);
    const broken = { ...training.reference, images: { ...images, turned: -1 } };
    const open = openModel(memory(manifest({ training: { ...training, reference: broken } })), platform([]));
    expect(await codeOf(open)).toBe('MODEL_INVALID');
  });

  it('refuses bad notes, options and tensors', async () => {
    const model = await opened();
    expect(await codeOf(model.segment(picture(2, 2), ' \n'))).toBe('NOTE_EMPTY');
    expect(await codeOf(model.segment(picture(2, 2), 'left', { threshold: 2 }))).toBe('OPTION_INVALID');
    expect(await codeOf(model.run(new Float32Array(3), null, 1))).toBe('INFERENCE_FAILED');
    expect(await codeOf(model.encodeTokens(new BigInt64Array(2), 1))).toBe('INFERENCE_FAILED');
    expect(await model.encodeNotes([''])).toHaveLength(T * W);
    expect(await codeOf(opened([], -1))).toBe('OPTION_INVALID');
  });

  it.each([
    ['another format', manifest({ format: 'reclmis-model/9' })],
    [
      'a path that leads elsewhere',
      manifest({
        segmenter: {
          file: { name: '../x', sha256: 'a'.repeat(64), bytes: 1 },
          inputs: { image: 'image', note: 'note' },
          outputs: { probability: 'p' },
          features: null,
        },
      }),
    ],
    [
      'another hash',
      manifest({
        segmenter: {
          file: { ...file('segmenter.onnx'), sha256: 'a'.repeat(64) },
          inputs: { image: 'image', note: 'note' },
          outputs: { probability: 'p' },
          features: null,
        },
      }),
    ],
    ['a note encoder without notes', manifest({ note: null })],
    ['no object', 3],
  ])('refuses %s', async (_, json) => {
    expect(await codeOf(openModel(memory(json), platform([])))).toBe('MODEL_INVALID');
  });
});

describe('a false manifest', () => {
  it.each([
    ['a side of 2^31', { size: 2 ** 31 }, {}],
    ['a side of 20,000', { size: 20_000 }, {}],
    ['a side of twice the graph’s', { size: 2 * S }, {}],
    ['a note of 10^9 tokens', {}, { contextLength: 10 ** 9 }],
    ['a note of one token more', {}, { contextLength: T + 1 }],
    ['features of twice the width', {}, { width: 2 * W }],
  ])('is refused before any of its numbers is used: %s', async (_, image, note) => {
    const honest = manifest() as { image: object; note: object };
    const json = { ...honest, image: { ...honest.image, ...image }, note: { ...honest.note, ...note } };
    const calls: string[] = [];
    const opening = openModel(memory(json), platform(calls));
    expect(await codeOf(opening)).toBe('MODEL_INVALID');
    expect(calls).toEqual([]);
  });

  it.each([
    [5, '5'],
    [-0.5, '-0.5'],
    [Infinity, 'Infinity'],
    [NaN, 'are NaN'],
  ])('as does a graph without its sigmoid: values of %d are no probabilities', async (wrong, said) => {
    const good = platform([]);
    const lying: Platform = {
      ...good,
      async open(bytes) {
        const network = await good.open(bytes);
        const run: Network['run'] = async (inputs, output) =>
          output === 'probability'
            ? (await network.run(inputs, output)).fill(wrong, 0, 1)
            : network.run(inputs, output);
        return { ...network, run };
      },
    };
    const model = await openModel(memory(), lying);
    const error: unknown = await model.segment(picture(2, 2), 'left').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'INFERENCE_FAILED',
      message: expect.stringContaining(said) as string,
    });
  });
});

describe('a device that may be wrong', () => {
  /** A correct device's answer to the synthetic case: blue, since the vocabulary lacks the note's first word (id 1). */
  const right = (): number[] => probeValues(probePlanes(S).subarray(2 * S * S), S);
  const probed = (probe = right()): object => manifest({ check: { cases: 1, worst: 0, probe } });

  function webgpu(calls: string[], { shift = 0, elsewhere = true, refuses = '' } = {}): Platform {
    const good = platform(calls);
    let device: 'webgpu' | 'wasm' = 'webgpu';
    return {
      ...good,
      get device() {
        return device;
      },
      giveUp: () => {
        if (device === 'wasm' || !elsewhere) return false;
        device = 'wasm';
        return true;
      },
      async open(bytes) {
        if (device === 'webgpu' && nameOf(bytes) === refuses) throw new Error('no shader');
        const network = await good.open(bytes);
        if (device === 'wasm') return network;
        return {
          ...network,
          run: async (inputs, output) =>
            (await network.run(inputs, output)).map((value) =>
              output === 'probability' ? Math.min(1, value + shift) : value,
            ),
        };
      },
    };
  }
  const deviceOf = async (platform: Platform, json: object = probed()): Promise<string> => {
    const model = await openModel(memory(json), platform);
    const mask = await model.segment(picture(2, 2), 'left');
    expect([...mask.mask.data]).toEqual([1, 0, 1, 0]);
    return model.device;
  };

  it('is kept if it matches the export check', async () => {
    const calls: string[] = [];
    expect(await deviceOf(webgpu(calls))).toBe('webgpu');
    expect(calls).toEqual(['text 1', 'segment 1', 'text 1', 'segment 1']);
    expect(await deviceOf(webgpu([], { shift: 0.001 }))).toBe('webgpu'); // another order of sums
  });

  it('is replaced if it computes anything else, or NaN', async () => {
    for (const shift of [0.1, NaN]) {
      const calls: string[] = [];
      expect(await deviceOf(webgpu(calls, { shift }))).toBe('wasm');
      expect(calls).toEqual(['text 1', 'segment 1', 'release', 'release', 'text 1', 'segment 1']);
    }
  });

  it('is left completely if it refuses either network', async () => {
    expect(await deviceOf(webgpu([], { refuses: 'segmenter' }))).toBe('wasm');
    const calls: string[] = [];
    expect(await deviceOf(webgpu(calls, { refuses: 'text' }))).toBe('wasm');
    expect(calls).toEqual(['release', 'text 1', 'segment 1']);
  });

  it('is refused by code if it was requested', async () => {
    const calls: string[] = [];
    const only = webgpu(calls, { shift: 0.1, elsewhere: false });
    await expect(openModel(memory(probed()), only)).rejects.toMatchObject({
      code: 'DEVICE_WRONG',
      message: expect.stringMatching(/webgpu: log-odds .* expected at most 0.05/) as string,
    });
    expect(calls).toEqual(['text 1', 'segment 1', 'release', 'release']);
  });

  it('is not tried with older models, and processors never are', async () => {
    const calls: string[] = [];
    await openModel(memory(), webgpu(calls, { shift: 0.1 }));
    await openModel(memory(probed(right().map(() => 0.5))), platform(calls));
    expect(calls).toEqual([]);
  });
});

describe('a model behind an address', () => {
  async function served(
    answer: (path: string) => Uint8Array | null,
    cut = false,
  ): Promise<{ url: string; server: Server }> {
    const server = createServer((request, response) => {
      const bytes = answer(request.url ?? '');
      if (!bytes) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-length': bytes.length });
      if (cut && !request.url?.endsWith('.json'))
        response.write(bytes.subarray(0, 2), () => response.destroy());
      else response.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/tiny`, server };
  }
  const content = (path: string): Uint8Array | null => {
    const name = path.replace('/models/tiny/', '');
    return name === MANIFEST_FILE ? bytesOf(JSON.stringify(manifest())) : (FILES[name] ?? null);
  };

  it('is loaded, with progress', async () => {
    const { url, server } = await served(content);
    try {
      const seen: number[] = [];
      const model = await openModel(urlSource(url), platform([]), {
        onProgress: (done, all) => seen.push(done / all),
      });
      expect(seen.at(-1)).toBe(1);
      expect((await model.segment(picture(2, 2), 'left')).mask.data).toHaveLength(4);
    } finally {
      server.close();
    }
  });

  it('is refused if missing, truncated, or larger than stated', async () => {
    for (const [code, answer, cut] of [
      ['MODEL_MISSING', () => null, false],
      ['MODEL_INVALID', content, true],
      [
        'MODEL_INVALID',
        (path: string) => (path.endsWith('.json') ? content(path) : new Uint8Array(1000)),
        false,
      ],
    ] as const) {
      const { url, server } = await served(answer, cut);
      try {
        expect(await codeOf(openModel(urlSource(url), platform([])))).toBe(code);
      } finally {
        server.close();
      }
    }
    expect(await codeOf(openModel(urlSource('http://127.0.0.1:9/x'), platform([])))).toBe('MODEL_MISSING');
  });
});
