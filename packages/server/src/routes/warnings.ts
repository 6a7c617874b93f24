/**
 * Warnings in responses: `warnings` in JSON, codes in a header, and single strings in the Open Inference
 * Protocol's `parameters`.
 */
import { threshold, type Warning, warningCodes } from '@reclmis/core';
import type { Model } from '@reclmis/runtime';
import type { FastifyReply } from 'fastify';
import type { Result, Work } from '../admission/work.js';

/** Distinct codes of docs/reference/warnings.md, with commas; absent if none. */
export const WARNINGS_HEADER = 'Reclmis-Warnings';

/** As the OpenAPI document describes it. */
export const WARNINGS_HEADERS = {
  [WARNINGS_HEADER]: {
    description: 'comma-separated codes from docs/reference/warnings.md; absent if there are none',
    type: 'string', // the plugin makes it a schema
  },
};

export interface CaseWarning extends Warning {
  readonly case: number;
}

export function setWarnings(reply: FastifyReply, warnings: readonly Warning[]): void {
  if (warnings.length > 0) reply.header(WARNINGS_HEADER, warningCodes(warnings).join(', '));
}

/** The codes and a line per warning, if any. */
export function parametersOf(warnings: readonly CaseWarning[]): { parameters?: Record<string, string> } {
  if (warnings.length === 0) return {};
  const lines = warnings.map(({ case: at, code, message }) => `case ${at}: ${code}: ${message}`);
  return { parameters: { warnings: warningCodes(warnings).join(', '), warning_messages: lines.join('\n') } };
}

/** Warnings about notes (text or tokens), images and masks in tensors. */
export function tensorWarnings({ checks, manifest }: Model, work: Work, result: Result): CaseWarning[] {
  const of = (at: number, warnings: readonly Warning[]): CaseWarning[] =>
    warnings.map((warning) => ({ ...warning, case: at }));
  switch (work.kind) {
    case 'segment':
      return [];
    case 'texts':
      return work.notes.flatMap(({ worded, mirrored, warnings }, at) =>
        of(at, [...checks.note(worded, mirrored), ...warnings]),
      );
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
