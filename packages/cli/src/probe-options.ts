/** `--probes` of `reclmis evaluate` and its options. */
import { defined, type ZoneLines } from '@reclmis/core';
import type { ProbeOptions } from '@reclmis/lab';
import type { Command } from 'commander';
import { interruptSignal } from './interrupt.js';
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

/** What the probes are asked; from here on Ctrl-C ends them cleanly. */
export function probesOf({
  lungs,
  zoneLines: lines,
}: ProbeFlags): Pick<ProbeOptions, 'lungs' | 'lines' | 'signal'> {
  return { ...defined({ lungs, lines }), signal: interruptSignal() };
}
