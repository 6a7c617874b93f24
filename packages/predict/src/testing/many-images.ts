/** Predicts many small images in another process and measures its memory. */
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writePngRgb } from '@reclmis/files';

const SCRIPT = fileURLToPath(new URL('predict-many.js', import.meta.url));

/** In bytes, between a fifth of the images and nearly all, after garbage collection. */
export interface Growth {
  readonly heap: number;
  readonly buffers: number;
  readonly resident: number;
  /** Peak memory of the process, bytes. */
  readonly peak: number;
  readonly cases: number;
}

export async function predictMany(root: string, count: number): Promise<Growth> {
  const images = join(root, 'many');
  const out = join(root, 'masks');
  mkdirSync(images, { recursive: true });
  const side = 24;
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) =>
    Math.floor(i / 3) % side < 9 ? 0 : 255,
  );
  const first = join(root, 'one.png');
  await writePngRgb(first, { width: side, height: side, data });
  for (let i = 0; i < count; i++) linkSync(first, join(images, `${String(i).padStart(6, '0')}.png`));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', SCRIPT, images, out], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the prediction ended with ${status}: ${stderr}`);
  const { marks, peakKilobytes } = JSON.parse(stdout) as {
    marks: [Record<string, number>, Record<string, number>];
    peakKilobytes: number;
  };
  const statistics = JSON.parse(readFileSync(join(out, 'statistics.json'), 'utf8')) as { cases: unknown[] };
  const grown = (name: string): number => marks[1][name]! - marks[0][name]!;
  for (const path of [images, out]) rmSync(path, { recursive: true });
  return {
    heap: grown('heap'),
    buffers: grown('buffers'),
    resident: grown('resident'),
    peak: peakKilobytes * 1024,
    cases: statistics.cases.length,
  };
}
