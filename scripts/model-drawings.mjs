// Draws each model of docs/models.md as Mermaid, from a run on an image: its blocks with the shape of what they give, and which
// block's output each one reads. `node scripts/model-drawings.mjs [NAME...] [--check]`; without names all models.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTracedValue, manualSeed, nn, noGrad, scope, Tensor, trace, zeros } from '@reclmis/torch';
import { buildModel, loadConfig, modelNames } from '@reclmis/lab';

const PAGE = resolve(dirname(fileURLToPath(import.meta.url)), '..', 'docs/models.md');
/** A note as the pages have it: CLIP's width, a context that holds QaTa-COV19's notes. */
const [TOKENS, WIDTH, WORDS] = [24, 512, 1000];
/** Most blocks of a drawing; above that, blocks are drawn by the part that they are in. */
const MOST = 26;

function drawingOf(name) {
  const config = loadConfig(undefined, { 'model.name': name });
  manualSeed(1);
  const model = buildModel(config.model, {
    width: WIDTH,
    contextLength: TOKENS,
    vocabularySize: WORDS,
    logitScale: null,
  }).eval();
  try {
    const depths = [1, 2, 3, 4, 5, 6];
    const drawings = depths.map((depth) => graphOf(model, depth)).filter(({ nodes }) => nodes.length <= MOST);
    return mermaid(drawings.at(-1) ?? graphOf(model, 1));
  } finally {
    model.dispose();
  }
}

/** Modules that run, none inside another, whose path has at most `depth` names (numbers do not count) where a deeper one is not needed. */
function blocksOf(model, depth) {
  const all = [...model.namedModules()].filter(([path, module]) => path !== '' && nn.isTappable(module));
  const nameCount = (path) => path.split('.').filter((part) => !/^\d+$/.test(part)).length;
  const inner = all.filter(([path]) => nameCount(path) <= depth);
  const chosen = inner.filter(([path]) => !inner.some(([other]) => other.startsWith(`${path}.`)));
  const outer = all.filter(
    ([path]) =>
      !chosen.some(
        ([other]) => path === other || path.startsWith(`${other}.`) || other.startsWith(`${path}.`),
      ),
  );
  return [...chosen, ...outer.filter(([path]) => !outer.some(([other]) => path.startsWith(`${other}.`)))];
}

function graphOf(model, depth) {
  const { imageSize: S } = model.options;
  const calls = []; // { path, outputs: ids, inputs: ids, shape }
  const tensors = (value) =>
    value instanceof Tensor
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(tensors)
        : [];
  const taps = new Map(
    blocksOf(model, depth).map(([path]) => [
      path,
      (output, inputs) => {
        const [first] = tensors(output);
        calls.push({
          path,
          outputs: tensors(output).map(({ id }) => id),
          inputs: inputs.flatMap(tensors).map(({ id }) => id),
          shape: first ? first.shape.slice(1).join(' × ') : '',
        });
      },
    ]),
  );
  return scope(() => {
    const images = zeros([1, 3, S, S]);
    const features = zeros([1, TOKENS, WIDTH]);
    const valid = zeros([1, TOKENS]).add(1).to({ dtype: 'bool' });
    const ids = zeros([1, TOKENS]).add(2).to({ dtype: 'int64' });
    const inputs = { images, features, valid, ids };
    const traced = noGrad(() =>
      trace(inputs, () => ({
        probability: nn.withTaps(model, taps, () =>
          model.segment(images, model.readsNotes ? { features, valid, ids } : null),
        ).probability,
      })),
    );
    try {
      return joined(calls, traced);
    } finally {
      traced.dispose();
    }
  });
}

/** Blocks in the order of their first call; what each reads, through the operators between blocks. */
function joined(calls, traced) {
  const producers = new Map();
  const byHandle = new Map();
  const add = (value) => byHandle.set(value.handle, [...(byHandle.get(value.handle) ?? []), value]);
  traced.inputs.forEach(add);
  for (const call of traced.calls)
    for (const result of call.results) {
      producers.set(result.index, call);
      add(result);
    }
  const groups = grouped(calls);
  const nodeOf = new Map();
  calls.forEach(({ outputs }, i) => {
    for (const id of outputs) for (const value of byHandle.get(id) ?? []) nodeOf.set(value.index, groups[i]);
  });
  const edges = new Map();
  const connect = (from, to) => from !== to && edges.set(`${from} ${to}`, [from, to]);
  const walk = (value, to, seen) => {
    if (seen.has(value.index)) return;
    seen.add(value.index);
    const from = nodeOf.get(value.index);
    if (from !== undefined && from !== to) return void connect(from, to);
    if (value.input !== null) return void connect(value.input === 'images' ? 'image' : 'note', to);
    for (const argument of producers.get(value.index)?.arguments.values() ?? [])
      for (const one of [argument].flat(2)) if (isTracedValue(one)) walk(one, to, seen);
  };
  calls.forEach(({ inputs }, i) => {
    const seen = new Set();
    for (const id of inputs) for (const value of byHandle.get(id) ?? []) walk(value, groups[i], seen);
  });
  walk(traced.outputs.get('probability'), 'mask', new Set());
  return { nodes: nodesOf(calls, groups), edges: [...edges.values()] };
}

/** Neighbours of a list with equal shapes are one node, drawn once with their number. */
function grouped(calls) {
  let current = -1;
  let last = null;
  return calls.map(({ path, shape }) => {
    const key = `${path.replace(/\d+(?=\D*$)/, '#')} ${shape}`;
    if (key !== last || !/\d/.test(path)) current += 1;
    last = key;
    return current;
  });
}

function nodesOf(calls, groups) {
  const nodes = [];
  calls.forEach(({ path, shape }, i) => {
    const at = groups[i];
    nodes[at] ??= { first: path, last: path, shape, paths: new Set() };
    nodes[at].last = path;
    nodes[at].paths.add(path);
  });
  return nodes;
}

function mermaid({ nodes, edges }) {
  const id = (node) => (typeof node === 'number' ? `b${node}` : node);
  const title = ({ first, last, paths }) =>
    paths.size === 1 ? first : `${first} to ${/(\d+)\D*$/.exec(last)?.[1] ?? last}`;
  const note = edges.some(([from]) => from === 'note');
  return [
    '```mermaid',
    'flowchart TD',
    '  image([image])',
    ...(note ? ['  note([note])'] : []),
    ...nodes.map((node, i) => `  b${i}["${title(node)}<br/>${node.shape}"]`),
    '  mask([mask])',
    ...edges.map(([from, to]) => `  ${id(from)} --> ${id(to)}`),
    '```',
  ].join('\n');
}

const names = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const check = process.argv.includes('--check');
let text = readFileSync(PAGE, 'utf8');
const stale = [];
for (const name of names.length > 0 ? names : modelNames()) {
  const begin = `<!-- drawing: ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf('<!-- end -->', from);
  if (from < 0 || to < 0) {
    if (names.length > 0) throw new Error(`docs/models.md has no place for the drawing of ${name}`);
    continue; // docs/method.md describes it
  }
  const before = text;
  text = `${text.slice(0, from)}${begin}\n\n${drawingOf(name)}\n\n${text.slice(to)}`;
  if (text !== before) stale.push(name);
}
if (check && stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}; run \`node scripts/model-drawings.mjs\` and commit the result.`);
  process.exitCode = 1;
} else if (!check) writeFileSync(PAGE, text);
