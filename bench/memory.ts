/**
 * Fits the coefficients of `packages/lab/src/plan/memory.ts`. Run it when kernels or layers change what a
 * step holds.
 *
 *     npm run bench:memory -- [--precision fp32|bf16] [--json]
 *
 * Takes peaks of tensors in two steps per shape (a few minutes, unaffected by other load) and fits shapes
 * dominated by feature maps; prints measured and fitted peaks.
 */
import { parseArgs } from 'node:util';
import { benchTrain, loadConfig, parameterCount } from '@reclmis/lab';

/** W, S, B, L, T: base width, side, images, layers, tokens. */
const SHAPES = {
  fp32: [
    [8, 64, 8, 3, 24],
    [8, 64, 32, 3, 24],
    [8, 128, 8, 3, 24],
    [16, 96, 8, 3, 24],
    [16, 96, 8, 3, 77],
    [16, 224, 4, 3, 24],
    [16, 448, 2, 3, 24],
    [16, 640, 1, 3, 24],
    [32, 112, 8, 1, 24],
    [32, 112, 8, 6, 24],
    [32, 224, 2, 3, 24],
    [32, 224, 8, 3, 24],
    [32, 448, 1, 3, 24],
    [48, 160, 4, 3, 77],
    [64, 64, 2, 3, 24],
    [64, 112, 4, 1, 24],
    [64, 112, 4, 6, 24],
    [64, 112, 8, 3, 24],
    [64, 224, 1, 3, 24],
    [64, 224, 4, 3, 24],
    [64, 224, 8, 3, 24],
    [64, 320, 2, 3, 24],
    [128, 64, 2, 3, 24],
    [128, 64, 16, 3, 24],
  ],
  bf16: [
    [8, 64, 32, 3, 24],
    [8, 128, 8, 3, 24],
    [16, 96, 8, 3, 77],
    [16, 224, 4, 3, 24],
    [16, 448, 2, 3, 24],
    [32, 112, 8, 1, 24],
    [32, 112, 8, 6, 24],
    [32, 224, 2, 3, 24],
    [32, 448, 1, 3, 24],
    [64, 64, 2, 3, 24],
    [64, 112, 8, 3, 24],
    [64, 224, 2, 3, 24],
    [64, 224, 8, 3, 24],
  ],
} as const;
type FittedPrecision = keyof typeof SHAPES;
type Shape = readonly [W: number, S: number, B: number, L: number, T: number];

const OPTIMISER = 16;
const MIB = 2 ** 20;

const { values } = parseArgs({
  options: { precision: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const asked = (Object.keys(SHAPES) as FittedPrecision[]).filter(
  (precision) => values.precision === undefined || precision === values.precision,
);
if (asked.length === 0) throw new Error('--precision: expected fp32 or bf16');

const parametersOf = ([W, S, , L]: Shape): number =>
  parameterCount({ baseWidth: W, imageSize: S, layers: L });

/** Factors of the coefficients: parameters, then B times S^2, S^2 W, N^2, L (N + T) W and L (N + T). */
function termsOf(shape: Shape): number[] {
  const [W, S, B, L, T] = shape;
  const patches = (S / 16) ** 2;
  const tokens = L * (patches + T);
  return [
    parametersOf(shape),
    ...[S * S, S * S * W, patches ** 2, tokens * W, tokens].map((term) => B * term),
  ];
}

async function measure(precision: FittedPrecision, [W, S, B, L, T]: Shape): Promise<number> {
  const config = loadConfig(undefined, {
    'model.baseWidth': W,
    'model.imageSize': S,
    'model.layers': L,
    'text.encoder': 'words',
    'text.contextLength': T,
    'train.batchSize': B,
    'train.precision': precision,
  });
  const { memory } = await benchTrain(config, { steps: 1, warmup: 1, peak: false });
  return memory.peakTensorBytes;
}

/** Gaussian elimination with pivots; null if singular. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | null {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    const pivot = rows
      .slice(i)
      .reduce((best, row, k) => (Math.abs(row[i] ?? 0) > Math.abs(rows[best]?.[i] ?? 0) ? i + k : best), i);
    [rows[i], rows[pivot]] = [rows[pivot] ?? [], rows[i] ?? []];
    const head = rows[i]?.[i] ?? 0;
    if (Math.abs(head) < 1e-14) return null;
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = (rows[k]?.[i] ?? 0) / head;
      rows[k] = (rows[k] ?? []).map((value, j) => value - factor * (rows[i]?.[j] ?? 0));
    }
  }
  return rows.map((row, i) => (row[n] ?? 0) / (row[i] ?? 1));
}

/** Non-negative least squares of relative errors, by trying every set of non-zero coefficients. */
function fit(terms: readonly number[][], bytes: readonly number[]): number[] {
  const rows = terms.map((row, i) => row.map((term) => term / (bytes[i] ?? 1)));
  const count = rows[0]?.length ?? 0;
  const scale = Array.from({ length: count }, (_, j) => Math.hypot(...rows.map((row) => row[j] ?? 0)));
  let best: { error: number; coefficients: number[] } | null = null;
  for (let chosen = 1; chosen < 2 ** count; chosen++) {
    const columns = Array.from({ length: count }, (_, j) => j).filter((j) => (chosen >> j) & 1);
    const at = (row: readonly number[], j: number): number => (row[j] ?? 0) / (scale[j] ?? 1);
    const normal = columns.map((i) =>
      columns.map((j) => rows.reduce((sum, row) => sum + at(row, i) * at(row, j), 0)),
    );
    const solved = solve(
      normal,
      columns.map((i) => rows.reduce((sum, row) => sum + at(row, i), 0)),
    );
    if (!solved || solved.some((value) => value < 0)) continue;
    const coefficients = Array.from({ length: count }, (_, j) => {
      const place = columns.indexOf(j);
      return place < 0 ? 0 : (solved[place] ?? 0) / (scale[j] ?? 1);
    });
    const error = rows.reduce((sum, row) => sum + (predict(row, coefficients) - 1) ** 2, 0);
    if (best === null || error < best.error) best = { error, coefficients };
  }
  if (!best) throw new Error('no coefficients fit');
  return best.coefficients;
}

const predict = (row: readonly number[], coefficients: readonly number[]): number =>
  row.reduce((sum, term, j) => sum + term * (coefficients[j] ?? 0), 0);

const results: object[] = [];
for (const precision of asked) {
  const measured: { shape: Shape; bytes: number }[] = [];
  for (const shape of SHAPES[precision]) {
    const bytes = await measure(precision, shape);
    measured.push({ shape, bytes });
    process.stderr.write(`${precision} ${shape.join(' ')}: ${bytes}\n`);
  }
  const decided = measured.filter(({ shape, bytes }) => bytes > 1.01 * OPTIMISER * parametersOf(shape));
  const coefficients = fit(
    decided.map(({ shape }) => termsOf(shape)),
    decided.map(({ bytes }) => bytes),
  );
  const rows = measured.map(({ shape, bytes }) => ({
    shape,
    bytes,
    fitted: Math.max(OPTIMISER * parametersOf(shape), predict(termsOf(shape), coefficients)),
  }));
  results.push({ precision, coefficients, rows });
  if (values.json) continue;
  console.log(`\n${precision}: ${coefficients.map((value) => value.toFixed(2)).join(', ')}`);
  for (const { shape, bytes, fitted } of rows) {
    const [W, S, B, L, T] = shape;
    const cells = [W, S, B, `${L}, ${T}`, (bytes / MIB).toFixed(0), (fitted / MIB).toFixed(0)];
    console.log(
      `| ${precision} | ${cells.join(' | ')} | ${(100 * (fitted / bytes - 1)).toFixed(1)} % | ${bytes}`,
    );
  }
}
if (values.json) console.log(JSON.stringify(results, null, 2));
