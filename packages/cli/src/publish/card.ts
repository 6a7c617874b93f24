/**
 * A model's card: `README.md` with the metadata in YAML that hubs read (https://huggingface.co/docs/hub/model-cards), all of
 * it from the manifest. Only scores on test cases are results; the validation's, which chose the weights, are left out.
 */
import { type ManifestFile, manifestFiles, type ModelManifest } from '@reclmis/core';
import { stringify } from 'yaml';

export interface CardOptions {
  /** As hubs abbreviate it: `apache-2.0`, `cc-by-nc-4.0`, ... */
  readonly licence: string;
  /** Where a licence that hubs do not list can be read. */
  readonly licenceLink?: string;
  /** `owner/name`, for the snippets; default `owner/` and the manifest's name. */
  readonly repository?: string;
}

export const TASK = 'image-segmentation';
export const LIBRARY = 'reclmis';

type Scores = ModelManifest['scores'][number];

export const testScores = ({ scores }: Pick<ModelManifest, 'scores'>): Scores[] =>
  scores.filter(({ split }) => split === 'test');

const percent = (share: number): string => (100 * share).toFixed(1);

/** "84.7 (82.7 to 86.8)", in percent. */
const withInterval = (value: number | null, interval: readonly [number, number] | undefined): string =>
  value === null
    ? '–'
    : percent(value) + (interval ? ` (${percent(interval[0])} to ${percent(interval[1])})` : '');

/** The card's metadata. */
export function cardData(manifest: ModelManifest, options: CardOptions): Record<string, unknown> {
  const { licence, licenceLink } = options;
  const { name, note, precision } = manifest;
  const results = testScores(manifest).map(({ data, dice, iou }) => ({
    task: { type: TASK },
    dataset: { name: data, type: data.toLowerCase().replace(/[^a-z0-9.-]+/g, '-'), split: 'test' },
    metrics: [
      { type: 'dice', name: 'Dice, mean over images', value: Number(dice.toFixed(4)) },
      ...(iou === null
        ? []
        : [{ type: 'iou', name: 'IoU, mean over images', value: Number(iou.toFixed(4)) }]),
    ],
  }));
  return {
    license: licence,
    ...(licenceLink === undefined ? {} : { license_name: licence, license_link: licenceLink }),
    library_name: LIBRARY,
    pipeline_tag: TASK,
    tags: [
      ...['medical', 'research-only', 'onnx', precision],
      ...(note ? ['language-guided-segmentation'] : []),
    ],
    'model-index': results.length === 0 ? undefined : [{ name, results }],
  };
}

/** The whole text. */
export function modelCard(manifest: ModelManifest, options: CardOptions): string {
  const data = cardData(manifest, options);
  const sections = [
    `# ${manifest.name}`,
    '> **Research use only. Not a medical device:** not for diagnosis, treatment or any other clinical decision.',
    manifest.intendedUse,
    ...useSection(manifest, options),
    ...scoreSection(manifest),
    ...limitSection(manifest),
    ...trainingSection(manifest),
    ...fileSection(manifest),
    '## Licence',
    licenceText(options),
  ];
  return `---\n${stringify(data, { lineWidth: 0 })}---\n\n${sections.join('\n\n')}\n`;
}

function useSection({ name, note }: ModelManifest, options: CardOptions): string[] {
  const { repository = `owner/${name}` } = options;
  const example = note ? "'Unilateral pulmonary infection, one infected area, upper left lung.'" : "''";
  return [
    '## Use',
    `With [RecLMIS for TypeScript](https://www.npmjs.com/package/@reclmis/runtime), in Node or a browser, without libtorch and without Python:`,
    '```ts\n' +
      "import { loadModel } from '@reclmis/runtime';\n\n" +
      `const model = await loadModel('hf:${repository}');\n` +
      `const { mask, warnings } = await model.segment('image.png', ${example});\n` +
      '```',
    '```sh\n' +
      `npx reclmis studio hf:${repository}    # in the browser\n` +
      `npx reclmis predict hf:${repository} --image "scans/*.png" ${note ? '--notes notes.csv ' : ''}-o masks\n` +
      '```',
    'Add `@COMMIT` to the address to pin a version. Each mask comes with warnings where it may be wrong; read them.',
  ];
}

function scoreSection(manifest: ModelManifest): string[] {
  const tests = testScores(manifest);
  if (tests.length === 0)
    return [
      '## Scores',
      'None on test cases are recorded. Scores on validation cases chose the weights, so they are no result and are left out.',
    ];
  const rows = tests.map(
    ({ data, cases, dice, iou, interval }) =>
      `| ${cell(data)} | ${cases}${interval && interval.patients !== cases ? ` (${interval.patients} patients)` : ''} | ` +
      `${withInterval(dice, interval?.dice)} | ${withInterval(iou, interval?.iou)} |`,
  );
  const confidence = (manifest.confidence?.tests ?? []).map(
    ({ data, cases, error }) =>
      `The Dice that the model predicts for its own masks was off by ${percent(error)} points on average over ${cases} test images of ${cell(data)}.`,
  );
  return [
    '## Scores',
    'Means over test images, in percent, with 95 % intervals (bootstrap over patients):',
    ['| test data | images | Dice | IoU |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    'They were measured on the trained run, from which this model was exported and to which it was compared. Scores on validation cases, which chose the weights, are no result and are left out.',
    ...confidence,
  ];
}

const limitSection = ({ limits }: ModelManifest): string[] => [
  '## Limits',
  limits.map((limit) => `- ${limit}`).join('\n'),
];

function trainingSection(manifest: ModelManifest): string[] {
  const { training, image, note, precision, parameters, threshold, check } = manifest;
  const { data, checkpoint, seed } = training;
  const grammar: Readonly<Record<string, string>> = {
    lvit: 'LViT’s sentences about chest infections',
    nuclei: 'sentences about nuclei',
    vocabulary: 'the sentences of a vocabulary in the manifest',
  };
  const facts = [
    `parameters: ${parameters.toLocaleString('en')}, ${precision}; input ${image.size} x ${image.size} pixels; threshold ${threshold}`,
    note
      ? `notes: ${grammar[note.grammar] ?? 'free or of unknown form'}; left and right are ${note.sides === 'unknown' ? 'of unknown meaning' : `the ${note.sides}’s`}`
      : 'notes: none are read',
    data
      ? `training data: ${cell(data.name)}, ${data.cases} cases, fingerprint \`${data.fingerprint}\``
      : 'training data: unknown (imported weights)',
    `checkpoint: ${checkpoint.kind}${checkpoint.epoch === null ? '' : `, epoch ${checkpoint.epoch}`}${seed === null ? '' : `; seed ${seed}`}`,
    `compared with the trained run: probabilities differ by at most ${check.worst.toExponential(1)} over ${check.cases} images`,
  ];
  return [
    '## Model and training data',
    facts.map((fact) => `- ${fact}`).join('\n'),
    `No image, note or path of the training data is in this repository.${note?.tokenizer.kind === 'words' || training.reference ? ' `manifest.json` holds single words of the training notes and statistics of the images.' : ''}`,
  ];
}

function fileSection(manifest: ModelManifest): string[] {
  const row = ({ name, bytes, sha256 }: ManifestFile): string =>
    `| ${name} | ${bytes.toLocaleString('en')} | \`${sha256}\` |`;
  return [
    '## Files',
    ['| file | bytes | SHA-256 |', '| --- | --- | --- |', ...manifestFiles(manifest).map(row)].join('\n'),
    '`manifest.json` states everything else that turns an image and a note into a mask, and these hashes, which are checked whenever the model is loaded.',
  ];
}

const licenceText = ({ licence, licenceLink }: CardOptions): string =>
  licenceLink === undefined ? `\`${licence}\`` : `[${licence}](${licenceLink})`;

/** A data set's name is its owner's text: it stays in its cell, and makes no markup. */
const cell = (text: string): string => text.replace(/[\\`*_|<>[\]]/g, String.raw`\$&`).replace(/\s+/g, ' ');
