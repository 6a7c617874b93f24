/** `--probes` of `reclmis evaluate`: options, text and report. */
import { defined, type StatedSides, type ZoneLines } from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import type { EvaluatedModel, NoteProbes, ReportSection } from '@reclmis/lab';
import type { Command } from 'commander';
import { interruptSignal } from './interrupt.js';
import type { Output } from './output.js';
import { Progress } from './progress.js';
import { formatTable, right } from './table.js';
import { zoneLinesOf } from './zone-options.js';

export interface ProbeFlags {
  readonly probes?: boolean;
  readonly lungs?: string;
  readonly zoneLines?: ZoneLines;
}

export function withProbeOptions(command: Command): Command {
  return command
    .option(
      '--probes',
      'also try no note, another case’s and altered notes on the same images, and measure whether masks stay in the zones that notes name',
    )
    .option(
      '--lungs <dir>',
      'for --probes: folder of lung masks, named like the images; zones are then thirds of each lung',
    )
    .option(
      '--zone-lines <upper,lower>',
      'for --probes: zone borders for images without lung masks, as fractions of the height (default: 0.333,0.5)',
      zoneLinesOf,
    );
}

export interface ProbeResult {
  readonly probes: NoteProbes;
  readonly section: ReportSection;
}

/**
 * Runs the probes on an evaluation whose model is still loaded. @param sides whose left and right its notes
 * mean @throws as `probeNotes`
 */
export async function runProbes(
  at: EvaluatedModel,
  flags: ProbeFlags & { readonly seed?: number },
  sides: StatedSides,
  output: Output,
): Promise<ProbeResult> {
  const { drawProbeSheet, probeNotes, probesSection } = await import('@reclmis/lab');
  const bar = new Progress({ label: 'probing notes', total: at.dataset.cases.length, quiet: output.quiet });
  const seed = flags.seed === undefined ? {} : { seed: flags.seed };
  const probes = await probeNotes(at, {
    ...seed,
    ...defined({ lungs: flags.lungs, lines: flags.zoneLines }),
    ...(sides === 'unknown' ? {} : { sides }),
    onProgress: (done) => bar.update(done),
    signal: interruptSignal(),
  });
  bar.stop();
  const sheet = probes.example === null ? null : await drawProbeSheet(at, probes, probes.example, seed);
  return { probes, section: probesSection(probes, sheet === null ? null : await encodePng(sheet, 3)) };
}

export async function describeProbes(probes: NoteProbes): Promise<string> {
  const { probeText, PROBE_TITLES, verdictOf } = await import('@reclmis/lab');
  const { zones, truth, notes } = probes;
  return [
    `\nNote probes: ${probes.cases} images of ${probes.patients} patients, 95 % intervals; ${zones.sides === 'image' ? 'the image’s' : 'the patient’s'} sides, zones by ${zones.from === 'lungs' ? 'masks of the lungs' : 'a split of the image'}\n`,
    formatTable(
      [
        { title: '%' },
        ...['changed', 'Dice', 'inside named zones', 'named zones reached', 'moved'].map(right),
      ],
      [
        ...probes.probes.map((probe) => [
          PROBE_TITLES[probe.notes],
          String(probe.changed),
          ...[probe.dice, probe.inside, probe.reached, probe.moved].map(probeText),
        ]),
        ['True masks, correct notes', '', '', probeText(truth.inside), probeText(truth.reached), ''],
      ],
    ),
    `\n${verdictOf(probes)}`,
    `${notes.namingZones} of ${notes.cases} notes name a part of the lungs; ${notes.withRemainder} hold words that the grammar does not know.`,
  ].join('\n');
}
