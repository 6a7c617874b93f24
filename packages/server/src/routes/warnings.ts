/**
 * Warnings in answers: `warnings` in JSON, the codes in a header of every answer to a segmentation, and `parameters` of the Open Inference Protocol,
 * whose values are single strings.
 */
import { threshold, type Warning, warningCodes } from '@reclmis/core';
import type { Model } from '@reclmis/runtime';
import type { FastifyReply } from 'fastify';
import type { Result, Work } from '../admission/work.js';

/** The codes of docs/reference/warnings.md, each once, with commas between; absent where there is none. */
export const WARNINGS_HEADER = 'Reclmis-Warnings';

/** A warning with the case of the batch that it is about. */
export interface CaseWarning extends Warning {
  readonly case: number;
}

/** Sets the header. */
export function setWarnings(reply: FastifyReply, warnings: readonly Warning[]): void {
  if (warnings.length > 0) reply.header(WARNINGS_HEADER, warningCodes(warnings).join(', '));
}

/** `parameters` of an answer: the codes, and a line for each warning; none where there is nothing to say. */
export function parametersOf(warnings: readonly CaseWarning[]): { parameters?: Record<string, string> } {
  if (warnings.length === 0) return {};
  const lines = warnings.map(({ case: at, code, message }) => `case ${at}: ${code}: ${message}`);
  return { parameters: { warnings: warningCodes(warnings).join(', '), warning_messages: lines.join('\n') } };
}

/** What can be said of tensors: of notes as texts or tokens, of images and of the masks that their probabilities make. */
export function tensorWarnings({ checks, manifest }: Model, work: Work, result: Result): CaseWarning[] {
  const of = (at: number, warnings: readonly Warning[]): CaseWarning[] =>
    warnings.map((warning) => ({ ...warning, case: at }));
  switch (work.kind) {
    case 'segment':
      return [];
    case 'texts':
      return work.notes.flatMap((note, at) => of(at, [...checks.note(note), ...(work.warnings[at] ?? [])]));
    case 'tokens': {
      const length = work.tokens.length / work.count;
      return Array.from({ length: work.count }, (_, at) =>
        of(at, checks.tokens(Array.from(work.tokens.subarray(at * length, (at + 1) * length), Number))),
      ).flat();
    }
    case 'tensors': {
      const S = manifest.image.size;
      const probability = result instanceof Float32Array ? result : result.probability;
      return Array.from({ length: work.count }, (_, at) => {
        const image = checks.image(work.images.subarray(at * 3 * S * S, (at + 1) * 3 * S * S), S);
        const plane = probability.subarray(at * S * S, (at + 1) * S * S); // [S,S]
        return of(at, [...image, ...checks.mask(threshold(plane, S, S, manifest.threshold), '', 'unknown')]);
      }).flat();
    }
  }
}
