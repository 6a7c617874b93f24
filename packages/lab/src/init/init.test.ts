import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { full, scope, type Tensor, writeSafetensors, writeTorchArchive } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config, Overrides } from '../config/config.js';
import { buildModel } from '../model/registry.js';
import { checkpointPath } from '../run/checkpoint.js';
import { openRun, runFiles, startOf } from '../run/run.js';
import { failure } from '../testing/failure.js';
import {
  googleShapes,
  numbered,
  resNetShapes,
  viltShapes,
  vitShapes,
  writeNpz,
} from '../testing/published-weights.js';
import { tensorHashes } from '../testing/tensor-hashes.js';
import { writeTinyData } from '@reclmis/data/testing';
import { tinyConfig } from '../testing/tiny-run.js';
import { WordEncoder } from '../text/words.js';
import { resumeTraining } from '../train/resume.js';
import { ranks } from '../train/testing/ranks.js';
import { train } from '../train/train.js';
import { initialise } from './init.js';
import { vocabularyOf } from './words.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-init-'));
const data = join(root, 'data');
const place = (name: string): string => join(root, name);
const encoder = WordEncoder.fromNotes(['left lung', 'right lung'], { contextLength: 12 });
/** 1/1024 so that a trained model stays finite. */
const scaled = (shapes: Map<string, number[]>): Map<string, Tensor> =>
  new Map(
    [...numbered(shapes)].map(([name, tensor]) => [
      name,
      /running_var|norm\d?\.weight|bn\d\.weight/.test(name)
        ? full(tensor.shape, 1.25)
        : tensor.remainder(1).sub(0.5).mul(0.125),
    ]),
  );

const CONVIRT = { 'model.name': 'convirt', 'model.options': { blocks: [1, 1, 1, 1] } };
const tiny = (overrides: Overrides = {}): Config => tinyConfig(data, { 'train.epochs': 2, ...overrides });
const convirt = (overrides: Overrides = {}): Config => tiny({ ...CONVIRT, ...overrides });
const resNet = (): Map<string, number[]> => resNetShapes(4, [1, 1, 1, 1]);

beforeAll(async () => {
  await writeTinyData(data, 32, { train: 10, val: 4, test: 2 });
  scope(() => writeTorchArchive(place('resnet50.pth'), scaled(resNet())));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const numbers = (tensor: Tensor): number[] =>
  scope(() => [...tensor.detach().to({ dtype: 'float32' }).contiguous().toFloat32Array()]);

interface Loaded extends Awaited<ReturnType<typeof initialise>> {
  /** Values by key before and after. */
  readonly before: ReadonlyMap<string, number[]>;
  readonly after: ReadonlyMap<string, number[]>;
}

async function load(path: string, { model: settings }: Config): Promise<Loaded> {
  using model = buildModel(settings, encoder);
  const state = model.stateDict();
  const values = (): Map<string, number[]> =>
    new Map([...state].map(([key, tensor]) => [key, numbers(tensor)]));
  const before = values();
  const { info, lines } = await initialise(path, { name: settings.name, state, encoder });
  return { info, lines, before, after: values() };
}

const published = (shapes: Map<string, number[]>, name: string): number[] =>
  scope(() => numbers(scaled(shapes).get(name)!));

describe('a file of published weights', () => {
  it('fills the encoder and nothing else, and says so', async () => {
    const { info, lines, before, after } = await load(place('resnet50.pth'), convirt());
    for (const [key, values] of after) {
      const name = /^encoder\.(.+)$/.exec(key)?.[1];
      expect(values).toEqual(name === undefined ? before.get(key) : published(resNet(), name));
    }
    expect(info).toMatchObject({
      file: 'resnet50.pth',
      family: 'resnet50',
      sha256: createHash('sha256')
        .update(readFileSync(place('resnet50.pth')))
        .digest('hex'),
      interpolated: [],
      left: ['fc.weight', 'fc.bias'],
    });
    expect(info.taken).toEqual([...after.keys()].filter((key) => key.startsWith('encoder.')));
    expect(info.missing).toEqual([...after.keys()].filter((key) => !key.startsWith('encoder.')));
    expect(lines).toEqual([
      `Starts from resnet50.pth, ResNet-50 (torchvision, timm): ${info.taken.length} parameters taken; 0 interpolated; ` +
        `${info.missing.length} left as drawn (${info.missing.slice(0, 3).join(', ')}, ...); 2 of the file unused (fc.weight, fc.bias).`,
    ]);
  });

  it.each<[string, (path: string, tensors: Map<string, Tensor>) => void]>([
    ['bare.pt', (path, tensors) => writeTorchArchive(path, tensors, { wrap: null })],
    [
      'wrapped.pth',
      (path, tensors) => writeTorchArchive(path, tensors, { wrap: { key: 'model', meta: {} } }),
    ],
    ['weights.safetensors', (path, tensors) => writeSafetensors(path, tensors)],
    [
      'parallel.pth',
      (path, tensors) =>
        writeTorchArchive(path, new Map([...tensors].map(([name, tensor]) => [`module.${name}`, tensor]))),
    ],
    [
      'half.safetensors',
      (path, tensors) =>
        writeSafetensors(
          path,
          new Map([...tensors].map(([name, tensor]) => [name, tensor.to({ dtype: 'float16' })])),
        ),
    ],
    ['arrays.npz', (path, tensors) => writeNpz(path, tensors)],
  ])('gives the same weights as %s', async (name, write) => {
    scope(() => write(place(name), scaled(resNet())));
    const { after } = await load(place(name), convirt());
    const expected = published(resNet(), 'layer3.0.conv2.weight');
    after.get('encoder.layer3.0.conv2.weight')!.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, name.startsWith('half') ? 4 : 10); // float16 has 11 bits
    });
  });

  it('of SE-ResNet fills U-Net++', async () => {
    const shapes = resNetShapes(8, [1, 1, 1, 1], true);
    scope(() => writeTorchArchive(place('se.pth'), scaled(shapes)));
    const settings = {
      'model.name': 'unetpp',
      'model.baseWidth': 8,
      'model.options': { blocks: [1, 1, 1, 1] },
    };
    const { after, info } = await load(place('se.pth'), tiny(settings));
    expect(after.get('encoder.layer2.0.se_module.fc1.weight')).toEqual(
      published(shapes, 'layer2.0.se_module.fc1.weight'),
    );
    expect(info.taken).toHaveLength([...after.keys()].filter((key) => key.startsWith('encoder.')).length);
  });

  it('of Google’s R50+ViT fills TransUNet, positions interpolated', async () => {
    const sizes = {
      width: 16,
      depth: 2,
      heads: 2,
      patch: 1,
      inputs: 128,
      grid: 4,
      stem: { width: 8, units: [3, 4, 9] },
    };
    const settings = tiny({
      'model.name': 'transunet',
      'model.baseWidth': 8,
      'model.options': { width: 16, layers: 2, heads: 2 },
    });
    scope(() => writeNpz(place('r50.npz'), scaled(googleShapes(sizes))));
    const google = await load(place('r50.npz'), settings);
    expect(google.info).toMatchObject({
      family: 'google-vit',
      interpolated: ['transformer.embeddings.position_embeddings'],
      left: ['cls', 'head/kernel', 'head/bias'],
    });
    expect(google.info.missing.every((key) => !key.startsWith('transformer.'))).toBe(true);
    const kernel = published(googleShapes(sizes), 'block2/unit3/conv2/kernel'); // HWIO, 3 x 3 x 16 x 16
    const own = google.after.get('transformer.embeddings.hybrid_model.body.block2.unit3.conv2.weight')!;
    const [o, i, h, w] = [11, 6, 0, 2];
    expect(own[((o * 16 + i) * 3 + h) * 3 + w]).toBe(kernel[((h * 3 + w) * 16 + i) * 16 + o]);
    const positions = google.after.get('transformer.embeddings.position_embeddings')!;
    expect(positions).toHaveLength(4 * 16);
    expect(positions.every((value) => Number.isFinite(value) && value !== 0)).toBe(true);

    scope(() => writeSafetensors(place('r50.safetensors'), scaled(vitShapes({ ...sizes, grid: 2 }))));
    const timm = await load(place('r50.safetensors'), settings);
    expect(timm.info).toMatchObject({ family: 'r50-vit', interpolated: [] });
    const grid = published(vitShapes({ ...sizes, grid: 2 }), 'pos_embed');
    expect(timm.after.get('transformer.embeddings.position_embeddings')).toEqual(grid.slice(16)); // without the class token's
  });
});

describe('ViLT’s table of words', () => {
  const sizes = { width: 48, depth: 12, heads: 12, patch: 32, inputs: 3, grid: 2 };
  const settings = tiny({
    'model.name': 'vilt',
    'model.imageSize': 64,
    'model.options': { positions: 2 },
  });
  const key = 'text_embeddings.word_embeddings.weight';

  it('gives its rows to the same words, where their list is next to the file', async () => {
    mkdirSync(place('vilt'));
    const path = join(place('vilt'), 'vilt.ckpt');
    const shapes = viltShapes(sizes, 6);
    scope(() => writeTorchArchive(path, scaled(shapes), { wrap: { key: 'state_dict', meta: {} } }));
    const alone = await load(path, settings);
    expect(alone.info).toMatchObject({ family: 'vilt', missing: expect.arrayContaining([key]) as string[] });
    expect(alone.after.get(key)).toEqual(alone.before.get(key));

    writeFileSync(join(place('vilt'), 'vocab.txt'), '[PAD]\nlung\n[UNK]\n##s\nleft\nheart\n');
    const { info, lines, before, after } = await load(path, settings);
    const words = encoder.tokenizer.vocabulary; // <pad>, <unk>, left, lung, right
    const rows = published(shapes, key);
    const row = (values: readonly number[], at: number): number[] => values.slice(48 * at, 48 * at + 48);
    const from = new Map([
      ['<unk>', 2],
      ['left', 4],
      ['lung', 1],
    ]);
    words.forEach((word, id) => {
      const at = from.get(word);
      expect(row(after.get(key)!, id)).toEqual(at === undefined ? row(before.get(key)!, id) : row(rows, at));
    });
    expect(info.partly).toEqual([{ key, rows: 3, of: 5 }]);
    expect(info.missing).not.toContain(key);
    expect(lines[0]).toContain(`3 of 5 rows of ${key}`);
    expect(after.get('transformer.pos_embed')).toEqual(published(shapes, 'transformer.pos_embed'));
  });

  it('keeps the rows of a run’s words under another vocabulary', async () => {
    const out = place('vilt-run');
    await train(
      tiny({
        'model.name': 'vilt',
        'model.imageSize': 64,
        'model.options': { positions: 2 },
        'train.epochs': 1,
      }),
      { out },
    );
    const trained = openRun(out);
    using loaded = trained.loadModel();
    const theirs = vocabularyOf(loaded.encoder.describe())!;
    const table = numbers(loaded.model.stateDict().get(key)!);
    const { info, lines, before, after } = await load(out, settings);
    const row = (values: readonly number[], at: number): number[] => values.slice(48 * at, 48 * at + 48);
    const common = encoder.tokenizer.vocabulary.map((word, id) => (id === 0 ? -1 : theirs.indexOf(word)));
    common.forEach((at, id) => {
      expect(row(after.get(key)!, id)).toEqual(at < 0 ? row(before.get(key)!, id) : row(table, at));
    });
    const kept = common.filter((at) => at >= 0).length;
    expect(kept).toBeGreaterThan(1);
    expect(info.partly).toEqual([{ key, rows: kept, of: encoder.vocabularySize }]);
    expect(lines).toHaveLength(1);
  });

  it('is refused with a list that is no file', async () => {
    mkdirSync(join(place('vilt-2'), 'vocab.txt'), { recursive: true });
    const path = join(place('vilt-2'), 'vilt.safetensors');
    scope(() => writeSafetensors(path, scaled(viltShapes(sizes, 6))));
    const { code, message } = await failure(() => load(path, settings));
    expect([code, message]).toEqual([
      'WEIGHTS_UNSUPPORTED',
      expect.stringMatching(/vocab\.txt: is a folder/),
    ]);
  });
});

describe('a file that does not fit is refused', () => {
  const refusal = async (path: string, config = convirt()): Promise<[string, string, string]> => {
    const { code, message, remedy } = await failure(() => load(path, config));
    return [code, message, remedy];
  };

  it('whose sizes are others', async () => {
    scope(() => writeTorchArchive(place('wide.pth'), scaled(resNetShapes(8, [1, 1, 1, 1]))));
    const [code, message, remedy] = await refusal(place('wide.pth'));
    expect(code).toBe('INIT_MISMATCH');
    expect(message).toMatch(
      /wide\.pth: ResNet-50 .* gives 0\.0 % of the parameters of convirt that it is for, expected at least 40 %/,
    );
    expect(remedy).toMatch(
      /^These fit convirt: ResNet-50 \(torchvision, timm\); or a run of the same model\./,
    );
  });

  it('of another family, or of none', async () => {
    scope(() => writeTorchArchive(place('se2.pth'), scaled(resNetShapes(4, [1, 1, 1, 1], true))));
    expect((await refusal(place('se2.pth')))[1]).toMatch(/SE-ResNet-101 .* is no start for convirt/);
    scope(() => writeSafetensors(place('odd.safetensors'), new Map([['a', full([2], 1)]])));
    expect((await refusal(place('odd.safetensors'))).slice(0, 2)).toEqual([
      'INIT_MISMATCH',
      `${place('odd.safetensors')}: 1 tensors of no known family: a`,
    ]);
    expect((await refusal(place('resnet50.pth'), tiny()))[2]).toMatch(/^Only runs fit reclmis\./);
  });

  it('of a deeper network', async () => {
    scope(() => writeTorchArchive(place('deep.pth'), scaled(resNetShapes(4, [1, 1, 3, 1]))));
    const [code, message] = await refusal(place('deep.pth'));
    expect([code, message]).toEqual([
      'INIT_MISMATCH',
      `${place('deep.pth')}: layer3: expected as many blocks as convirt has, 1, got 3: a deeper network`,
    ]);
  });

  it('with values that are not finite', async () => {
    scope(() => {
      const tensors = scaled(resNet());
      tensors.set('bn1.weight', full([4], Number.NaN));
      writeTorchArchive(place('nan.pth'), tensors);
    });
    const [code, message] = await refusal(place('nan.pth'));
    expect([code, message]).toEqual(['WEIGHTS_UNSUPPORTED', expect.stringContaining('encoder.bn1.weight')]);
  });

  it('that is missing, empty, cut short or a pickle that runs code', async () => {
    expect((await refusal(place('none.pth')))[0]).toBe('WEIGHTS_MISSING');
    writeFileSync(place('empty.pth'), '');
    expect((await refusal(place('empty.pth')))[0]).toBe('ARCHIVE_INVALID');
    const whole = readFileSync(place('resnet50.pth'));
    for (const share of [0.1, 0.5, 0.99]) {
      writeFileSync(place('cut.pth'), whole.subarray(0, Math.floor(whole.length * share)));
      expect((await refusal(place('cut.pth')))[0]).toBe('ARCHIVE_INVALID');
    }
    // Protocol 2, before PyTorch 1.6: os.system('touch ...') while loading.
    const touched = place('touched');
    writeFileSync(
      place('evil.pth'),
      `\x80\x02cos\nsystem\nX${String.fromCharCode(touched.length + 6)}\0\0\0touch ${touched}\x85R.`,
      'latin1',
    );
    expect((await refusal(place('evil.pth')))[0]).toMatch(/^ARCHIVE_(?:REFUSED|INVALID)$/);
    expect(() => readFileSync(touched)).toThrow('ENOENT');
    mkdirSync(place('folder'));
    expect((await refusal(place('folder')))[0]).toBe('RUN_INVALID');
  });

  it('before anything is written', async () => {
    const out = place('refused');
    const config = convirt({ 'model.init': place('wide.pth') });
    expect((await failure(() => train(config, { out }))).code).toBe('INIT_MISMATCH');
    expect(() => readFileSync(runFiles(out).config)).toThrow('ENOENT');
  });
});

describe('a run with starting weights', () => {
  const config = (): Config => convirt({ 'model.init': place('start.pth') });
  const whole = place('whole');

  beforeAll(async () => {
    copyFileSync(place('resnet50.pth'), place('start.pth'));
    const notices: string[] = [];
    await train(config(), { out: whole, onNotice: (line) => notices.push(line) });
    expect(notices.filter((line) => line.startsWith('Starts from start.pth'))).toHaveLength(1);
    await train(convirt({ 'train.epochs': 1 }), { out: place('scratch') });
  });

  it('begins with them', async () => {
    let first: number[] = [];
    await train(convirt({ 'model.init': place('start.pth'), 'train.epochs': 1 }), {
      out: place('observed'),
      onStart: ({ model }) => void (first = numbers(model.stateDict().get('encoder.layer4.0.conv1.weight')!)),
    });
    expect(first).toEqual(published(resNet(), 'layer4.0.conv1.weight'));
  });

  it('keeps in run.json what was taken, and says where it came from', async () => {
    const { init } = openRun(whole).info;
    expect(init).toEqual((await load(place('start.pth'), convirt())).info);
    expect(startOf(openRun(whole).info)).toBe('start.pth (resnet50)');
    expect(startOf({})).toBe('from scratch'); // a run of an older version
    expect(openRun(place('scratch')).info.init).toBe('from scratch');
    expect(openRun(whole).config.model.init).toBe(place('start.pth'));
  });

  it('is resumed bit for bit, without the file', async () => {
    const dir = place('resumed');
    const controller = new AbortController();
    await train(config(), {
      out: dir,
      signal: controller.signal,
      onStep: ({ step }) => {
        if (step === 2) controller.abort();
      },
    });
    rmSync(place('start.pth'));
    await resumeTraining(dir);
    copyFileSync(place('resnet50.pth'), place('start.pth'));
    for (const kind of ['best', 'last'] as const)
      expect(tensorHashes(checkpointPath(dir, kind))).toEqual(tensorHashes(checkpointPath(whole, kind)));
    expect(openRun(dir).info.init).toEqual(openRun(whole).info.init);
  });

  it('that has no resume point yet starts from them again', async () => {
    const dir = place('unbegun');
    mkdirSync(join(dir, 'checkpoints'), { recursive: true });
    copyFileSync(runFiles(whole).config, runFiles(dir).config);
    await resumeTraining(dir);
    expect(tensorHashes(checkpointPath(dir, 'last'))).toEqual(tensorHashes(checkpointPath(whole, 'last')));
    expect(openRun(dir).info.init).toEqual(openRun(whole).info.init);
  });

  it('in two processes shares what the first read', { timeout: 240_000 }, async () => {
    const out = place('two');
    // The second process could not read the file: only the first is told its place... by being first to open it.
    const settings: Overrides = {
      ...CONVIRT,
      'model.baseWidth': 4,
      'model.imageSize': 32,
      'model.init': place('start.pth'),
      'text.encoder': 'words',
      'text.contextLength': 12,
      'note.sides': 'patient',
      'data.dir': data,
      'data.workers': 0,
      'augment.mode': 'none',
      'train.epochs': 1,
      'train.batchSize': 10,
      'train.lr': 1e-9,
      'train.threads': 1,
    };
    const results = await ranks<{ records: unknown[] }>(2, { kind: 'train', settings, out });
    expect(results).toHaveLength(2);
    const trained = await trainedWeight(out);
    const expected = published(resNet(), 'layer4.0.conv2.weight');
    trained.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6)); // lr 1e-9: the rank's average of gradients moved nothing
    expect(openRun(out).info.init).toMatchObject({ family: 'resnet50' });
    // Were the second process's weights other ones, its half of the batch would give another loss.
    const alone = await train(tiny(settings), { out: place('one') });
    const [one] = alone.records;
    const [two] = results[1]!.records as typeof alone.records;
    expect(two?.losses['bce']).toBeCloseTo(one?.losses['bce'] ?? NaN, 4);
  });
});

async function trainedWeight(dir: string): Promise<number[]> {
  await Promise.resolve();
  using loaded = openRun(dir).loadModel();
  return numbers(loaded.model.stateDict().get('encoder.layer4.0.conv2.weight')!);
}

describe('fine-tuning', () => {
  const base = place('base');

  beforeAll(async () => {
    await train(tiny({ 'train.epochs': 1 }), { out: base });
  });

  const stored = (dir: string): ReadonlyMap<string, number[]> => {
    using loaded = openRun(dir).loadModel();
    return new Map([...loaded.model.stateDict()].map(([key, tensor]) => [key, numbers(tensor)]));
  };

  it.each(['folder', 'checkpoint'])('from a run’s %s takes every parameter', async (kind) => {
    const path = kind === 'folder' ? base : checkpointPath(base, 'best');
    const { after, info, lines } = await load(path, tiny());
    expect(after).toEqual(stored(base));
    expect(info).toMatchObject({ family: 'run:reclmis', interpolated: [], left: [], missing: [] });
    expect(info.file).toBe(kind === 'folder' ? 'base' : 'best.safetensors');
    expect(lines).toHaveLength(1); // a different vocabulary of words has the same features
  });

  it('at another image size interpolates positions', async () => {
    const { after, info } = await load(base, tiny({ 'model.imageSize': 64 }));
    expect(info.interpolated).toEqual(['interact.embeddings.position_embeddings']);
    const own = stored(base);
    const small = own.get('interact.embeddings.position_embeddings')!; // 2 x 2 places
    const large = after.get('interact.embeddings.position_embeddings')!; // 4 x 4
    expect(large).toHaveLength(4 * small.length);
    const width = small.length / 4;
    // A mean over a grid survives bicubic enlargement by 2: the taps are symmetric.
    for (let c = 0; c < width; c++) {
      const mean = (values: number[], places: number): number =>
        Array.from({ length: places }, (_, p) => values[p * width + c]!).reduce((a, b) => a + b, 0) / places;
      expect(mean(large, 16)).toBeCloseTo(mean(small, 4), 5);
    }
    expect(after.get('inc.conv.weight')).toEqual(own.get('inc.conv.weight'));
  });

  it('under another note encoder leaves what reads its features, and says so', async () => {
    using model = buildModel(tiny().model, encoder);
    const fresh = numbers(model.stateDict().get('text_module4.weight')!);
    const { info, lines } = await initialise(base, {
      name: 'reclmis',
      state: model.stateDict(),
      encoder: { describe: () => ({ kind: 'clip', recipe: 'x', contextLength: 12 }) },
    });
    expect([...info.missing].sort()).toEqual(['text_module4.bias', 'text_module4.weight']);
    expect([...info.left].sort()).toEqual(['text_module4.bias', 'text_module4.weight']);
    expect(numbers(model.stateDict().get('text_module4.weight')!)).toEqual(fresh);
    expect(lines[1]).toMatch(/another note encoder/);
  });

  it('starts UCTransNet from a U-Net, as its authors may', async () => {
    const unet = place('unet');
    await train(tiny({ 'model.name': 'unet', 'train.epochs': 1, 'model.baseWidth': 8 }), { out: unet });
    const { info, after } = await load(
      unet,
      tiny({ 'model.name': 'uctransnet', 'model.baseWidth': 8, 'model.options': { layers: 1 } }),
    );
    expect(info.family).toBe('run:unet');
    expect(after.get('down2.nConvs.0.conv.weight')).toEqual(stored(unet).get('down2.nConvs.0.conv.weight'));
  });

  it('is refused from a run with other widths, and from a damaged checkpoint', async () => {
    const wide = await failure(() => load(base, tiny({ 'model.baseWidth': 8 })));
    expect([wide.code, wide.message]).toEqual([
      'INIT_MISMATCH',
      expect.stringMatching(/run of reclmis gives .* % of the parameters of reclmis/),
    ]);
    const bytes = readFileSync(checkpointPath(base, 'best'));
    bytes[bytes.length - 1000]! ^= 0x40;
    writeFileSync(place('damaged.safetensors'), bytes);
    expect((await failure(() => load(place('damaged.safetensors'), tiny()))).code).toBe('CHECKPOINT_CORRUPT');
  });

  it('trains on', async () => {
    const out = place('tuned');
    const run = await train(tiny({ 'model.init': base, 'model.imageSize': 64, 'train.epochs': 1 }), { out });
    expect(run.init).toMatchObject({ family: 'run:reclmis' });
    expect(run.status).toBe('finished');
  });
});
