/**
 * The programs of `examples/`: in an empty project without libtorch, in a real Chromium; the viewer's adapter
 * on plain data.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toRgb, type ViewerImage, writeLabelmap } from '#cornerstone-adapter';
import { readMask } from '@reclmis/files';
import { loadModel, type Segmentation } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, CHROMIUM, openPage } from './browser-page.js';
import { pack, ROOT, unpackInto } from './packed.js';
import { makeSmallModel, type Picture, writePictures } from './small-model.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-examples-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const folder = join(root, 'model');
const pictures = join(root, 'images');
let picture: Picture;
let expected: Segmentation;

beforeAll(async () => {
  await makeSmallModel(root);
  picture = (await writePictures(pictures))[2]!; // not square
  const model = await loadModel(folder, { threads: 1 });
  expected = await model.segment(picture.bytes, picture.note);
  await model.dispose();
});

const inside = ({ data }: { data: Uint8Array }): number => data.filter((value) => value > 0).length;

describe('the packages, in an empty project', () => {
  const project = join(root, 'project');
  beforeAll(() => {
    mkdirSync(project);
    unpackInto(project, pack(join(root, 'archives')));
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  });

  it('segment without libtorch, its addon and lab', () => {
    const program = `
      const missing = [];
      for (const name of ['@reclmis/torch', '@reclmis/lab'])
        await import(name).catch((error) => missing.push(error.code));
      const { loadModel } = await import('@reclmis/runtime');
      const model = await loadModel(${JSON.stringify(folder)}, { threads: 1 });
      const { mask } = await model.segment(process.argv[2], process.argv[3]);
      await model.dispose();
      const libraries = process.report.getReport().sharedObjects.filter((path) => /torch/.test(path));
      console.log(JSON.stringify({ missing, libraries, inside: mask.data.filter((value) => value === 1).length }));`;
    writeFileSync(join(project, 'program.js'), program);
    const args = ['program.js', join(pictures, picture.file), picture.note];
    const result: unknown = JSON.parse(
      execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' }),
    );
    const missing = ['ERR_MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'];
    expect(result).toEqual({ missing, libraries: [], inside: inside(expected.mask) });
  });

  it('run the example for Node', async () => {
    copyFileSync(join(ROOT, 'examples', 'node', 'segment.mjs'), join(project, 'segment.mjs'));
    const args = ['segment.mjs', folder, join(pictures, picture.file), picture.note, 'mask.png'];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { width, height, mask } = expected;
    expect(stdout).toContain(`mask.png: ${width} x ${height}, ${inside(mask)} pixels in the mask`);
    expect(await readMask(join(project, 'mask.png'))).toEqual(mask);
  });
});

describe.skipIf(!CHROMIUM)('the example for browsers, in Chromium', () => {
  it('shows the mask over the image, and errors', async () => {
    await bundle(join(ROOT, 'examples', 'browser'), join(root, 'page'));
    const { page, close } = await openPage({ folders: { '/': join(root, 'page'), '/model/': folder } });
    try {
      const status = page.getByRole('status');
      await status.getByText('Ready.').waitFor();
      await page.setInputFiles('input', join(pictures, picture.file));
      await page.fill('textarea', picture.note);
      await page.click('button');
      const pixels = `${inside(expected.mask)} of ${expected.mask.data.length} pixels`;
      await status.getByText(pixels).waitFor();
      const orange = await page.evaluate(() => {
        const canvas = document.querySelector('canvas')!;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let p = 0; p < data.length; p += 4) if (data[p]! > data[p + 2]!) count += 1;
        return [canvas.width, canvas.height, count];
      });
      expect(orange).toEqual([expected.width, expected.height, inside(expected.mask)]);
      await page.setInputFiles('input', {
        name: 'x.png',
        mimeType: 'image/png',
        buffer: Buffer.from('no image'),
      });
      await page.click('button');
      await status.getByText('image: expected a PNG, JPEG, DICOM or NIfTI file').waitFor();
    } finally {
      await close();
    }
  });
});

describe('the adapter of the example for Cornerstone3D', () => {
  const grey = (pixels: ArrayLike<number>, change: Partial<ViewerImage> = {}): ViewerImage => ({
    rows: 1,
    columns: pixels.length,
    color: false,
    invert: false,
    slope: 1,
    intercept: 0,
    windowCenter: 0,
    windowWidth: 0,
    getPixelData: () => pixels,
    ...change,
  });
  const red = (image: ViewerImage): number[] => [...toRgb(image).data].filter((_, i) => i % 3 === 0);

  it('shows values through their window, as in DICOM', () => {
    // c 50.5, w 101 shows c - 0.5 - (w - 1) / 2 = 0 to 100; stored 2 x v - 20
    const values = Int16Array.from([-100, 10, 35, 60, 500]);
    const window = { slope: 2, intercept: -20, windowCenter: [50.5, 7], windowWidth: [101, 7] };
    expect(red(grey(values, window))).toEqual([0, 0, 128, 255, 255]);
    expect(red(grey(values, { ...window, invert: true }))).toEqual([255, 255, 128, 0, 0]);
    const scaled = values.map((value) => 2 * value - 20);
    expect(red(grey(scaled, { ...window, preScale: { scaled: true } }))).toEqual([0, 0, 128, 255, 255]);
  });

  it('shows all values without a window, and colour unchanged', () => {
    expect(red(grey(Uint8Array.of(0, 7, 255)))).toEqual([0, 7, 255]);
    expect(red(grey(Uint16Array.of(1000, 1500, 2000)))).toEqual([0, 128, 255]);
    const colour = { rows: 1, columns: 2, color: true };
    expect(toRgb(grey([1, 2, 3, 255, 4, 5, 6, 255], colour))).toEqual({
      width: 2,
      height: 1,
      data: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
    expect(() => toRgb(grey([1, 2, 3], { columns: 2 }))).toThrow(RangeError);
  });

  it('writes a mask as one segment, and leaves the others', () => {
    const labelmap = Uint8Array.of(0, 2, 1, 2);
    writeLabelmap(labelmap, { width: 4, height: 1, data: Uint8Array.of(1, 1, 0, 0) });
    expect([...labelmap]).toEqual([1, 1, 0, 2]);
    const mask = { width: 3, height: 1, data: new Uint8Array(3) };
    expect(() => writeLabelmap(labelmap, mask)).toThrow(RangeError);
    expect(() => writeLabelmap(new Uint8Array(3), mask, 256)).toThrow(RangeError);
  });
});
