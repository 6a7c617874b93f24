/** What a PACS has, as tables. */
import type { FoundSeries, FoundStudy } from '@reclmis/clinical';
import { formatTable, right } from '../table.js';
import { lineWidth } from '../terminal.js';

const count = (value: number | null): string => (value === null ? '' : String(value));

export function describeStudies(studies: readonly FoundStudy[]): string {
  return formatTable(
    [
      { title: 'study' },
      { title: 'date' },
      { title: 'patient' },
      { title: 'ID' },
      { title: 'modalities' },
      { title: 'description' },
      right('series'),
      right('images'),
    ],
    studies.map(({ study, date, patientName, patientId, modalities, description, series, instances }) => [
      ...[study, date, patientName, patientId, modalities.join(' '), description],
      ...[count(series), count(instances)],
    ]),
    lineWidth(),
  );
}

export function describeSeries(series: readonly FoundSeries[]): string {
  return formatTable(
    [
      { title: 'series' },
      right('number'),
      { title: 'modality' },
      { title: 'body part' },
      { title: 'description' },
      right('images'),
    ],
    series.map(({ series: uid, number, modality, bodyPart, description, instances }) => [
      ...[uid, count(number), modality, bodyPart, description, count(instances)],
    ]),
    lineWidth(),
  );
}
