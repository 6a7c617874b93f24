/**
 * The subcommands, loaded on demand by `register(program)`. To add one: a file in `commands/` and a line
 * here.
 */
import type { Commands } from './command-entry.js';

export const COMMANDS: Commands = {
  setup: {
    description: 'install what trains, and build its addon against libtorch',
    load: () => import('./commands/setup.js'),
  },
  demo: {
    description:
      'train on phantoms, evaluate with correct and swapped notes, draw a contact sheet, export the model',
    load: () => import('./commands/demo.js'),
  },
  data: {
    description: 'check, split, convert and create data sets',
    load: () => import('./commands/data.js'),
  },
  notes: {
    description: 'write notes from masks, for data sets without text; show how a note is read',
    load: () => import('./commands/notes.js'),
  },
  plan: {
    description: 'examine a data set and propose a configuration',
    load: () => import('./commands/plan.js'),
  },
  train: {
    description: 'train a model on a data set',
    load: () => import('./commands/train.js'),
  },
  evaluate: {
    description: 'evaluate trained models: scores, a report, comparisons',
    load: () => import('./commands/evaluate.js'),
  },
  calibrate: {
    description: 'fit the Dice that a run predicts for its masks, on its validation cases',
    load: () => import('./commands/calibrate.js'),
  },
  ablate: {
    description: 'switch parts of the model on and off and compare, as in the paper’s tables',
    load: () => import('./commands/ablate.js'),
  },
  predict: {
    description: 'segment images by their notes',
    load: () => import('./commands/predict.js'),
  },
  explain: {
    description: 'show why a run segments as it does: Grad-CAM, words and patches of interest, attention',
    load: () => import('./commands/explain.js'),
  },
  export: {
    description: 'export a run as an ONNX model, for use without libtorch',
    load: () => import('./commands/export.js'),
  },
  publish: {
    description: 'write the repository of a model for a hub, with its card',
    load: () => import('./commands/publish.js'),
  },
  serve: {
    description: 'serve an exported model over HTTP',
    load: () => import('./commands/serve.js'),
  },
  studio: {
    description: 'open a model in the browser: write a note, watch the mask, correct and save it',
    load: () => import('./commands/studio.js'),
  },
  pacs: {
    description: 'find, fetch, segment and store series of a PACS over DICOMweb',
    load: () => import('./commands/pacs.js'),
  },
  runs: {
    description: 'list runs with their best figures, or compare them',
    load: () => import('./commands/runs.js'),
  },
  sides: {
    description: 'show or record whose left and right a run’s or model’s notes mean',
    load: () => import('./commands/sides.js'),
  },
  bench: {
    description: 'measure training and inference on this machine: time, memory, FLOPs',
    load: () => import('./commands/bench.js'),
  },
  weights: {
    description: 'fetch, import, list and verify text encoder weights',
    load: () => import('./commands/weights.js'),
  },
  doctor: {
    description: 'show what is installed, and test within 20 seconds that it works',
    load: () => import('./commands/doctor.js'),
  },
  completion: {
    description: 'print a script that completes commands and options in a shell',
    load: () => import('./commands/completion.js'),
  },
  parity: {
    description: 'compare a model with the outputs of its authors’ code',
    load: () => import('./commands/parity.js'),
  },
};
