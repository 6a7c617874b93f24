/** What POST /segment answers with, by the request's Accept (RFC 9110, 12.5.1): figures, or the mask as a file. */
import type { DisplayedFrame } from '@reclmis/clinical';
import { DESCRIBED_REGION, type Mask, ReclmisError } from '@reclmis/core';
import Negotiator from 'negotiator';

/** The default first. Parameters count in a match, and some clients ask for JSON with a charset. */
const TYPES = {
  'image/png': 'png',
  'application/json': 'json',
  'application/json; charset=utf-8': 'json',
  'application/dicom': 'seg',
  'application/x-nifti': 'nifti',
  'application/x-nrrd': 'nrrd',
  'application/geo+json': 'geojson',
} as const;
export type Answer = (typeof TYPES)[keyof typeof TYPES];
/** The mask as a file other than a picture. */
export type MaskFormat = Exclude<Answer, 'png' | 'json'>;

/** What an Accept header wants most; without one, a picture. @throws ACCEPT_UNSUPPORTED */
export function answerWanted(accept: string | undefined): Answer {
  if (accept === undefined || accept.trim() === '') return 'png';
  const types = Object.keys(TYPES) as (keyof typeof TYPES)[];
  const chosen = new Negotiator({ headers: { accept } }).mediaType(types);
  const found = types.find((type) => type === chosen);
  if (found !== undefined) return TYPES[found];
  const known = types.filter((type) => !type.includes(';'));
  throw new ReclmisError(
    'ACCEPT_UNSUPPORTED',
    `Accept: expected one of ${known.join(', ')}; got none of them`,
  );
}

/**
 * Refuses what an image cannot give, before the model runs.
 * @throws REQUEST_INVALID for a SEG of anything but DICOM, and for volumes of pictures
 */
export function checkAnswer(answer: Answer, clinical: DisplayedFrame | undefined): void {
  const remedy = 'Ask for image/png, application/geo+json or application/json.';
  if (answer === 'seg' && clinical?.source.format !== 'dicom')
    throw new ReclmisError(
      'REQUEST_INVALID',
      'Accept: a DICOM SEG refers to a DICOM image, and this is none',
      {
        remedy: `Send a DICOM file. ${remedy}`,
      },
    );
  if ((answer === 'nifti' || answer === 'nrrd') && !clinical)
    throw new ReclmisError(
      'REQUEST_INVALID',
      'Accept: NIfTI and NRRD hold the place of a DICOM or NIfTI image, and this is a picture',
      { remedy: `Send a DICOM or NIfTI file. ${remedy}` },
    );
}

export interface MaskFile {
  readonly type: string;
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * A mask as a file. Of a volume's slice, NIfTI and NRRD hold that slice alone, in its place.
 * @param mask on the pixels as stored. @param model its name
 */
export async function maskFile(
  format: MaskFormat,
  mask: Mask,
  clinical: DisplayedFrame | undefined,
  model: string,
): Promise<MaskFile> {
  const { algorithmName, gridOfFrame, outlinesGeoJson, segSourceOf, writeNifti, writeNrrd, writeSeg } = await import('@reclmis/clinical'); // prettier-ignore
  const { label, colour } = DESCRIBED_REGION;
  if (format === 'geojson') {
    const pixel = clinical?.source.geometryOf(clinical.frame).pixel ?? null;
    const one = { frame: (clinical?.frame ?? 0) + 1, segment: label, value: 1, mask, pixel };
    const text = [...outlinesGeoJson([one])].join('');
    return { type: 'application/geo+json', name: 'mask.geojson', bytes: Buffer.from(text) };
  }
  if (!clinical) throw new ReclmisError('INTERNAL', 'checkAnswer lets no picture pass');
  const { source, frame } = clinical;
  if (format === 'seg') {
    if (source.format !== 'dicom') throw new ReclmisError('INTERNAL', 'checkAnswer lets only DICOM pass');
    const { bytes } = writeSeg({
      sources: [segSourceOf(source, frame)],
      segments: [{ ...DESCRIBED_REGION, frames: [mask] }],
      algorithm: algorithmName(model),
    });
    return { type: 'application/dicom', name: 'mask.dcm', bytes: Buffer.from(bytes) };
  }
  const grid = gridOfFrame(source, frame);
  if (format === 'nifti')
    return { type: 'application/x-nifti', name: 'mask.nii.gz', bytes: Buffer.from(writeNifti([mask], grid)) };
  const bytes = writeNrrd([mask], [{ name: label, value: 1, colour }], grid);
  return { type: 'application/x-nrrd', name: 'mask.seg.nrrd', bytes: Buffer.from(bytes) };
}
