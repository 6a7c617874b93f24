import { describe, expect, it } from 'vitest';
import { FakeModel, infer, S, send, serving, T, until, W } from '../testing.js';
import { parseObject } from '../json.js';

const PIXELS = 3 * S * S;
const image = (red: number, count = 1): number[] =>
  Array.from({ length: count * PIXELS }, (_, i) => (i % PIXELS < S * S ? red : 0));
const note = (value: number, count = 1): number[] => new Array<number>(count * T * W).fill(value);
const inputs = (red: number, bias: number, count = 1) => [
  { name: 'image', datatype: 'FP32', shape: [count, 3, S, S], data: image(red, count) },
  { name: 'note', datatype: 'FP32', shape: [count, T, W], data: note(bias, count) },
];

function nest(values: readonly unknown[], shape: readonly number[]): unknown {
  const [first = 1, ...rest] = shape;
  if (rest.length === 0) return values;
  const size = values.length / first;
  return Array.from({ length: first }, (_, i) => nest(values.slice(i * size, (i + 1) * size), rest));
}

function binaryBody(
  request: unknown,
  ...tensors: Uint8Array[]
): { body: Buffer; headers: Record<string, string> } {
  const json = Buffer.from(JSON.stringify(request));
  return {
    body: Buffer.concat([json, ...tensors]),
    headers: { 'inference-header-content-length': String(json.length) },
  };
}

const bytesOf = (values: Float32Array | BigInt64Array): Uint8Array => new Uint8Array(values.buffer);

describe('sides', () => {
  it('are told of the model, and mirror text that means the other ones', async () => {
    await serving({ model: new FakeModel(0, 'image') }, async ({ url, model }) => {
      const metadata = (await send(`${url}/v2/models/text-encoder`)).json();
      expect(metadata['parameters']).toEqual({ sides: 'image' });
      const inputs = [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['left lung'] }];
      for (const parameters of [undefined, {}, { sides: null }, { sides: 'image' }, { sides: 'patient' }])
        expect((await infer(url, 'text-encoder', { inputs, parameters })).status).toBe(200);
      expect(model.notes).toEqual([...new Array<string>(4).fill('left lung'), 'right lung']);
      const foreign = [{ ...inputs[0], data: ['links'] }];
      const warned = await infer(url, 'text-encoder', { inputs: foreign, parameters: { sides: 'patient' } });
      expect(warned.headers['reclmis-warnings']).toContain('SIDES_NOT_MIRRORED');
      const slip = [{ ...inputs[0], data: ['rigth lung'] }]; // mirrored to "left lung"
      const quoted = await infer(url, 'text-encoder', { inputs: slip, parameters: { sides: 'patient' } });
      expect(model.notes.at(-1)).toBe('left lung');
      expect(quoted.json()['parameters']).toBeUndefined(); // mirroring mends the slip, so nothing is unknown to the model
      const wrong = await infer(url, 'text-encoder', { inputs, parameters: { sides: 3 } });
      expect([wrong.status, wrong.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
    });
  });
});

describe('noteStyle', () => {
  it('says whether text is put into the model’s words', async () => {
    await serving({ model: new FakeModel(0, 'patient', 'lvit') }, async ({ url, model }) => {
      const inputs = [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['LUL opacity'] }];
      for (const parameters of [{}, { noteStyle: null }, { noteStyle: 'as-is' }, { noteStyle: 'free' }])
        expect((await infer(url, 'text-encoder', { inputs, parameters })).status).toBe(200);
      const sent = 'Unilateral pulmonary infection, upper left lung.';
      expect(model.notes).toEqual([sent, sent, 'LUL opacity', sent]);
      const clear = [{ ...inputs[0], data: ['Lungs clear'] }];
      const warned = await infer(url, 'text-encoder', { inputs: clear });
      expect(warned.headers['reclmis-warnings']).toContain('NOTE_AS_WRITTEN');
      const wrong = await infer(url, 'text-encoder', { inputs, parameters: { noteStyle: 'loose' } });
      expect([wrong.status, wrong.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
    });
  });
});

describe('health and metadata', () => {
  it('are those of the protocol', async () => {
    await serving({}, async ({ url }) => {
      const get = async (path: string): Promise<unknown> => (await send(url + path)).json();
      expect(await get('/v2')).toEqual({
        name: 'reclmis',
        version: '0.1.0',
        extensions: ['binary_tensor_data'],
      });
      expect(await get('/v2/health/live')).toEqual({ live: true });
      expect(await get('/v2/health/ready')).toEqual({ ready: true });
      expect(await get('/v2/models/segmenter/ready')).toEqual({ name: 'segmenter', ready: true });
      const segmenter = {
        name: 'segmenter',
        versions: ['1'],
        platform: 'onnxruntime_onnx',
        inputs: [
          { name: 'image', datatype: 'FP32', shape: [-1, 3, S, S] },
          { name: 'note', datatype: 'FP32', shape: [-1, T, W] },
        ],
        outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1, S, S] }],
        parameters: { sides: 'patient' },
      };
      expect(await get('/v2/models/segmenter')).toEqual(segmenter);
      expect(await get('/v2/models/segmenter/versions/1')).toEqual(segmenter);
      expect(await get('/v2/models/text-encoder')).toEqual({
        name: 'text-encoder',
        versions: ['1'],
        platform: 'onnxruntime_onnx',
        inputs: [{ name: 'tokens', datatype: 'INT64', shape: [-1, T] }],
        outputs: [{ name: 'note', datatype: 'FP32', shape: [-1, T, W] }],
        parameters: { sides: 'patient' },
      });
      for (const path of [
        '/v2/models/other',
        '/v2/models/segmenter/versions/2',
        '/v2/models/segmenter/versions/2/ready',
        '/v2/models/__proto__',
        '/v2/modelz',
      ]) {
        const answer = await send(url + path);
        expect([path, answer.status, answer.json()['code']]).toEqual([path, 404, 'ROUTE_UNKNOWN']);
      }
    });
  });
});

describe('inference', () => {
  it('accepts flat and nested JSON, and returns JSON', async () => {
    await serving({}, async ({ url }) => {
      const flat = await infer(url, 'segmenter', { id: 'seven', inputs: inputs(0.25, 0.5, 2) });
      expect(flat.status).toBe(200);
      expect(flat.json()).toEqual({
        model_name: 'segmenter',
        model_version: '1',
        id: 'seven',
        parameters: {
          warnings: 'MASK_COVERS_ALL',
          warning_messages:
            'case 0: MASK_COVERS_ALL: the mask covers 100.0 % of the image\ncase 1: MASK_COVERS_ALL: the mask covers 100.0 % of the image',
        },
        outputs: [
          {
            name: 'probability',
            datatype: 'FP32',
            shape: [2, 1, S, S],
            data: new Array<number>(2 * S * S).fill(0.75),
          },
        ],
      });
      const nested = inputs(0.25, 0.5, 2).map((input) => ({ ...input, data: nest(input.data, input.shape) }));
      const answer = await infer(url, 'segmenter/versions/1', {
        inputs: nested.reverse(),
        outputs: [{ name: 'probability' }],
      });
      expect(answer.json()['outputs']).toEqual(flat.json()['outputs']);
    });
  });

  it('gives warnings by case in parameters and header', async () => {
    await serving({}, async ({ url }) => {
      const empty = await infer(url, 'segmenter', { inputs: inputs(0.1, 0.1, 2) });
      expect(empty.headers['reclmis-warnings']).toBe('MASK_EMPTY');
      expect(empty.json()['parameters']).toMatchObject({
        warnings: 'MASK_EMPTY',
        warning_messages: expect.stringMatching(/^case 0: MASK_EMPTY: .*\ncase 1: MASK_EMPTY: .*$/) as string,
      });
      const texts = { name: 'text', datatype: 'BYTES', shape: [3], data: ['left lung', '左肺', 'lugn lung'] };
      const read = await infer(url, 'text-encoder', { inputs: [texts] });
      expect(read.headers['reclmis-warnings']).toBe('NOTE_WORDS_UNKNOWN, NOTE_WITHOUT_WORDS');
      expect((read.json()['parameters'] as Record<string, string>)['warning_messages']).toBe(
        'case 1: NOTE_WORDS_UNKNOWN: 1 of 1 word is unknown to the model: "左肺"\n' +
          'case 1: NOTE_WITHOUT_WORDS: the model knows none of the note’s words\n' +
          'case 2: NOTE_WORDS_UNKNOWN: 1 of 2 words is unknown to the model: "lugn" (lung?)',
      );
      const tokens = { name: 'tokens', datatype: 'INT64', shape: [2, 4], data: [2, 3, 0, 0, 1, 2, 0, 0] };
      const ids = await infer(url, 'text-encoder', { inputs: [tokens] });
      expect(ids.json()['parameters']).toEqual({
        warnings: 'NOTE_WORDS_UNKNOWN',
        warning_messages: 'case 1: NOTE_WORDS_UNKNOWN: 1 of 2 tokens are unknown words',
      });
      const fine = await infer(url, 'text-encoder', {
        inputs: [{ ...texts, shape: [1], data: ['left lung'] }],
      });
      expect([fine.headers['reclmis-warnings'], fine.json()['parameters']]).toEqual([undefined, undefined]);
    });
  });

  it('accepts and returns binary tensors', async () => {
    await serving({}, async ({ url }) => {
      const [planes, features] = [Float32Array.from(image(0.5)), Float32Array.from(note(0.25))];
      const named = inputs(0, 0).map(({ data, ...input }) => ({
        ...input,
        parameters: { binary_data_size: data.length * 4 },
      }));
      const request = {
        inputs: named,
        outputs: [{ name: 'probability', parameters: { binary_data: true } }],
      };
      const { body, headers } = binaryBody(request, bytesOf(planes), bytesOf(features));
      const answer = await send(`${url}/v2/models/segmenter/infer`, { body, headers }); // no Content-Type, as from Triton's client
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/octet-stream']);
      const length = Number(answer.headers['inference-header-content-length']);
      expect(JSON.parse(answer.body.subarray(0, length).toString())).toEqual({
        model_name: 'segmenter',
        model_version: '1',
        parameters: {
          warnings: 'MASK_COVERS_ALL',
          warning_messages: 'case 0: MASK_COVERS_ALL: the mask covers 100.0 % of the image',
        },
        outputs: [
          {
            name: 'probability',
            datatype: 'FP32',
            shape: [1, 1, S, S],
            parameters: { binary_data_size: S * S * 4 },
          },
        ],
      });
      const values = new Float32Array(
        answer.body.buffer.slice(
          answer.body.byteOffset + length,
          answer.body.byteOffset + answer.body.length,
        ),
      );
      expect([...values]).toEqual(new Array<number>(S * S).fill(0.75));

      const whole = binaryBody(
        { inputs: named, parameters: { binary_data_output: true } },
        bytesOf(planes),
        bytesOf(features),
      );
      const again = await send(`${url}/v2/models/segmenter/infer`, whole);
      expect(again.headers['inference-header-content-length']).toBe(String(length));
      const mixed = binaryBody({ inputs: [named[0], inputs(0, 0.25)[1]], outputs: [] }, bytesOf(planes));
      expect((await send(`${url}/v2/models/segmenter/infer`, mixed)).json()['outputs']).toEqual([
        { name: 'probability', datatype: 'FP32', shape: [1, 1, S, S], data: [...values] },
      ]);
    });
  });

  it('encodes notes from tokens and from text', async () => {
    await serving({}, async ({ url }) => {
      const tokens = await infer(url, 'text-encoder', {
        inputs: [{ name: 'tokens', datatype: 'INT64', shape: [1, T], data: [[3, 2, 0, 0]] }],
      });
      expect(tokens.json()['outputs']).toEqual([
        { name: 'note', datatype: 'FP32', shape: [1, T, W], data: [3, -3, 2, -2, 0, 0, 0, 0] },
      ]);
      const ids = binaryBody(
        {
          inputs: [
            { name: 'tokens', datatype: 'INT64', shape: [1, T], parameters: { binary_data_size: 8 * T } },
          ],
        },
        bytesOf(BigInt64Array.from([3n, 2n, 0n, 0n])),
      );
      expect((await send(`${url}/v2/models/text-encoder/infer`, ids)).json()['outputs']).toEqual(
        tokens.json()['outputs'],
      );

      const texts = [{ name: 'text', datatype: 'BYTES', shape: [2], data: ['lung', 'ö'] }];
      const features = [...new Array<number>(T * W).fill(4), ...new Array<number>(T * W).fill(1)];
      const answer = await infer(url, 'text-encoder', { inputs: texts });
      expect(answer.json()['outputs']).toEqual([
        { name: 'note', datatype: 'FP32', shape: [2, T, W], data: features },
      ]);
      const elements = ['lung', 'ö'].flatMap((text) => {
        const bytes = Buffer.from(text);
        const size = Buffer.alloc(4);
        size.writeUInt32LE(bytes.length);
        return [size, bytes];
      });
      const binary = binaryBody(
        { inputs: [{ name: 'text', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 14 } }] },
        ...elements,
      );
      expect((await send(`${url}/v2/models/text-encoder/infer`, binary)).json()['outputs']).toEqual(
        answer.json()['outputs'],
      );
    });
  });

  it('puts requests of different clients into one batch, and gives each its own', async () => {
    await serving({ limits: { maxBatch: 4 } }, async ({ url, model }) => {
      model.delay = 300; // the others gather meanwhile
      const first = infer(url, 'segmenter', { inputs: inputs(0, 0) });
      await until(() => model.batches.length === 1);
      const others = [
        infer(url, 'segmenter', { inputs: inputs(0, 0.25, 3) }),
        infer(url, 'segmenter', { inputs: inputs(0.5, 0.25) }),
      ];
      expect((await first).status).toBe(200);
      const answers = await Promise.all(others);
      expect(model.batches).toEqual([1, 4]);
      const values = answers.map(
        (answer) => (answer.json()['outputs'] as { data: number[] }[])[0]?.data ?? [],
      );
      expect(values.map((data) => [data.length, new Set(data)])).toEqual([
        [3 * S * S, new Set([0.25])],
        [S * S, new Set([0.75])],
      ]);
    });
  });

  const [planes, features] = inputs(0, 0);
  const nothing = { name: 'tokens', datatype: 'INT64', shape: [1, T], data: [0, 0, 0, 0] };
  it.each<[string, string, unknown, number, string, RegExp]>([
    ['no inputs', 'segmenter', {}, 400, 'REQUEST_INVALID', /inputs: expected an array, got nothing/],
    [
      'one input of two',
      'segmenter',
      { inputs: [planes] },
      400,
      'REQUEST_INVALID',
      /inputs: expected 2, got 1/,
    ],
    ['an input twice', 'segmenter', { inputs: [planes, planes] }, 400, 'REQUEST_INVALID', /each once/],
    [
      'another input',
      'segmenter',
      { inputs: [planes, { ...features, name: 'mask' }] },
      400,
      'REQUEST_INVALID',
      /expected image, note/,
    ],
    [
      'another datatype',
      'segmenter',
      { inputs: [{ ...planes, datatype: 'FP16' }, features] },
      400,
      'REQUEST_INVALID',
      /input image: expected datatype FP32/,
    ],
    [
      'another shape',
      'segmenter',
      { inputs: [{ ...planes, shape: [1, 3, S, S + 1] }, features] },
      400,
      'REQUEST_INVALID',
      /expected shape \[-1,3,8,8\], got \[1,3,8,9\]/,
    ],
    [
      'a rank too many',
      'segmenter',
      { inputs: [{ ...planes, shape: [1, 1, 3, S, S] }, features] },
      400,
      'REQUEST_INVALID',
      /expected shape/,
    ],
    [
      'a negative shape',
      'segmenter',
      { inputs: [{ ...planes, shape: [-1, 3, S, S] }, features] },
      400,
      'REQUEST_INVALID',
      /whole number of at least 0/,
    ],
    [
      'no cases',
      'segmenter',
      { inputs: [{ ...planes, shape: [0, 3, S, S], data: [] }, features] },
      400,
      'REQUEST_INVALID',
      /expected 1 to 8 cases, got 0/,
    ],
    [
      'too many cases',
      'segmenter',
      { inputs: inputs(0, 0, 9) },
      400,
      'REQUEST_INVALID',
      /expected 1 to 8 cases, got 9/,
    ],
    [
      'a value too few',
      'segmenter',
      { inputs: [{ ...planes, data: image(0).slice(1) }, features] },
      400,
      'REQUEST_INVALID',
      /expected 192 values, got 191/,
    ],
    [
      'a ragged list',
      'segmenter',
      { inputs: [{ ...planes, data: [[[[0]]]] }, features] },
      400,
      'REQUEST_INVALID',
      /axis 1/,
    ],
    [
      'a word among numbers',
      'segmenter',
      { inputs: [{ ...planes, data: ['0', ...image(0).slice(1)] }, features] },
      400,
      'REQUEST_INVALID',
      /range of FP32/,
    ],
    [
      'a number beyond FP32',
      'segmenter',
      { inputs: [{ ...planes, data: [1e39, ...image(0).slice(1)] }, features] },
      400,
      'REQUEST_INVALID',
      /range of FP32/,
    ],
    [
      'an image of 0 to 255',
      'segmenter',
      { inputs: inputs(200, 0) },
      400,
      'REQUEST_INVALID',
      /values from 0 to 1, got 200/,
    ],
    [
      'images and notes unlike in number',
      'segmenter',
      { inputs: [planes, inputs(0, 0, 2)[1]] },
      400,
      'REQUEST_INVALID',
      /as many notes as images/,
    ],
    [
      'data and a binary size',
      'segmenter',
      { inputs: [{ ...planes, parameters: { binary_data_size: 4 } }, features] },
      400,
      'REQUEST_INVALID',
      /either data or/,
    ],
    [
      'a binary size without bytes',
      'segmenter',
      { inputs: [{ ...planes, data: undefined, parameters: { binary_data_size: 768 } }, features] },
      400,
      'REQUEST_INVALID',
      /768, but 0 bytes are left/,
    ],
    [
      'another output',
      'segmenter',
      { inputs: inputs(0, 0), outputs: [{ name: 'mask' }] },
      400,
      'REQUEST_INVALID',
      /expected probability/,
    ],
    [
      'classification',
      'segmenter',
      { inputs: inputs(0, 0), outputs: [{ name: 'probability', parameters: { classification: 1 } }] },
      400,
      'REQUEST_INVALID',
      /classification/,
    ],
    [
      'an id of an object',
      'segmenter',
      { id: {}, inputs: inputs(0, 0) },
      400,
      'REQUEST_INVALID',
      /id: expected a string/,
    ],
    ['an array', 'segmenter', [], 400, 'REQUEST_INVALID', /expected an object, got an array of 0/],
    [
      'inputs of null',
      'segmenter',
      { inputs: [null, null] },
      400,
      'REQUEST_INVALID',
      /expected an object, got null/,
    ],
    [
      'an unknown token',
      'text-encoder',
      { inputs: [{ ...nothing, data: [0, 0, 0, 4] }] },
      400,
      'REQUEST_INVALID',
      /ids from 0 to 3, got 4/,
    ],
    [
      'a negative token',
      'text-encoder',
      { inputs: [{ ...nothing, data: [0, 0, 0, -1] }] },
      400,
      'REQUEST_INVALID',
      /got -1/,
    ],
    [
      'half a token',
      'text-encoder',
      { inputs: [{ ...nothing, data: [0, 0, 0, 0.5] }] },
      400,
      'REQUEST_INVALID',
      /whole numbers/,
    ],
    [
      'a long text',
      'text-encoder',
      { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['x'.repeat(2001)] }] },
      413,
      'NOTE_TOO_LONG',
      /2000/,
    ],
    [
      'a text of control characters',
      'text-encoder',
      { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['\u0000'] }] },
      422,
      'NOTE_INVALID',
      /control/,
    ],
    ['an unknown model', 'other', { inputs: inputs(0, 0) }, 404, 'ROUTE_UNKNOWN', /segmenter, text-encoder/],
  ])('refuses %s', async (_what, name, request, status, code, message) => {
    await serving({}, async ({ url, model }) => {
      const answer = await infer(url, name, request);
      expect([answer.status, answer.json()['code']]).toEqual([status, code]);
      expect(answer.json()['error']).toMatch(message);
      expect(model.batches).toEqual([]);
    });
  });

  it('refuses non-finite outputs instead of sending null', async () => {
    await serving({}, async ({ url, model }) => {
      for (const value of [NaN, Infinity]) {
        model.run = (_images, _notes, count) => Promise.resolve(new Float32Array(count * S * S).fill(value));
        const answer = await infer(url, 'segmenter', { inputs: inputs(0, 0) });
        expect([answer.status, answer.json()['code']]).toEqual([503, 'INFERENCE_FAILED']);
        expect(answer.json()['error']).toMatch(/are NaN|of Infinity/);
      }
    });
  });

  it('accepts tensors larger than the pixel limit of images, as retrying would not help', async () => {
    await serving({ limits: { maxPixels: 10, maxBatch: 2 } }, async ({ url }) => {
      expect((await infer(url, 'segmenter', { inputs: inputs(0, 0, 2) })).status).toBe(200);
      expect((await send(`${url}/metrics`)).body.toString()).toContain('reclmis_held_pixels 0\n');
    });
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ['what is not JSON', '{"inputs": [', /not JSON/],
    ['what is not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), /not UTF-8/],
    ['JSON of great depth', '['.repeat(100_000), /16 levels/],
    ['JSON of many values', `{"inputs":[${'[],'.repeat(300_000)}[]]}`, /more values than the model accepts/],
    ['JSON of many keys', `{${Array.from({ length: 2000 }, (_, i) => `"${i}":0`).join(',')}}`, /1000 keys/],
    ['JSON of many strings', `[${'"",'.repeat(20_000)}""]`, /10000 strings/],
  ])('refuses %s', async (_what, text, message) => {
    await serving({}, async ({ url }) => {
      const answer = await send(`${url}/v2/models/segmenter/infer`, {
        body: Buffer.from(text as Uint8Array),
      });
      expect([answer.status, answer.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
      expect(answer.json()['error']).toMatch(message);
    });
  });

  it('accepts null for optional fields', async () => {
    await serving({}, async ({ url }) => {
      const plain = inputs(0.5, 0);
      const nulls = (more: object) => ({
        inputs: plain.map((input) => ({ ...input, parameters: null })),
        ...more,
      });
      const expected = (await infer(url, 'segmenter', { inputs: plain })).json();
      const both = { id: null, parameters: null, outputs: null };
      expect((await infer(url, 'segmenter', nulls(both))).json()).toEqual(expected);
      const named = { outputs: [{ name: 'probability', parameters: null }] };
      expect((await infer(url, 'segmenter', nulls(named))).json()).toEqual(expected);
      const flags = {
        parameters: { binary_data_output: null },
        outputs: [{ name: 'probability', parameters: { binary_data: null, classification: null } }],
      };
      expect((await infer(url, 'segmenter', nulls(flags))).json()).toEqual(expected);
      const sized = { inputs: plain.map((input) => ({ ...input, parameters: { binary_data_size: null } })) };
      expect((await infer(url, 'segmenter', sized)).json()).toEqual(expected);
      const binary = {
        parameters: { binary_data_output: true },
        outputs: [{ name: 'probability', parameters: { binary_data: null } }],
      };
      expect((await infer(url, 'segmenter', { inputs: plain, ...binary })).headers['content-type']).toBe(
        'application/octet-stream',
      );
      const request = {
        inputs: [
          { name: 'text', datatype: 'BYTES', shape: [1], data: null, parameters: { binary_data_size: 7 } },
        ],
      };
      const text = binaryBody(request, Uint8Array.of(3, 0, 0, 0, 0x61, 0x62, 0x63));
      expect((await send(`${url}/v2/models/text-encoder/infer`, text)).status).toBe(200);
      for (const missing of ['name', 'datatype', 'shape', 'data']) {
        const answer = await infer(url, 'segmenter', {
          inputs: plain.map((input) => ({ ...input, [missing]: null })),
        });
        expect([missing, answer.status, answer.json()['code']]).toEqual([missing, 400, 'REQUEST_INVALID']);
      }
      expect((await infer(url, 'segmenter', { inputs: null })).json()['error']).toMatch(
        /inputs: expected an array, got null/,
      );
    });
  });

  it('refuses content types that a page can send without a preflight', async () => {
    await serving({}, async ({ url, model }) => {
      const types = [
        'text/plain',
        'Text/Plain;charset=UTF-8',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ];
      for (const type of types) {
        const answer = await infer(url, 'segmenter', { inputs: inputs(0, 0) }, { 'content-type': type });
        expect([type, answer.status, answer.json()['code']]).toEqual([type, 415, 'REQUEST_UNSUPPORTED']);
        expect(answer.json()['remedy']).toMatch(/Content-Type: application\/json/);
      }
      expect(model.batches).toEqual([]);
      for (const type of [
        'application/json; charset=utf-8',
        'application/octet-stream',
        'application/vnd.x+json',
      ])
        expect(
          (await infer(url, 'segmenter', { inputs: inputs(0, 0) }, { 'content-type': type })).status,
        ).toBe(200);
    });
  });

  it('refuses JSON of many arrays, whatever the model takes', () => {
    const many = Buffer.from(`{"inputs":[${'[],'.repeat(300_000)}[]]}`);
    expect(() => parseObject(many, Infinity)).toThrow(/200000 arrays/);
  });

  it.each<[string, string]>([
    ['more than there is', '100000'],
    ['a word', 'all'],
    ['a negative number', '-1'],
    ['nothing', '0'],
  ])('refuses a header length of %s', async (_what, length) => {
    await serving({}, async ({ url }) => {
      const answer = await infer(
        url,
        'segmenter',
        { inputs: inputs(0, 0) },
        { 'inference-header-content-length': length },
      );
      expect([answer.status, answer.json()['code']]).toEqual([400, 'REQUEST_INVALID']);
      expect(answer.json()['error']).toMatch(/Inference-Header-Content-Length/);
    });
  });

  it('refuses binary tensors that do not fit their shape, are no numbers, or leave bytes over', async () => {
    await serving({}, async ({ url }) => {
      const text = (size: number) => ({
        inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: size } }],
      });
      const of = async (name: string, request: unknown, ...tensors: Uint8Array[]): Promise<unknown> =>
        (await send(`${url}/v2/models/${name}/infer`, binaryBody(request, ...tensors))).json()['error'];
      const [first, second] = inputs(0, 0);
      const sized = (size: number) => ({
        inputs: [{ ...first, data: undefined, parameters: { binary_data_size: size } }, second],
      });
      expect(await of('segmenter', sized(4), new Uint8Array(4))).toMatch(/expected 768 binary bytes, got 4/);
      expect(await of('segmenter', sized(768), new Uint8Array(769))).toMatch(
        /1 bytes follow the last tensor/,
      );
      expect(await of('segmenter', sized(768), new Uint8Array(768).fill(0xff))).toMatch(/finite/);
      expect(await of('text-encoder', text(4), Uint8Array.of(9, 0, 0, 0))).toMatch(
        /states 9 bytes, 0 are left/,
      );
      expect(await of('text-encoder', text(3), Uint8Array.of(9, 0, 0))).toMatch(/expected 1 elements/);
      expect(await of('text-encoder', text(0))).toMatch(/expected 1 elements of BYTES, got 0/);
      expect(await of('text-encoder', text(5), Uint8Array.of(1, 0, 0, 0, 0xff))).toMatch(/not UTF-8/);
    });
  });
});
