/** `reclmis serve` with a real exported model: the runtime's masks, and a clean end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Random, ReclmisError } from '@reclmis/core';
import { decodeImage, encodePng } from '@reclmis/files';
import { loadModel } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallModel, smallRun } from './testing/exported.js';
import { BIN, reclmisIn } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-serve-'));
const [W, H] = [50, 40];
const NOTES = [
  'Unilateral pulmonary infection, one infected area, upper left lung.',
  'Bilateral pulmonary infection, two infected areas, lower left lung and lower right lung.',
];
const children: ChildProcess[] = [];
let url = '';
let model = '';
const log: string[] = [];

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

beforeAll(async () => {
  model = await smallModel(await smallRun(root), join(root, 'model'));
  url = await serving('--body-timeout', '300');
});

/** Starts a server. @returns its address */
async function serving(...flags: string[]): Promise<string> {
  const args = ['serve', model, '--port', '0', '--threads', '1', ...flags];
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  child.stdout.setEncoding('utf8').on('data', (text: string) => log.push(text));
  for await (const line of createInterface({ input: child.stderr })) {
    const found = / at (http:\S+) /.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('the server ended');
}

async function pngOf(seed: number): Promise<Uint8Array<ArrayBuffer>> {
  const random = Random.from('serve test', seed);
  const data = Uint8Array.from({ length: W * H * 3 }, () => random.int(256));
  return Uint8Array.from(await encodePng({ width: W, height: H, data }, 3));
}

function post(png: Uint8Array<ArrayBuffer>, note: string, threshold: number): Promise<Response> {
  const form = new FormData();
  form.append('image', new Blob([png]), 'a.png');
  form.append('note', note);
  form.append('threshold', String(threshold));
  return fetch(`${url}/segment`, { method: 'POST', body: form });
}

describe('the runtime in Node', () => {
  it("reports a missing device, and a folder in place of a model's file", async () => {
    const refusal = (dir: string, device?: 'cuda'): Promise<unknown> =>
      loadModel(dir, device ? { device } : {}).then(
        (loaded) => loaded.dispose(),
        (error: unknown) => (error instanceof ReclmisError ? [error.code, error.message] : error),
      );
    const none = ['DEVICE_MISSING', expect.stringMatching(/^device: onnxruntime has no cuda here/)];
    expect([undefined, none]).toContainEqual(await refusal(model, 'cuda')); // unless the machine has CUDA
    mkdirSync(join(root, 'folders', 'manifest.json'), { recursive: true });
    expect(await refusal(join(root, 'folders'))).toEqual([
      'MODEL_INVALID',
      expect.stringMatching(/manifest\.json: cannot be read \(is a folder, not a file\)$/),
    ]);
  });

  it('computes in a thread of its own: the event loop goes on, and calls get their own results', async () => {
    const runtime = await loadModel(model, { threads: 1 });
    const { size } = runtime.manifest.image;
    const { contextLength = 0, width = 0 } = runtime.manifest.note ?? {};
    const many = 64;
    const images = new Float32Array(many * 3 * size * size).map((_, i) => (i % 251) / 250);
    const notes = new Float32Array(many * contextLength * width).fill(0.1);
    const one = (i: number): Promise<Float32Array> => {
      const [pixels, features] = [3 * size * size, contextLength * width];
      return runtime.run(
        images.slice(i * pixels, (i + 1) * pixels),
        notes.slice(i * features, (i + 1) * features),
        1,
      );
    };
    let turns = 0;
    let computing = true;
    const turn = (): void => {
      turns += 1;
      if (computing) setImmediate(turn);
    };
    const whole = runtime.run(images, notes, many).finally(() => (computing = false));
    setImmediate(turn);
    const [all, first, last] = await Promise.all([whole, one(0), one(many - 1)]);
    // Turns take microseconds, 64 images milliseconds; computing in this thread would leave two or three.
    expect(turns).toBeGreaterThan(20);
    for (const [part, at] of [
      [first, 0],
      [last, many - 1],
    ] as const) {
      const expected = all.subarray(at * size * size, (at + 1) * size * size);
      const off = part.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? NaN))), 0);
      expect(off).toBeLessThan(1e-5); // other batch sizes may sum in another order
    }
    expect(images[1]).toBe(Math.fround(1 / 250)); // input unchanged
    await runtime.dispose();
    await expect(runtime.run(images, notes, many)).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
  });
});

describe('serve', () => {
  it('gives the masks that the runtime gives, alone and in batches', async () => {
    const runtime = await loadModel(model, { threads: 1 });
    const given = [0, 1, 2, 3, 4, 5];
    let foreground = 0;
    const compared = await Promise.all(
      given.map(async (i) => {
        const png = await pngOf(i);
        const note = NOTES[i % 2] ?? '';
        // After one epoch, only a threshold among its probabilities gives both kinds of pixels.
        const { probability } = await runtime.segment(png, note);
        const threshold = [...probability].sort((a, b) => a - b)[(W * H) >> 1] ?? 0.5;
        const response = await post(png, note, threshold);
        expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
        const { width, height, data } = await decodeImage(
          new Uint8Array(await response.arrayBuffer()),
          'mask',
        );
        expect([width, height]).toEqual([W, H]);
        const { mask } = await runtime.segment(png, note, { threshold });
        let equal = 0;
        mask.data.forEach((value, k) => {
          foreground += value;
          equal += Number((data[3 * k] === 255) === (value === 1));
        });
        return equal;
      }),
    );
    await runtime.dispose();
    expect(foreground).toBeGreaterThan((given.length * W * H) / 4);
    // Batches sum in another order; pixels at the threshold may change.
    for (const equal of compared) expect(equal).toBeGreaterThanOrEqual(W * H - 2);
  });

  it('reads a slip as the run does: the mask of the word meant, and a warning', async () => {
    const runtime = await loadModel(model, { threads: 1 });
    const png = await pngOf(2);
    const masks = ['Uper leftlung', 'upper left lung', 'zebra left lung'].map(async (note) => {
      const { probability, warnings } = await runtime.segment(png, note, { noteStyle: 'as-is' });
      return { probability, messages: warnings.map(({ message }) => message) };
    });
    const [slip, right, other] = await Promise.all(masks);
    await runtime.dispose();
    expect(slip?.probability).toEqual(right?.probability);
    expect(other?.probability).not.toEqual(right?.probability);
    expect(slip?.messages).toContain(
      '2 of 2 words are unknown to the model: "uper" (read as upper), "leftlung" (read as left lung)',
    );
  });

  it('takes notes as its flag says, unless a request chooses', async () => {
    const asWritten = await serving('--note-style', 'as-is');
    const given = async (address: string, style?: string): Promise<unknown> => {
      const form = new FormData();
      form.append('image', new Blob([await pngOf(1)]), 'a.png');
      form.append('note', 'Opacity, LUL');
      if (style !== undefined) form.append('noteStyle', style);
      const headers = { accept: 'application/json' };
      const response = await fetch(`${address}/segment`, { method: 'POST', body: form, headers });
      const { note } = (await response.json()) as { note: { style: string; sent: string } };
      return [note.style, note.sent];
    };
    const written = ['as-is', 'Opacity, LUL'];
    const free = ['free', 'Unilateral pulmonary infection, upper left lung.'];
    expect(await given(url)).toEqual(free);
    expect(await given(asWritten)).toEqual(written);
    expect(await given(asWritten, 'free')).toEqual(free);
    expect(await given(url, 'as-is')).toEqual(written);
    const wrong = reclmisIn(root)('serve', model, '--note-style', 'loose');
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/Allowed choices are free, as-is/),
    ]);
  });

  it('reads notes by a vocabulary that is given', async () => {
    const vocabulary = fileURLToPath(new URL('../../../examples/vocabularies/polyps.yaml', import.meta.url));
    const address = await serving('--note-vocabulary', vocabulary);
    const form = new FormData();
    form.append('image', new Blob([await pngOf(1)]), 'a.png');
    form.append('note', 'two polyps at the top left');
    const headers = { accept: 'application/json' };
    const response = await fetch(`${address}/segment`, { method: 'POST', body: form, headers });
    expect(await response.json()).toMatchObject({ note: { style: 'free', sent: 'Two polyps, upper left.' } });
    const none = reclmisIn(root)('serve', model, '--note-vocabulary', 'none.yaml');
    expect(none.stderr).toMatch(/^error NOTE_VOCABULARY_INVALID: none\.yaml: cannot be read/);
  });

  it('ends what arrives too slowly, by its flag', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.write(
      'POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 100\r\n\r\n--x',
    );
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('REQUEST_SLOW');
  });

  it.skipIf(process.platform === 'win32')('says if everybody may read the token', () => {
    const token = join(root, 'token');
    writeFileSync(token, 'a-token-of-the-tests-0123456789', { mode: 0o644 });
    const serve = (): string => reclmisIn(root)('serve', 'nowhere', '--token-file', token).stderr;
    expect(serve()).toMatch(
      /^.*token: every user of this machine can read the token; .*\nerror MODEL_MISSING/,
    );
    chmodSync(token, 0o640);
    expect(serve()).toMatch(/^error MODEL_MISSING/);
  });

  it('logs no note, and ends cleanly on request', async () => {
    expect((await fetch(`${url}/v2/models/segmenter`)).status).toBe(200);
    const [child] = children;
    child?.kill('SIGTERM');
    const [status] = child ? ((await once(child, 'exit')) as [number | null]) : [null];
    expect(status === 0 || status === 143).toBe(true);
    const text = log.join('');
    expect(text).toContain('/segment');
    expect(text).not.toMatch(/lung|infect/i);
    expect(readFileSync(join(model, 'manifest.json'), 'utf8')).toContain('lung');
  });
});
