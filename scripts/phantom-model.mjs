// Makes packages/phantom: draws phantoms, trains a narrow RecLMIS on them, exports it with its card, draws the samples.
//   node scripts/phantom-model.mjs                 the whole way, half an hour of one core
//   node scripts/phantom-model.mjs --check         into a temporary folder; compares the networks with the committed ones
//   ... --run DIR                                  takes up a finished training of this script instead of another
//   ... --epochs N --print                         trains N epochs and prints the tensors' SHA-256: a check of the bits
//
// The networks are the same to the bit on every x86-64 processor with AVX2 and FMA, given the same libtorch, OpenBLAS and
// oneDNN: one thread, and kernels fixed to AVX2 (the addon's own give the same bits with either width). Three figures of the
// manifest do not come from the training but from onnxruntime on the machine that exports: check.worst, check.probe, and with
// them the manifest's own hash.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PACKAGE = join(ROOT, 'packages/phantom');
const SIZE = 96;
const DATA = { count: 1000, seed: 28, size: SIZE };
const SETTINGS = {
  'model.baseWidth': 7, // the widest below 1.5 MB in float32
  'model.components.clr': false, // without the paper's auxiliary losses, which cost a third of the time
  'model.components.cvr': false,
  'model.components.ccl': false,
  'train.epochs': 24, // the note takes hold after the fourteenth
  'train.lr': 0.002,
  'train.threads': 1,
  'data.workers': 0,
  seed: 1,
};
/** A seed of its own, so that no model was trained on these phantoms by chance; one, two and three areas on either side. */
const SAMPLES = { seed: 1_608_637_542, cases: [3, 6, 13, 4] };
const CREATED = '2026-11-30T00:00:00Z';

const INTENDED_USE =
  'Demonstration only. This model knows nothing but phantoms: drawings of chests, made by a program. It has never seen a radiograph, and its masks on radiographs are wrong. It shows how the software works, before any training. Not a medical device: not for diagnosis, treatment or any other clinical decision.';
const LIMIT = 'Knows only drawn phantoms of 96 x 96 pixels. Masks on real images are wrong.';

/** Before libtorch and its libraries are loaded, which read them once. */
const FIXED = {
  ATEN_CPU_CAPABILITY: 'avx2',
  ONEDNN_MAX_CPU_ISA: 'AVX2',
  OPENBLAS_CORETYPE: 'Haswell',
  OPENBLAS_NUM_THREADS: '1',
  OMP_NUM_THREADS: '1',
};

const { values: flags } = parseArgs({
  options: {
    check: { type: 'boolean' },
    print: { type: 'boolean' },
    run: { type: 'string' },
    epochs: { type: 'string' },
  },
});

if (Object.entries(FIXED).some(([name, value]) => process.env[name] !== value)) {
  const { status } = spawnSync(process.execPath, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, ...FIXED },
  });
  process.exit(status ?? 1);
}

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Hash of a safetensors file’s weights alone: its header holds the run’s paths. */
function tensorsSha256(path) {
  const bytes = readFileSync(path);
  const header = Number(bytes.readBigUInt64LE(0));
  return createHash('sha256')
    .update(bytes.subarray(8 + header))
    .digest('hex');
}

const scratch = mkdtempSync(join(tmpdir(), 'reclmis-phantom-'));
try {
  await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function main() {
  const { loadPreset, train, calibrateRun, evaluateRun, writeEvaluation } = await import('@reclmis/lab');
  const { writePhantom } = await import('@reclmis/data');
  const data = join(flags.run ?? scratch, flags.run ? '../phantoms' : 'phantoms');
  const run = flags.run ?? join(scratch, 'run');
  if (!existsSync(data)) await writePhantom(data, DATA);
  if (!existsSync(join(run, 'run.json'))) {
    const epochs = flags.epochs ? { 'train.epochs': Number(flags.epochs) } : {};
    const config = loadPreset('phantom', { 'data.dir': data, ...SETTINGS, ...epochs });
    await train(config, { out: run });
  }
  if (flags.print) {
    console.log(`tensors: ${tensorsSha256(join(run, 'checkpoints/best.safetensors'))}`);
    return;
  }
  await calibrateRun(run);
  const evaluation = await evaluateRun(run, { split: 'test' });
  await writeEvaluation(evaluation, { csv: join(run, 'evaluation', 'phantoms-test.csv') });

  const model = await exported(run);
  if (flags.check) {
    compare(model, 'segmenter.onnx');
    compare(model, 'text-encoder.onnx');
    return;
  }
  rmSync(join(PACKAGE, 'model'), { recursive: true, force: true });
  cpSync(model, join(PACKAGE, 'model'), { recursive: true });
  await drawSamples();
}

/** The model as it is published, with its own name, date and warnings. */
async function exported(run) {
  const { exportModel } = await import('@reclmis/export');
  const { formatManifest, parseManifest } = await import('@reclmis/core');
  const raw = join(scratch, 'exported');
  await exportModel(run, { out: raw, name: 'phantom', threads: 1 });
  const path = join(raw, 'manifest.json');
  const manifest = parseManifest(JSON.parse(readFileSync(path, 'utf8')), path);
  const own = {
    created: CREATED,
    intendedUse: INTENDED_USE,
    limits: [LIMIT, ...manifest.limits],
  };
  writeFileSync(path, formatManifest({ ...manifest, ...own }));
  const out = join(scratch, 'model');
  const args = [raw, '-o', out, '--licence', 'apache-2.0', '--repository', 'owner/phantom', '-q'];
  const { status } = spawnSync(
    process.execPath,
    [join(ROOT, 'packages/cli/bin/reclmis.js'), 'publish', ...args],
    { stdio: 'inherit' },
  );
  if (status !== 0) throw new Error('reclmis publish failed');
  return withOwnUse(out);
}

/** It is in a package, and on no hub. */
function withOwnUse(out) {
  const card = join(out, 'README.md');
  const use =
    '## Use\n\n`npx reclmis studio` opens it in the browser. In TypeScript, with `@reclmis/phantom`:\n\n' +
    "```ts\nimport { MODEL, SAMPLES } from '@reclmis/phantom';\nimport { loadModel } from '@reclmis/runtime';\n\n" +
    'const model = await loadModel(MODEL);\nconst { mask } = await model.segment(SAMPLES[0].image, SAMPLES[0].note);\n```\n\n' +
    '`scripts/phantom-model.mjs` of the repository makes it again, with the same networks to the bit on the same libtorch.\n\n';
  const text = readFileSync(card, 'utf8');
  const changed = text.replace(/## Use\n[\s\S]*?(?=## Scores)/, use);
  if (changed === text) throw new Error('the card has no section on use');
  writeFileSync(card, changed);
  rmSync(join(out, '.gitattributes')); // of hubs alone
  return out;
}

function compare(model, name) {
  const [made, kept] = [join(model, name), join(PACKAGE, 'model', name)].map(sha256);
  console.log(`${name}: ${made === kept ? 'the same' : `made ${made}, committed ${kept}`}`);
  if (made !== kept) process.exitCode = 1;
}

/** PNG files, and their notes for the package. */
async function drawSamples() {
  const { drawPhantom } = await import('@reclmis/data');
  const { encodePng, writePngMask } = await import('@reclmis/files');
  const folder = join(PACKAGE, 'samples');
  mkdirSync(folder, { recursive: true });
  const list = [];
  for (const [i, index] of SAMPLES.cases.entries()) {
    const { image, mask, note, named } = drawPhantom(SAMPLES.seed, index, SIZE);
    const name = `phantom_${i + 1}`;
    writeFileSync(join(folder, `${name}.png`), await encodePng(image, 1));
    await writePngMask(join(folder, `${name}_mask.png`), mask);
    list.push({ name, note, about: aboutOf(named) });
  }
  const lines = list.map(
    ({ name, note, about }) =>
      `  {\n    name: '${name}',\n    note: '${note}',\n    about: '${about}',\n  },`,
  );
  writeFileSync(
    join(PACKAGE, 'src/samples.ts'),
    `/** Generated by scripts/phantom-model.mjs. */\nexport const SAMPLE_LIST = [\n${lines.join('\n')}\n] as const;\n`,
  );
}

/** "Two areas, upper left and lower right lung". */
function aboutOf(named) {
  const count = ['No area', 'One area', 'Two areas', 'Three areas'][named.length];
  const places = named.map(({ side, zone }) => `${zone} ${side}`);
  const list = places.length < 2 ? places[0] : `${places.slice(0, -1).join(', ')} and ${places.at(-1)}`;
  return `${count}, ${list} lung`;
}
