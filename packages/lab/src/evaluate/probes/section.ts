/** A report's section on note probes (docs/reference/probes.md). */
import {
  figure,
  heading,
  type Html,
  joined,
  list,
  paragraph,
  picture,
  type ReportSection,
  table,
  warning,
} from '@reclmis/data';
import { fixedText } from '../../plots/text.js';
import { probesSvg } from './figure.js';
import type { ProbeFigure } from './measure.js';
import type { NoteProbes } from './probes.js';
import { isReworded } from '../note-variants.js';
import { PROBE_TITLES } from './titles.js';

const INSIDE = 'Inside: share of the mask in the zones that the given note names.';
const REACHED = 'Reached: share of these zones that contain any of the mask.';
const MEANINGS = [
  `Changed: images whose note the probe alters. Change: Dice minus Dice under the correct note. ${INSIDE} ${REACHED}`,
  'Moved: share of the mask in zones that only the swapped note names, minus the share that was there under the correct note. Same: Dice with the correct note’s mask; 100 % if the note makes no difference. Turned: Dice with the correct note’s mask, mirrored or flipped.',
];

const OF_REWORDINGS =
  'In other words: the same finding, from templates that no training sees. Invariance: Dice with the correct note’s mask; it should be near 100 %. Empty: share of masks without a pixel. With the sides swapped inside a paraphrase, the mask should move as it does when they are swapped in the note.';

/** `84.2 (83.1 to 85.0)`, in percent, or words. */
export function probeText(figure: ProbeFigure | null): string {
  if (figure === null) return 'not applicable';
  const percent = (value: number): string => fixedText(100 * value, 1);
  return `${percent(figure.value)} (${percent(figure.low)} to ${percent(figure.high)})`;
}

/** Whether the model keeps to its note; only compares figures. */
export function verdictOf({
  probes,
  truth,
  notes,
  unread,
}: Pick<NoteProbes, 'probes' | 'truth' | 'notes' | 'unread'>): string {
  const of = (kind: string): (typeof probes)[number] | undefined =>
    probes.find((probe) => probe.notes === kind);
  const [right, shuffled] = [of('right'), of('shuffled')];
  const parts: string[] = [];
  if (unread !== null) {
    parts.push(`${unread}: other notes were not tried.`);
  } else if (shuffled?.changed === 0) {
    parts.push('No case received a different note: there is no other, or all are the same.');
  } else if (right?.dice && shuffled?.dice && shuffled.change) {
    const { low, high } = shuffled.change;
    const drop = (-100 * shuffled.change.value).toFixed(1);
    parts.push(
      low <= 0 && high >= 0
        ? 'Another case’s note makes no measurable difference here: the interval of the change in Dice includes 0.'
        : `Another case’s note costs ${drop} points of Dice.`,
    );
  }
  if (right?.inside && truth.inside) {
    parts.push(
      `Under the correct notes, ${(100 * right.inside.value).toFixed(1)} % of the predicted masks lie in the zones that the notes name; of the true masks, ${(100 * truth.inside.value).toFixed(1)} %.`,
    );
  } else if (notes.namingZones > 0) {
    parts.push('All masks under the correct notes are empty, so none lies in any zone.');
  } else {
    parts.push('These notes name no part of the lungs, so consistency with zones does not apply.');
  }
  const said = verdictOfRewordings(probes);
  if (said !== null) parts.push(said);
  return parts.join(' ');
}

/** Null if no rewordings were tried. */
function verdictOfRewordings(probes: NoteProbes['probes']): string | null {
  const tried = probes.filter(({ notes }) => isReworded(notes) && notes !== 'exchanged');
  if (tried.length === 0) return null;
  const [worst] = tried
    .flatMap(({ notes, same, empty }) => (same && empty ? [{ notes, same, empty }] : []))
    .sort((a, b) => a.same.value - b.same.value);
  if (worst === undefined)
    return 'None of these notes can be put into other words: they are not in LViT’s grammar.';
  const percent = (value: number): string => (100 * value).toFixed(1);
  return (
    `In other words, the mask changes most when the note is ${MANNERS[worst.notes] ?? worst.notes}: ` +
    `invariance ${percent(worst.same.value)} %, ${percent(worst.empty.value)} % of the masks empty.`
  );
}

const MANNERS: Partial<Record<NoteProbes['probes'][number]['notes'], string>> = {
  verbose: 'in a report',
  negated: 'followed by what is absent',
};

/** @param sheet from `drawProbeSheet` */
export function probesSection(probes: NoteProbes, sheet: Uint8Array | null): ReportSection {
  const { zones, notes } = probes;
  const whose = zones.sides === 'image' ? 'the image’s own' : 'the patient’s';
  const chosen =
    zones.truthInside !== null && zones.sidesBy === 'chosen'
      ? ` (chosen by the true masks: ${zones.inferred.reason}; ${(100 * zones.truthInside.image).toFixed(1)} % of them lie in the named zones if notes mean the image’s sides, ${(100 * zones.truthInside.patient).toFixed(1)} % if the patient’s)`
      : '';
  const split =
    zones.lines === null
      ? 'thirds of each lung, from masks of the lungs'
      : `a split of the image: its halves, and lines at ${zones.lines.map((line) => line.toFixed(3)).join(' and ')} of its height`;
  const html = joined(
    probes.derived === null ? '' : warning(`${probes.derived}.`),
    paragraph(verdictOf(probes)),
    probes.unread === null ? underAllNotes(probes) : underOwnNotes(probes),
    list([
      ...(probes.unread === null ? MEANINGS : [`${INSIDE} ${REACHED}`]),
      ...(probes.probes.some(({ notes: kind }) => isReworded(kind)) ? [OF_REWORDINGS] : []),
      `Zones are ${split}. Left and right are ${whose}${chosen}.`,
      `${notes.namingZones} of ${notes.cases} notes name a part of the lungs; ${notes.withRemainder} contain words that the grammar does not know${notes.remainders.length > 0 ? `: ${notes.remainders.map(({ text, cases }) => `“${text}” (${cases})`).join(', ')}` : ''}.`,
    ]),
    sheet === null
      ? ''
      : picture(sheet, {
          alt: 'One case under each note',
          caption: `${probes.example ?? ''}: the case with median Dice among those that every probe changes. Green: the zones that the note names.`,
        }),
  );
  return { id: 'note-probes', title: 'Note probes', html };
}

/** The figures of every note, with a drawing. */
function underAllNotes(all: NoteProbes): Html {
  const { probes, truth } = all;
  return joined(
    figure(probesSvg(all), {
      alt: 'Dice and share inside the named zones under each note, with 95 % intervals',
    }),
    table(
      ['Notes given', 'changed', 'Dice, %', 'change, points', 'inside, %', 'reached, %'],
      [
        ...probes
          .filter(({ notes: kind }) => !isReworded(kind))
          .map((probe) => [
            PROBE_TITLES[probe.notes],
            String(probe.changed),
            probeText(probe.dice),
            probe.notes === 'right' ? '' : probeText(probe.change),
            probeText(probe.inside),
            probeText(probe.reached),
          ]),
        ['True masks, correct notes', '', '', '', probeText(truth.inside), probeText(truth.reached)],
      ],
      { caption: captionOf(all) },
    ),
    heading('How the mask follows a swapped note'),
    table(
      ['Notes given', 'moved, %', 'same, %', 'turned, %'],
      probes
        .filter(({ notes: kind }) => kind !== 'right' && kind !== 'empty' && !isReworded(kind))
        .map((probe) => [
          PROBE_TITLES[probe.notes],
          probeText(probe.moved),
          probeText(probe.same),
          probeText(probe.expected),
        ]),
    ),
    inOtherWords(all),
  );
}

/** The figures of rewordings, if they were tried. */
function inOtherWords({ probes }: NoteProbes): Html | '' {
  if (!probes.some(({ notes: kind }) => isReworded(kind))) return '';
  const shown = probes.filter(
    ({ notes: kind }) => kind === 'right' || kind === 'mirrored' || isReworded(kind),
  );
  return joined(
    heading('The same finding in other words'),
    table(
      ['Notes given', 'changed', 'Dice, %', 'change, points', 'invariance, %', 'empty, %', 'moved, %'],
      shown.map((probe) => [
        PROBE_TITLES[probe.notes],
        String(probe.changed),
        probeText(probe.dice),
        probe.notes === 'right' ? '' : probeText(probe.change),
        probe.notes === 'right' ? '' : probeText(probe.same),
        probeText(probe.empty),
        MOVES.includes(probe.notes) ? probeText(probe.moved) : '',
      ]),
    ),
  );
}

const MOVES: readonly string[] = ['mirrored', 'exchanged'];

/** What a model reaches without reading notes. */
function underOwnNotes(all: NoteProbes): Html {
  const { probes, truth } = all;
  return table(
    ['', 'Dice, %', 'inside, %', 'reached, %'],
    [
      ...probes.map(({ dice, inside, reached }) => [
        'Predicted masks',
        ...[dice, inside, reached].map(probeText),
      ]),
      ['True masks', '', probeText(truth.inside), probeText(truth.reached)],
    ],
    { caption: captionOf(all) },
  );
}

function captionOf({ cases, patients }: NoteProbes): string {
  return `${cases} images of ${patients} patients; 95 % intervals by a bootstrap of patients`;
}
