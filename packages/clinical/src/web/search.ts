/** QIDO-RS (PS3.18, section 10.6): finding studies, series and instances, page by page. */
import { ReclmisError } from '@reclmis/core';
import type { PacsConnection } from './connection.js';
import { type DataSet, parseDataSets } from './dicom-json.js';
import { isUid } from './part10.js';

/** Attributes to search by, by keyword (`PatientID`, `StudyDate`, `Modality`); `*` and `?` are wildcards, `20260101-` a range. */
export type Filters = Readonly<Record<string, string>>;

export interface FoundStudy {
  readonly study: string;
  /** YYYYMMDD, or ''. */
  readonly date: string;
  readonly description: string;
  readonly accession: string;
  readonly modalities: readonly string[];
  /** As DICOM writes it: `Doe^Jane`. Never to be logged. */
  readonly patientName: string;
  readonly patientId: string;
  readonly series: number | null;
  readonly instances: number | null;
}

export interface FoundSeries {
  readonly study: string;
  readonly series: string;
  readonly modality: string;
  readonly number: number | null;
  readonly description: string;
  readonly bodyPart: string;
  readonly instances: number | null;
}

export interface FoundInstance {
  readonly instance: string;
  readonly sopClass: string;
  readonly number: number | null;
  readonly rows: number | null;
  readonly columns: number | null;
  readonly frames: number | null;
}

export interface Found<T> {
  readonly found: readonly T[];
  /** More than `limit` match. */
  readonly more: boolean;
}

const PAGE = 500;
const JSON_TYPES = ['application/dicom+json', 'application/json'];
/** PS3.18, table 8.3.4-1: a keyword, or a tag. */
const KEYWORD = /^[A-Za-z][A-Za-z0-9]{0,63}$|^[0-9A-Fa-f]{8}$/;

/** @param limit most results. @throws PACS_*, OPTION_INVALID for filters */
export async function findStudies(
  pacs: PacsConnection,
  filters: Filters,
  limit: number,
): Promise<Found<FoundStudy>> {
  return find(
    pacs,
    'finding studies',
    'studies',
    filters,
    ['00081030', '00201206', '00201208'],
    limit,
    (one) => {
      const study = one.uid('0020000D');
      return {
        key: study,
        value: {
          study,
          date: one.text('00080020'),
          description: one.text('00081030'),
          accession: one.text('00080050'),
          modalities: one.texts('00080061'),
          patientName: one.text('00100010'),
          patientId: one.text('00100020'),
          series: one.whole('00201206'),
          instances: one.whole('00201208'),
        },
      };
    },
  );
}

/** The series of a study, or, with `study` null, of all. */
export async function findSeries(
  pacs: PacsConnection,
  study: string | null,
  filters: Filters,
  limit: number,
): Promise<Found<FoundSeries>> {
  const path = study === null ? 'series' : `studies/${uid(study)}/series`;
  return find(pacs, 'finding series', path, filters, ['0008103E', '00180015', '00201209'], limit, (one) => {
    const series = one.uid('0020000E');
    return {
      key: series,
      value: {
        study: one.uid('0020000D') || (study ?? ''),
        series,
        modality: one.text('00080060'),
        number: one.whole('00200011'),
        description: one.text('0008103E'),
        bodyPart: one.text('00180015'),
        instances: one.whole('00201209'),
      },
    };
  });
}

export async function findInstances(
  pacs: PacsConnection,
  study: string,
  series: string,
  limit: number,
): Promise<Found<FoundInstance>> {
  const path = `studies/${uid(study)}/series/${uid(series)}/instances`;
  const read = (one: DataSet): { key: string; value: FoundInstance } => {
    const instance = one.uid('00080018');
    return {
      key: instance,
      value: {
        instance,
        sopClass: one.uid('00080016'),
        number: one.whole('00200013'),
        rows: one.whole('00280010'),
        columns: one.whole('00280011'),
        frames: one.whole('00280008'),
      },
    };
  };
  return find(pacs, 'finding instances', path, {}, [], limit, read);
}

/** A UID to become part of a path. @throws OPTION_INVALID */
export function uid(text: string): string {
  if (isUid(text)) return text;
  throw new ReclmisError('OPTION_INVALID', 'expected a UID: digits and dots, at most 64 characters');
}

/**
 * Pages until nothing new comes: servers may return fewer than asked for without a word, or ignore limit and offset. Entries without
 * their UID are an error: they could be neither fetched nor told apart.
 */
async function find<T>(
  pacs: PacsConnection,
  doing: string,
  path: string,
  filters: Filters,
  fields: readonly string[],
  limit: number,
  read: (one: DataSet) => { readonly key: string; readonly value: T },
): Promise<Found<T>> {
  const found = new Map<string, T>();
  const fixed = [...filterPairs(filters), ...fields.map((field) => `includefield=${field}`)];
  let isExtra = false;
  for (let offset = 0; ;) {
    const size = Math.min(PAGE, limit + 1 - found.size);
    const query = [...fixed, `limit=${size}`, `offset=${offset}`].join('&');
    const asked: ReturnType<typeof pacs.text> = pacs.text(
      { doing, path, query, accept: 'application/dicom+json' },
      JSON_TYPES,
    );
    const answer: Awaited<typeof asked> | null = await (isExtra ? asked.catch(nothingBehind) : asked);
    if (answer === null) return { found: [...found.values()], more: false };
    const page: readonly DataSet[] = answer.text.trim() === '' ? [] : parseDataSets(answer.text);
    const before = found.size;
    for (const one of page) {
      const { key, value } = read(one);
      if (key === '')
        throw new ReclmisError('PACS_INVALID', `${pacs.where}: ${doing}: an entry has no valid UID`);
      if (!found.has(key)) found.set(key, value);
    }
    offset += page.length;
    const saysMore = /\b299\b/.test(answer.headers.get('warning') ?? '');
    if (found.size > limit) return { found: [...found.values()].slice(0, limit), more: true };
    isExtra = page.length < size && !saysMore;
    if (found.size === before) return { found: [...found.values()], more: false };
  }
}

/** Some servers refuse to look behind their last entry. */
function nothingBehind(error: unknown): null {
  if (error instanceof ReclmisError && (error.code === 'PACS_MISSING' || error.code === 'PACS_FAILED'))
    return null;
  throw error;
}

function filterPairs(filters: Filters): string[] {
  return Object.entries(filters).map(([keyword, value]) => {
    if (!KEYWORD.test(keyword))
      throw new ReclmisError(
        'OPTION_INVALID',
        'a filter: expected a DICOM keyword such as PatientID, or a tag',
      );
    if (/\p{Cc}/u.test(value) || value.length > 1024)
      throw new ReclmisError('OPTION_INVALID', `the filter ${keyword}: expected a short text on one line`);
    return `${keyword}=${encodeURIComponent(value)}`;
  });
}
