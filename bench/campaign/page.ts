/** `campaign.md`: a campaign's figures as tables, ready for docs/measurements. */
import { markdownTable, meanAndDeviation } from '@reclmis/data';
import { type CellDifference, type CellFigures, type FigureKey, KEYS } from './figures.js';
import type { CampaignCell, CampaignResult, CampaignRun, StudyFigures } from './results.js';

const LABELS: Readonly<Record<FigureKey, string>> = {
  dice: 'Dice',
  iou: 'IoU',
  pooledDice: 'Dice pooled',
  pooledIou: 'IoU pooled',
};

export function campaignPage(result: CampaignResult): string {
  const { title, studies, left, failures } = result;
  return `${[
    `# ${title}`,
    'Percent, on the test split at threshold 0.5. Dice and IoU are means over images; pooled figures count all pixels at once. ± is the standard deviation over seeds; "95 %" is the interval over test images (bootstrap over patients) of the mean over seeds; Δ are percentage points to the cell that it is compared with, on the same images, p by a paired bootstrap with Holm’s correction. `reclmis train --config SETTINGS -o NEW` repeats a run, SETTINGS being the file in the last column.',
    ...studies.flatMap(studySections),
    '## Sessions',
    sessionsTable(result).trimEnd(),
    ...(failures.length === 0
      ? []
      : ['## Failed', failures.map(({ id, code, message }) => `- ${id}: ${code}: ${message}`).join('\n')]),
    ...(left.length === 0 ? [] : ['## Left', leftText(result)]),
    'For research only; not for diagnosis.',
  ].join('\n\n')}\n`;
}

/** A line per step that is left. */
export function leftText({ left }: Pick<CampaignResult, 'left'>): string {
  return left
    .map(({ id, seconds }) => `- ${id}${seconds === null ? '' : `, about ${minutes(seconds)} minutes`}`)
    .join('\n');
}

function studySections(study: StudyFigures): string[] {
  const reference = study.cells.find(({ name }) => name === study.best);
  const against = reference ? ` Compared with "${reference.label}".` : '';
  const withFlips = study.cells.some(({ flips }) => flips !== null);
  return [
    `## ${study.title}`,
    `${study.source}. Seeds ${study.seeds.join(', ')}.${against}${study.withoutPaper === null ? '' : ` ${study.withoutPaper}`}`,
    figuresTable(study, 'figures', 'difference').trimEnd(),
    ...(withFlips
      ? [
          'With flips: the mean with the prediction for the mirrored image and note.',
          figuresTable(study, 'flips', 'flipsDifference').trimEnd(),
        ]
      : []),
    runsTable(study).trimEnd(),
  ];
}

function figuresTable(
  { cells, best }: StudyFigures,
  form: 'figures' | 'flips',
  difference: 'difference' | 'flipsDifference',
): string {
  const compared = best !== null && cells.length > 1;
  const withPaper = cells.some(({ paper }) => paper !== null);
  return markdownTable(
    [
      'cell',
      'seeds',
      ...KEYS.flatMap((key) => [LABELS[key], '95 %']),
      ...(compared ? ['Δ Dice', 'p', 'Δ Dice pooled', 'p'] : []),
      ...(withPaper ? ['paper: Dice', 'paper: mIoU'] : []),
    ],
    cells.map((cell) => [
      cell.label,
      `${cell[form]?.dice.seeds.length ?? 0} of ${cell.runs.length}`,
      ...KEYS.flatMap((key) => valueAndRange(cell, form, key)),
      ...(compared ? [...change(cell[difference], 'dice'), ...change(cell[difference], 'pooledDice')] : []),
      ...(withPaper ? [cell.paper?.dice.toFixed(2) ?? '', cell.paper?.miou.toFixed(2) ?? ''] : []),
    ]),
  );
}

function valueAndRange(cell: CampaignCell, form: 'figures' | 'flips', key: FigureKey): string[] {
  const found = cell[form]?.[key];
  if (!found) return ['–', ''];
  return [
    meanAndDeviation(found.seeds.map((share) => 100 * share)),
    `${percent(found.low)}–${percent(found.high)}`,
  ];
}

function change(difference: CellDifference | null, key: FigureKey): string[] {
  if (difference === null) return ['', ''];
  const { value, low, high, corrected } = difference[key];
  const signed = (share: number): string => (share < 0 ? `−${percent(-share)}` : `+${percent(share)}`);
  return [
    `${signed(value)} (${signed(low)} to ${signed(high)})`,
    corrected < 0.001 ? '< 0.001' : corrected.toFixed(3),
  ];
}

function runsTable({ cells }: StudyFigures): string {
  const rows = cells.flatMap(({ label, runs }) => runs.map((run) => [label, ...runCells(run)]));
  return markdownTable(
    [
      'cell',
      'seed',
      'state',
      'epochs',
      'best epoch',
      ...KEYS.map((key) => LABELS[key]),
      ...KEYS.map((key) => `${LABELS[key]}, flips`),
      'training, min',
      'test, s',
      'with flips, s',
      'settings',
    ],
    rows,
  );
}

function runCells(run: CampaignRun): string[] {
  const shares = (figures: CellFigures | null): string[] =>
    KEYS.map((key) => (figures === null ? '' : percent(figures[key].value)));
  return [
    String(run.seed),
    run.state,
    String(run.epochs),
    String(run.bestEpoch ?? ''),
    ...shares(run.figures),
    ...shares(run.flips),
    (run.trainSeconds / 60).toFixed(1),
    run.testSeconds?.toFixed(1) ?? '',
    run.flipsSeconds?.toFixed(1) ?? '',
    `${run.dir}/config.yaml`,
  ];
}

function sessionsTable({ sessions }: CampaignResult): string {
  return markdownTable(
    ['started', 'minutes', 'commit', 'libtorch', 'Node', 'processor', 'vectors', 'command'],
    sessions.map(({ startedAt, seconds, commit, versions, machine, command }) => [
      startedAt,
      (seconds / 60).toFixed(1),
      commit,
      versions.libtorch,
      versions.node,
      `${machine.cores} x ${machine.processor}, ${machine.memoryGib} GiB`,
      versions.vectors,
      ['npm run bench:campaign --', ...command].join(' '),
    ]),
  );
}

const percent = (share: number): string => (100 * share).toFixed(2);
const minutes = (seconds: number): string => (seconds / 60).toFixed(seconds < 600 ? 1 : 0);
