/**
 * Times a CT series from DICOM files to its SEG against the model alone: `reclmis predict --format seg` in a process of
 * its own, next to `reclmis bench infer` on as many pictures of that size, interleaved.
 *
 *     npm run bench:series -- MODEL [--slices 300] [--batch 2] [--runs 3] [--overlay] [--json]
 *
 * Needs a quiet machine; on a busy one only the share of processor time means something. Files are in the page cache.
 * `share`: time of the model's pictures (from 512 x 512 pixels to masks of that size) of the command's, without its
 * start; the same of processor time, all threads together. Memory: the largest resident set, read ten times a second.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Attribute, imageFile, phantomFrame } from '@reclmis/clinical/testing';

const SIDE = 512;
/** At most so many turns of the model by itself: enough for a median. */
const MOST_TURNS = 25;
/** Linux counts processor time in hundredths of a second. */
const TICKS = 100;
const CT = '1.2.840.10008.5.1.4.1.1.2';
const RECLMIS = fileURLToPath(new URL('../../packages/cli/bin/reclmis.js', import.meta.url));
const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    slices: { type: 'string', default: '300' },
    batch: { type: 'string', default: '2' },
    runs: { type: 'string', default: '3' },
    overlay: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [model] = positionals;
const [slices, batch, runs] = [values.slices, values.batch, values.runs].map(Number) as [
  number,
  number,
  number,
];
if (model === undefined || ![slices, batch, runs].every((n) => Number.isInteger(n) && n >= 1))
  throw new Error('usage: npm run bench:series -- MODEL [--slices 300] [--batch 2] [--runs 3]');

function writeSlices(folder: string, count: number): void {
  const { data } = phantomFrame(SIDE, SIDE, { stored: 12 });
  for (let i = 0; i < count; i += 1) {
    const pixels = Uint16Array.from(data, (value) => (value + 3 * i) % 4096);
    const more: readonly Attribute[] = [
      [0x00080016, 'UI', CT],
      [0x00080018, 'UI', `2.25.77${1000 + i}`],
      [0x00080060, 'CS', 'CT'],
      [0x0020000d, 'UI', '2.25.7'],
      [0x0020000e, 'UI', '2.25.8'],
      [0x00200052, 'UI', '2.25.9'],
      [0x00200013, 'IS', String(i + 1)],
      [0x00200032, 'DS', `-180\\-180\\${1.5 * i}`],
      [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
      [0x00280030, 'DS', '0.7\\0.7'],
      [0x00281050, 'DS', '2048'],
      [0x00281051, 'DS', '4096'],
    ];
    const file = imageFile({
      ...{ width: SIDE, height: SIDE, stored: 12, more },
      pixels: new Uint8Array(pixels.buffer),
    });
    writeFileSync(join(folder, `${String(i).padStart(4, '0')}.dcm`), file);
  }
}

interface Ran {
  readonly seconds: number;
  readonly out: string;
  /** Seconds of processor time. */
  readonly processor: number;
  /** Bytes. */
  readonly peak: number;
}

/** Runs the command, and watches its memory. */
function reclmis(...args: readonly string[]): Promise<Ran> {
  const start = performance.now();
  const child = spawn(process.execPath, [RECLMIS, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let [peak, processor, out] = [0, 0, ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const watch = setInterval(() => {
    try {
      const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peak = Math.max(peak, 1024 * Number(kilobytes ?? 0));
      const [user, system] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13); // prettier-ignore
      processor = (Number(user) + Number(system)) / TICKS;
    } catch {
      // it has just ended
    }
  }, 100);
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      clearInterval(watch);
      if (code === 0) resolve({ seconds: (performance.now() - start) / 1000, processor, out, peak });
      else reject(new Error(`reclmis ${args[0]} ended with ${code}`));
    });
  });
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

const folder = mkdtempSync(join(tmpdir(), 'reclmis-series-'));
try {
  for (const [name, count] of [
    ['all', slices],
    ['one', 1],
  ] as const) {
    mkdirSync(join(folder, name));
    writeSlices(join(folder, name), count);
  }
  const predict = (name: string): Promise<Ran> =>
    reclmis(
      ...[
        'predict',
        model,
        '--image',
        join(folder, name),
        '--note',
        NOTE,
        '--format',
        'seg',
        '--batch',
        `${batch}`,
      ],
      ...['--overwrite', '-q', '-o', join(folder, 'masks'), ...(values.overlay ? [] : ['--no-overlay'])],
    );
  /** Seconds for all slices. */
  const infer = async (): Promise<{ time: number; processor: number }> => {
    const steps = `${Math.min(MOST_TURNS, Math.ceil(slices / batch))}`;
    const { out } = await reclmis('bench', 'infer', '--model', model, '--batches', `${batch}`, '--steps', steps, '--starts', '1', '--json'); // prettier-ignore
    type Median = Readonly<Record<'perImage' | 'processor', { readonly median: number }>>;
    const { models } = JSON.parse(out) as { models: { batches: Median[] }[] };
    const figures = models[0]!.batches[0]!;
    const all = ({ median: ms }: { median: number }): number => (ms * slices) / 1000;
    return { time: all(figures.perImage), processor: all(figures.processor) };
  };
  const rows: Record<'own' | 'command' | 'start' | 'share' | 'processorShare' | 'peak', number>[] = [];
  for (let run = 0; run < runs; run += 1) {
    const before = await infer();
    const start = await predict('one');
    const whole = await predict('all');
    const after = await infer();
    const own = (before.time + after.time) / 2;
    const share = (alone: number, first: number, all: number): number =>
      alone / slices / ((all - first) / (slices - 1));
    rows.push({
      ...{ own, command: whole.seconds, start: start.seconds, peak: whole.peak },
      share: share(own, start.seconds, whole.seconds),
      processorShare: share((before.processor + after.processor) / 2, start.processor, whole.processor),
    });
  }
  const result = {
    slices,
    batch,
    own: median(rows.map(({ own }) => own)),
    command: median(rows.map(({ command }) => command)),
    start: median(rows.map(({ start }) => start)),
    share: median(rows.map(({ share }) => share)),
    processorShare: median(rows.map(({ processorShare }) => processorShare)),
    peakMiB: Math.max(...rows.map(({ peak }) => peak)) / 2 ** 20,
  };
  if (values.json) console.log(JSON.stringify({ ...result, rows }));
  else
    console.log(
      `${slices} slices, batch ${batch}: the model ${result.own.toFixed(1)} s, the command ${result.command.toFixed(1)} s (start ${result.start.toFixed(1)} s), share ${(100 * result.share).toFixed(1)} % (of processor time ${(100 * result.processorShare).toFixed(1)} %), at most ${result.peakMiB.toFixed(0)} MiB`,
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
