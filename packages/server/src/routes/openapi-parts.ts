/** What the descriptions of several routes share. */
import { ERRORS, type ErrorCode, WARNINGS } from '@reclmis/core';
import { statusOf } from '../http-errors.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

const ERROR: JsonSchema = {
  type: 'object',
  required: ['error', 'code', 'remedy'],
  properties: {
    error: { type: 'string', description: 'what happened, with expected and actual' },
    code: { type: 'string', description: 'code from the catalogue, docs/reference/errors.md' },
    remedy: { type: 'string', description: 'what to do about it' },
  },
};

/** Responses by status. */
export function failures(...codes: readonly ErrorCode[]): Record<string, unknown> {
  const out: Record<string, { description: string; content: unknown }> = {};
  for (const code of codes) {
    const status = String(statusOf(code));
    const entry = (out[status] ??= { description: '', content: { 'application/json': { schema: ERROR } } });
    entry.description += `${entry.description === '' ? '' : ' '}${code}: ${ERRORS[code].meaning}`;
  }
  return out;
}

export const json = (description: string, properties: JsonSchema): JsonSchema => ({
  description,
  content: { 'application/json': { schema: { type: 'object', properties } } },
});

export const ACCESS_FAILURES = failures('TOKEN_INVALID', 'HOST_REFUSED', 'ORIGIN_REFUSED');
/** What every route that computes may answer. */
export const WORK_FAILURES = failures(
  'REQUEST_INVALID',
  'TOKEN_INVALID',
  'HOST_REFUSED',
  'ORIGIN_REFUSED',
  'REQUEST_SLOW',
  'REQUEST_TOO_LARGE',
  'REQUEST_UNSUPPORTED',
  'NOTE_INVALID',
  'NOTE_EMPTY',
  'SERVER_BUSY',
  'SERVER_STOPPING',
  'REQUEST_TIMEOUT',
);
export const number = { type: 'number' };
export const text = { type: 'string' };
export const choice = (values: readonly string[], description: string): JsonSchema => ({
  type: 'string',
  enum: [...values],
  description,
});
export const milliseconds = { type: 'number', description: 'milliseconds' };

/** The warnings in a response. */
export const WARNINGS_LIST: JsonSchema = {
  type: 'array',
  description: 'why the mask may be wrong although nothing failed (docs/reference/warnings.md)',
  items: {
    type: 'object',
    required: ['code', 'message'],
    properties: {
      code: { type: 'string', enum: Object.keys(WARNINGS) },
      message: { type: 'string' },
      words: {
        type: 'array',
        description:
          'unknown words of the note; nearest: the known word that may be meant, which the model reads if read is true',
        items: {
          type: 'object',
          required: ['word'],
          properties: { word: text, nearest: text, read: { type: 'boolean' } },
        },
      },
    },
  },
};
