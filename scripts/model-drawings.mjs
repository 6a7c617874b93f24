// Draws each model of docs/models.md as Mermaid, from a run on an image: its blocks with the shape of what they give, and which
// block's output each one reads. `npm run generate:models -- [NAME...] [--check]`; without names all models.
//
// A block is a module as it was called. One that returns several maps (an encoder with its skips) is drawn by its parts, so that every line
// starts where its map was made. Chains of layers alike are one box; where boxes are still too many, those of one part are.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTracedValue, manualSeed, nn, noGrad, scope, Tensor, trace, zeros } from '@reclmis/torch';
import { buildModel, loadConfig, modelNames } from '@reclmis/lab';

const PAGE = resolve(dirname(fileURLToPath(import.meta.url)), '..', 'docs/models.md');
/** A note as the pages have it: CLIP's width, a context that holds QaTa-COV19's notes. */
const [TOKENS, WIDTH, WORDS] = [24, 512, 1000];
/** Boxes of a drawing: below the first, calls are drawn by what they called; above the second, parts are joined where they can be. */
const [LEAST, MOST] = [10, 26];
/** Operators that are layers; others that read weights add positions or scale. */
const LAYERS = /^(?:linear|matmul|mm|bmm|addmm|einsum|conv)/;
const NORM = /norm|^[bg]n\d*$/i;

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
    return mermaid(graphOf(model));
  } finally {
    model.dispose();
  }
}

const tensorsIn = (value) =>
  value instanceof Tensor
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(tensorsIn)
      : [];
const shapeOf = (shape) => shape.slice(1).join(' × ');

/** Runs the model and hears its modules: a tree of calls, children before parents. */
function graphOf(model) {
  const { imageSize: S } = model.options;
  let roots = []; // { path, inputs and outputs: handles, shapes, children }
  const hear = (path) => (output, given) => {
    const inputs = tensorsIn(given).map(({ id }) => id);
    const outputs = tensorsIn(output).filter(({ id }) => !inputs.includes(id)); // dropout gives its input in evaluation
    const children = roots.filter((call) => call.path.startsWith(`${path}.`));
    if (outputs.length === 0) return;
    roots = [
      ...roots.filter((call) => !children.includes(call)),
      {
        path,
        inputs,
        outputs: outputs.map(({ id }) => id),
        shapes: outputs.map(({ shape }) => shapeOf(shape)),
        children,
      },
    ];
  };
  const modules = [...model.namedModules()].filter(([path, module]) => path !== '' && nn.isTappable(module));
  return scope(() => {
    const images = zeros([1, 3, S, S]);
    const features = zeros([1, TOKENS, WIDTH]);
    const valid = zeros([1, TOKENS]).add(1).to({ dtype: 'bool' });
    const ids = zeros([1, TOKENS]).add(2).to({ dtype: 'int64' });
    const inputs = { images, features, valid, ids };
    const traced = noGrad(() =>
      trace(inputs, () => ({
        probability: nn.withTaps(model, new Map(modules.map(([path]) => [path, hear(path)])), () =>
          model.segment(images, model.readsNotes ? { features, valid, ids } : null),
        ).probability,
      })),
    );
    try {
      return drawn(roots, (calls) => joined([...calls, ...unheard(model, modules, roots, traced)], traced));
    } finally {
      traced.dispose();
    }
  });
}

/**
 * Opens calls, from the outside in: those that return several maps, and, in a drawing of few boxes, others. Calls of one depth are opened together or not at all.
 * @param boxesOf the drawing of a list of calls.
 */
function drawn(roots, boxesOf) {
  const several = ({ outputs }) => new Set(outputs).size > 1;
  let calls = roots;
  let drawing = boxesOf(calls);
  const closed = new Set();
  for (;;) {
    const inside = calls.filter((call) => call.children.length > 0 && !closed.has(call));
    const wanted = inside.some(several) ? inside.filter(several) : drawing.boxes.length < LEAST ? inside : [];
    if (wanted.length === 0) return drawing;
    const level = Math.min(...wanted.map(({ path }) => depth(path)));
    const now = wanted.filter(({ path }) => depth(path) === level);
    const opened = calls.flatMap((call) => (now.includes(call) ? call.children : [call]));
    const next = boxesOf(opened);
    if (next.boxes.length <= MOST || next.boxes.length <= drawing.boxes.length)
      [calls, drawing] = [opened, next];
    else for (const call of now) closed.add(call);
  }
}

/** Layers whose weights an operator read without their being called, as calls of that operator. */
function unheard(model, modules, roots, traced) {
  const known = roots.map(({ path }) => path);
  const owners = new Map();
  for (const [key, parameter] of model.namedParameters()) {
    const path = key.slice(0, key.lastIndexOf('.'));
    const called = known.some((other) => path === other || path.startsWith(`${other}.`));
    if (!called && modules.some(([other]) => other === path)) owners.set(parameter.id, path);
  }
  const handlesOf = new Map(); // a weight's views
  return traced.calls.flatMap((call) => {
    const values = [...call.arguments.values()].flat(2).filter(isTracedValue);
    const weight = values.find(({ handle }) => owners.has(handle) || handlesOf.has(handle));
    if (!weight) return [];
    const path = owners.get(weight.handle) ?? handlesOf.get(weight.handle);
    const [result] = call.results;
    const others = values.filter((value) => value !== weight && value.tensor === null);
    if (others.length === 0) return (handlesOf.set(result.handle, path), []);
    if (!LAYERS.test(call.name)) return [];
    return [
      {
        path,
        inputs: others.map(({ handle }) => handle),
        outputs: [result.handle],
        shapes: [shapeOf(result.shape)],
        children: [],
      },
    ];
  });
}

/** Boxes in the order of their calls, and what each reads, through the operators between them. */
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
  const order = new Map(traced.calls.flatMap(({ results }, i) => results.map(({ index }) => [index, i])));
  const firstMade = ({ outputs }) =>
    Math.min(...outputs.flatMap((id) => byHandle.get(id) ?? []).map(({ index }) => order.get(index) ?? 0));
  const sorted = [...calls].sort((a, b) => firstMade(a) - firstMade(b));
  const callOf = new Map();
  sorted.forEach(({ outputs }, i) => {
    for (const id of outputs) for (const value of byHandle.get(id) ?? []) callOf.set(value.index, i);
  });
  const sources = (values) => {
    const [found, seen, left] = [new Set(), new Set(), [...values]];
    while (left.length > 0) {
      const value = left.pop();
      if (seen.has(value.index)) continue;
      seen.add(value.index);
      if (callOf.has(value.index)) found.add(callOf.get(value.index));
      else if (value.input !== null) found.add(value.input === 'images' ? 'image' : 'note');
      else
        left.push(
          ...[...(producers.get(value.index)?.arguments.values() ?? [])].flat(2).filter(isTracedValue),
        );
    }
    return found;
  };
  const reads = sorted.map(({ inputs }, i) => {
    const found = sources(
      inputs.flatMap((id) => byHandle.get(id) ?? []).filter(({ index }) => callOf.get(index) !== i),
    );
    found.delete(i);
    return found;
  });
  return boxes(sorted, reads, sources([traced.outputs.get('probability')]));
}

/**
 * @param calls in order. @param reads by call, what it reads: calls by number, image, note. @param last what the mask is made of.
 * @returns {{ boxes: { calls: number[], title: string, shape: string }[], edges: [string | number, string | number][] }}
 */
function boxes(calls, reads, last) {
  let groups = calls.map((_, i) => [i]);
  const readers = calls.map((_, i) => [...reads.keys()].filter((j) => reads[j].has(i)));
  const outside = (group, i) => last.has(i) || readers[i].some((j) => !group.includes(j));
  const masked = (path) => path.replace(/\d+/g, '#');
  const folder = (path) => path.slice(0, path.lastIndexOf('.') + 1);
  // A chain: the next layer alone reads the one before, and nothing that the first does not.
  const follows = (before, [next]) => {
    const end = before.at(-1);
    const [a, b] = [calls[end], calls[next]];
    const known = (source) => source === end || reads[before[0]].has(source); // a mask that all layers read
    const alone = !last.has(end) && readers[end].join() === String(next) && [...reads[next]].every(known);
    if (!alone || !reads[next].has(end)) return false;
    const size = (call) => call.shapes[0].split(' × ').reduce((product, n) => product * n, 1);
    const alike =
      masked(a.path) === masked(b.path) && a.shapes[0] === b.shapes[0] && root(a.path) === root(b.path);
    return (
      alike ||
      (folder(a.path) === folder(b.path) && NORM.test(b.path.split('.').at(-1)) && size(a) === size(b)) ||
      (folder(a.path) === folder(b.path) &&
        /^\d+$/.test(b.path.split('.').at(-1)) &&
        a.shapes[0] === b.shapes[0])
    );
  };
  groups = groups.reduce((done, group) => {
    const before = done.at(-1);
    if (before && follows(before, group)) before.push(...group);
    else done.push([...group]);
    return done;
  }, []);
  const prefixes = [...new Set(calls.flatMap(({ path }) => ancestors(path)))].sort(
    (a, b) => depth(b) - depth(a),
  );
  for (const level of new Set(prefixes.map(depth))) {
    if (groups.length <= MOST) break;
    for (const prefix of prefixes.filter((one) => depth(one) === level)) {
      const inside = groups.filter((group) => group.every((i) => calls[i].path.startsWith(`${prefix}.`)));
      const joint = inside.flat();
      const together =
        inside.length > 1 && groups.indexOf(inside.at(-1)) - groups.indexOf(inside[0]) === inside.length - 1;
      if (!together || joint.slice(0, -1).some((i) => outside(joint, i))) continue;
      groups.splice(groups.indexOf(inside[0]), inside.length, joint);
    }
  }
  const boxOf = new Map(groups.flatMap((group, k) => group.map((i) => [i, k])));
  const edges = new Map();
  const connect = (from, to) => from !== to && edges.set(`${from} ${to}`, [from, to]);
  const at = (source) => boxOf.get(source) ?? source;
  groups.forEach((group, k) => {
    for (const i of group) for (const source of reads[i]) connect(at(source), k);
  });
  for (const source of last) connect(at(source), 'mask');
  return {
    boxes: groups.map((group) => ({
      title: titleOf(group, calls),
      shape: [...new Set(calls[group.at(-1)].shapes)].join(', '),
    })),
    edges: [...edges.values()],
  };
}

const root = (path) => masks(path)[0];
const masks = (path) => path.split('.');
const depth = (path) => path.split('.').length;
const ancestors = (path) =>
  path
    .split('.')
    .slice(0, -1)
    .map((_, i, parts) => parts.slice(0, i + 1).join('.'));

/** The part that has these calls and no others; else the first with the last one's number. */
function titleOf(group, calls) {
  const paths = group.map((i) => calls[i].path);
  const [first] = paths;
  const own = [...ancestors(first), first].find((prefix) =>
    calls.every(({ path }, i) => group.includes(i) === (path === prefix || path.startsWith(`${prefix}.`))),
  );
  if (paths.length === 1) return first;
  if (own !== undefined) return own;
  const tail = (path) => path.split('.').at(-1);
  const numbered = paths.every((path) => path.replace(/\d+$/, '') === first.replace(/\d+$/, ''));
  return numbered
    ? `${first} to ${/(\d+)$/.exec(paths.at(-1))[1]}`
    : [first, ...paths.slice(1).map(tail)].join(', ');
}

function mermaid({ boxes: drawn, edges }) {
  const id = (node) => (typeof node === 'number' ? `b${node}` : node);
  const note = edges.some(([from]) => from === 'note');
  return [
    '```mermaid',
    'flowchart TD',
    '  image([image])',
    ...(note ? ['  note([note])'] : []),
    ...drawn.map(({ title, shape }, i) => `  b${i}["${title}<br/>${shape}"]`),
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
  if (from < 0 || to < 0) throw new Error(`docs/models.md has no place for the drawing of ${name}`);
  const before = text;
  text = `${text.slice(0, from)}${begin}\n\n${drawingOf(name)}\n\n${text.slice(to)}`;
  if (text !== before) stale.push(name);
}
if (check && stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}; run \`npm run generate:models\` and commit the result.`);
  process.exitCode = 1;
} else if (!check) writeFileSync(PAGE, text);
