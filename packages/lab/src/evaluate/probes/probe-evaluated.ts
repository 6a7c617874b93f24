/** Probes an evaluation whose model is still loaded. */
import type { StatedSides } from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import type { ReportSection } from '@reclmis/data';
import type { EvaluatedModel } from '../evaluate.js';
import { type NoteProbes, probeNotes, type ProbeOptions } from './probes.js';
import { probesSection } from './section.js';
import { drawProbeSheet } from './sheet.js';

export interface ProbedRun {
  readonly probes: NoteProbes;
  readonly section: ReportSection;
}

/** @throws as `probeNotes` */
export async function probeEvaluated(
  at: EvaluatedModel,
  options: Omit<ProbeOptions, 'sides' | 'resamples'>,
): Promise<ProbedRun> {
  const sides = sidesRead(at.evaluation);
  const probes = await probeNotes(at, { ...options, ...(sides === 'unknown' ? {} : { sides }) });
  const seed = options.seed === undefined ? {} : { seed: options.seed };
  const sheet = probes.example === null ? null : await drawProbeSheet(at, probes, probes.example, seed);
  return { probes, section: probesSection(probes, sheet === null ? null : await encodePng(sheet, 3)) };
}

/** Sides of the notes as the run was given them. */
function sidesRead({ sides: { notes, learnt } }: EvaluatedModel['evaluation']): StatedSides {
  return learnt === 'unknown' ? notes : learnt;
}
