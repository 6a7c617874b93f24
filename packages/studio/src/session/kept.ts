/** The record of a kept session: what it holds, and whether this version can read it. */
import { FILE_FORMATS, readFormat, statedFormat } from '@reclmis/core';
import type { CasesState } from '../state/cases.js';

/** Another number is another form. */
const FORM = Math.max(...FILE_FORMATS.session);

export interface Kept {
  readonly form: number;
  readonly cases: CasesState;
}

export const keptOf = (cases: CasesState): Kept => ({ form: FORM, cases });

/** Null if nothing was kept, or a record is damaged. @throws OUTPUT_EXISTS if another version kept it */
export function readKept(record: unknown): Kept | null {
  if (typeof record !== 'object' || record === null || !('form' in record)) return null;
  const { form, cases } = record as Partial<Kept>;
  if (typeof form !== 'number') return null;
  readFormat('session', statedFormat('session', form), { where: 'the kept session', code: 'OUTPUT_EXISTS' });
  return Array.isArray(cases?.items) && Array.isArray(cases.order) ? { form, cases } : null;
}
