/** What `reclmis evaluate` found: scores, differences between runs, note probes. */
import type {
  ConfidenceReport,
  Difference,
  Estimate,
  EvaluatedRun,
  Evaluation,
  Figure,
  NoteProbes,
  RunReport,
  ScoresByClass,
} from '@reclmis/lab';
import { formatTable, percent, right } from '../table.js';
import { lineWidth } from '../terminal.js';

/** An evaluation with what predicted Dice is worth, and where its scores are. @param where, resized as below */
export function describeEvaluated(
  {
    report,
    csv,
    classesCsv,
  }: {
    readonly report: Pick<RunReport, 'evaluation' | 'confidence' | keyof ScoresByClass>;
    readonly csv: string;
    readonly classesCsv: string | null;
  },
  where: string,
  resized: string,
  textOf: (figure: Figure) => string,
): string {
  const { evaluation, confidence } = report;
  const classes = describeClasses(report, textOf);
  return [
    describeEvaluation(evaluation, where, resized),
    ...(classes === null ? [] : [`\n${classes}`]),
    ...(confidence === null ? [] : [describeConfidence(confidence)]),
    `\nEvery image: ${csv}`,
    ...(classesCsv === null ? [] : [`Every class: ${classesCsv}`]),
  ].join('\n');
}

/** An evaluation as a table in percent. @param where the part of the data set. @param resized how many images were, or empty */
export function describeEvaluation(
  { data, checkpoint, start, notes, noteStyle, summary, size, ensemble }: Evaluation,
  where: string,
  resized: string,
): string {
  const averaged = ensemble
    ? `; mean of ${ensemble.members.length + 1} model${ensemble.members.length === 0 ? '' : 's'}${ensemble.flips ? ' with flips' : ''}`
    : '';
  const row = (name: string, { dice, iou, precision, recall }: typeof summary.mean): string[] => [
    name,
    ...[dice, iou, precision, recall].map(percent),
  ];
  return [
    `${data.name}, ${where}: ${summary.count} images at ${size} x ${size}${resized === '' ? '' : `, ${resized}`}, ${notes} notes${noteStyle === 'free' ? ' (free text read)' : ''}, ${checkpoint.kind} checkpoint (epoch ${checkpoint.epoch}, ${begun(start)})${averaged}\n`,
    formatTable(
      [{ title: '%' }, right('Dice'), right('IoU'), right('precision'), right('recall')],
      [row('mean over images', summary.mean), row('pooled over all pixels', summary.pooled)],
    ),
  ].join('\n');
}

/** What predicted Dice is worth on these cases. */
function describeConfidence(found: ConfidenceReport): string {
  const { error, rank, calibration, presence, dice, withoutTenth: tenth } = found;
  const share = (value: number | null): string => (value === null ? '–' : percent(value));
  const points = ({ value, low, high }: Estimate): string =>
    `${share(value)} points (95 % interval ${share(low)} to ${share(high)})`;
  return [
    `\nPredicted Dice (calibrated on ${calibration.data.cases} validation images): off by ${points(error)} on average, rank correlation ${rank?.toFixed(2) ?? '–'}`,
    `Without the least confident tenth: mean Dice ${share(tenth.dice.value)} instead of ${share(dice)}, a gain of ${points(tenth.gain)}`,
    presence.calibrated
      ? `Presence: mean ${share(presence.whereFound)} % where the true mask has pixels, ${share(presence.whereEmpty)} % where it is empty (${presence.empty} images)`
      : 'Presence is not calibrated: nearly all validation images show what their notes name',
  ].join('\n');
}

/** A run in `--json`. */
export function resultOf({ report, csv, classesCsv }: EvaluatedRun): object {
  const { evaluation, figures, confidence, overlap, warnings, classes, withoutClass } = report;
  const byClass = classes.length === 0 ? {} : { classes, withoutClass, classesCsv };
  return { ...evaluation, csv, figures, ...byClass, confidence, overlap, warnings };
}

/** Dice and IoU by class with 95 % intervals; null where classes say no more than the overall figures. */
function describeClasses(
  { classes, withoutClass }: ScoresByClass,
  textOf: (figure: Figure) => string,
): string | null {
  if (classes.length === 0 || (classes.length === 1 && withoutClass === 0)) return null;
  const shown = ['dice', 'iou', 'pooledDice', 'pooledIou'] as const;
  const rows = classes.map(({ name, rows: count, empty, figures }) => [
    ...[name, String(count), String(empty)],
    ...shown.map((key) => {
      const found = figures.find((one) => one.key === key);
      return found ? textOf(found) : '–';
    }),
  ]);
  const without =
    withoutClass === 0 ? '' : `\n${withoutClass} ${withoutClass === 1 ? 'row has' : 'rows have'} no class.`;
  return `By class, in % with 95 % intervals; the figures above count all rows alike\n\n${formatTable(
    [{ title: 'class' }, ...['rows', 'empty', 'Dice', 'IoU', 'pooled Dice', 'pooled IoU'].map(right)],
    rows,
    lineWidth(),
  )}${without}`;
}

const begun = (start: string): string =>
  /^(?:from|imported) /.test(start) ? start : `started from ${start}`;

/** Differences of Dice and IoU in percentage points, with intervals and p-values. */
export function describeDifferences(runs: readonly string[], differences: readonly Difference[]): string {
  const points = (value: number | null): string => (value === null ? '–' : percent(value));
  const p = (value: number | null): string => (value === null ? '–' : value.toFixed(4));
  const shown = differences.filter(({ label }) => label === 'Dice' || label === 'IoU');
  return [
    'Differences in percentage points, with 95 % intervals and two-sided p (paired bootstrap over patients' +
      `${runs.length > 2 ? ', corrected after Holm' : ''})\n`,
    formatTable(
      [{ title: 'runs' }, { title: 'figure' }, right('difference'), right('from'), right('to'), right('p')],
      shown.map(({ first, second, label, form, value, low, high, corrected }) => [
        `${runs[second]} less ${runs[first]}`,
        `${label}, ${form}`,
        ...[value, low, high].map(points),
        p(corrected),
      ]),
    ),
  ].join('\n');
}

export async function describeProbes(probes: NoteProbes): Promise<string> {
  const { isReworded, probeText, PROBE_TITLES, verdictOf } = await import('@reclmis/lab');
  const { zones, truth, notes } = probes;
  const reworded = probes.probes.some((probe) => isReworded(probe.notes));
  return [
    `\nNote probes: ${probes.cases} images of ${probes.patients} patients, 95 % intervals; ${zones.sides === 'image' ? 'the image’s' : 'the patient’s'} sides, zones by ${zones.from === 'lungs' ? 'masks of the lungs' : 'a split of the image'}\n`,
    probes.unread === null
      ? formatTable(
          [
            { title: '%' },
            ...['changed', 'Dice', 'inside named zones', 'named zones reached', 'moved'].map(right),
          ],
          [
            ...probes.probes
              .filter((probe) => !isReworded(probe.notes))
              .map((probe) => [
                PROBE_TITLES[probe.notes],
                String(probe.changed),
                ...[probe.dice, probe.inside, probe.reached, probe.moved].map(probeText),
              ]),
            ['True masks, correct notes', '', '', probeText(truth.inside), probeText(truth.reached), ''],
          ],
        )
      : formatTable(
          [{ title: '%' }, ...['Dice', 'inside named zones', 'named zones reached'].map(right)],
          [
            ...probes.probes.map(({ dice, inside, reached }) => [
              'Predicted masks',
              ...[dice, inside, reached].map(probeText),
            ]),
            ['True masks', '', probeText(truth.inside), probeText(truth.reached)],
          ],
        ),
    ...(reworded
      ? [
          '\nThe same finding in other words; invariance: Dice with the mask under the right note\n',
          formatTable(
            [{ title: '%' }, ...['changed', 'Dice', 'invariance', 'empty masks', 'moved'].map(right)],
            probes.probes
              .filter(({ notes: kind }) => kind === 'right' || kind === 'mirrored' || isReworded(kind))
              .map((probe) => [
                PROBE_TITLES[probe.notes],
                String(probe.changed),
                probeText(probe.dice),
                probe.notes === 'right' ? '' : probeText(probe.same),
                probeText(probe.empty),
                probe.notes === 'mirrored' || probe.notes === 'exchanged' ? probeText(probe.moved) : '',
              ]),
          ),
        ]
      : []),
    `\n${verdictOf(probes)}`,
    `${notes.namingZones} of ${notes.cases} notes name a part of the lungs; ${notes.withRemainder} hold words that the grammar does not know.`,
  ].join('\n');
}
