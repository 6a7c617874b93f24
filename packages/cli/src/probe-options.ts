/** `--probes` and `--rewordings` of `reclmis evaluate` and its options. */
import { defined, type ZoneLines } from '@reclmis/core';
import type { NoteVariant, ProbeOptions } from '@reclmis/lab';
import type { Command } from 'commander';
import { interruptSignal } from './interrupt.js';
import { zoneLinesOf } from './zone-options.js';

export interface ProbeFlags {
  readonly probes?: boolean;
  readonly rewordings?: boolean;
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
      '--rewordings',
      'also try each note in other words (reordered, paraphrased, abbreviated, misspelt, verbose, negated, translated) and with the sides swapped, and measure whether masks stay the same',
    )
    .option(
      '--lungs <dir>',
      'for probes: folder of lung masks, named like the images; zones are then thirds of each lung',
    )
    .option(
      '--zone-lines <upper,lower>',
      'for probes: zone borders for images without lung masks, as fractions of the height (default: 0.333,0.5)',
      zoneLinesOf,
    );
}

/** Swapped in the note itself, for comparison with swapped in a paraphrase. */
const COMPARED: readonly NoteVariant[] = ['mirrored'];

/** What the probes are asked; from here on Ctrl-C ends them cleanly. Null: none. */
export async function probesOf({
  probes = false,
  rewordings = false,
  lungs,
  zoneLines: lines,
}: ProbeFlags): Promise<(() => Pick<ProbeOptions, 'kinds' | 'lungs' | 'lines' | 'signal'>) | null> {
  if (!probes && !rewordings) return null;
  const { NOTE_CHANGES, NOTE_REWORDINGS } = await import('@reclmis/lab');
  const kinds = [...(probes ? NOTE_CHANGES : COMPARED), ...(rewordings ? NOTE_REWORDINGS : [])];
  return () => ({ kinds, ...defined({ lungs, lines }), signal: interruptSignal() });
}
