/** Which studies and series a command means. */
import type { Filters, FoundSeries, Pacs } from '@reclmis/clinical';
import { defined, ReclmisError } from '@reclmis/core';
import type { Command } from 'commander';

export interface StudyFlags {
  readonly study?: string;
  readonly patientId?: string;
  readonly patientName?: string;
  readonly accession?: string;
  readonly date?: string;
  readonly modality?: string;
}

export interface SeriesFlags extends StudyFlags {
  readonly series?: string;
}

/** Objects that describe images instead of being some: segmentations, reports, presentation states, plans. */
const NO_IMAGES = new Set(
  'SEG SR PR KO DOC AU ECG EPS HD REG FID RWV STAIN SMR TEXTUREMAP PLAN RTDOSE RTPLAN RTRECORD RTSTRUCT'.split(
    ' ',
  ),
);
const STUDIES = 100;
const SERIES = 1_000;

export function withStudyOptions(command: Command): Command {
  return command
    .option('--study <uid>', 'Study Instance UID')
    .option('--patient-id <id>', 'patient ID; * and ? stand for any letters')
    .option('--patient-name <name>', 'patient’s name as DICOM writes it, such as "Doe^J*"')
    .option('--accession <number>', 'accession number')
    .option('--date <date>', 'study date, YYYYMMDD, or a range such as 20260101-20260131')
    .option('--modality <name>', 'modality, such as CR, DX or CT');
}

export function withSeriesOptions(command: Command): Command {
  return withStudyOptions(command).option('--series <uid>', 'Series Instance UID');
}

/** As a search for studies takes them. */
export function studyFilters(flags: StudyFlags): Filters {
  return defined({
    StudyInstanceUID: flags.study,
    PatientID: flags.patientId,
    PatientName: flags.patientName,
    AccessionNumber: flags.accession,
    StudyDate: flags.date,
    ModalitiesInStudy: flags.modality,
  });
}

/** Series of a study, of one modality if that is given. */
export async function seriesOf(
  pacs: Pacs,
  study: string,
  modality?: string,
): Promise<readonly FoundSeries[]> {
  const filters: Filters = modality === undefined ? {} : { Modality: modality };
  const { found, more } = await pacs.series(study, filters, SERIES);
  if (more) throw new ReclmisError('PACS_INVALID', `${pacs.where}: a study has more than ${SERIES} series`);
  return found;
}

/** A series by its UIDs. */
export interface Chosen {
  readonly study: string;
  readonly series: string;
}

/**
 * The one series that is meant: of the studies found, those with images.
 * @throws PACS_MISSING if there is none, OPTION_INVALID if there are several
 */
export async function oneSeries(pacs: Pacs, flags: SeriesFlags): Promise<Chosen> {
  const { study, series, modality } = flags;
  if (study !== undefined && series !== undefined) return { study, series };
  const filters = studyFilters(flags);
  if (series === undefined && Object.keys(filters).length === 0)
    throw new ReclmisError(
      'OPTION_INVALID',
      'no series: expected --study and --series, or what to search by',
    );
  const candidates =
    series === undefined
      ? await candidatesOf(pacs, filters, modality)
      : (await pacs.series(null, { SeriesInstanceUID: series }, SERIES)).found;
  const [only] = candidates;
  if (only === undefined)
    throw new ReclmisError('PACS_MISSING', `${pacs.where}: no series with images matches`);
  if (candidates.length > 1)
    throw new ReclmisError(
      'OPTION_INVALID',
      `${pacs.where}: ${candidates.length} series match, expected one`,
      { remedy: 'List them with `reclmis pacs find`, and name one with --study and --series.' },
    );
  return { study: only.study, series: only.series };
}

async function candidatesOf(
  pacs: Pacs,
  filters: Filters,
  modality: string | undefined,
): Promise<readonly FoundSeries[]> {
  const { found: studies, more } = await pacs.studies(filters, STUDIES);
  if (more)
    throw new ReclmisError(
      'OPTION_INVALID',
      `${pacs.where}: more than ${STUDIES} studies match, expected one series`,
    );
  const all: FoundSeries[] = [];
  for (const { study } of studies) all.push(...(await seriesOf(pacs, study, modality)));
  return modality === undefined ? all.filter((one) => !NO_IMAGES.has(one.modality.toUpperCase())) : all;
}
