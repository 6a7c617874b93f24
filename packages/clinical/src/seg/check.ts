/** What `writeSeg` refuses, before it writes anything. No message repeats a label or description. */
import { ReclmisError } from '@reclmis/core';
import type { Code, SegOptions } from './types.js';

const invalid = (why: string): ReclmisError => new ReclmisError('OPTION_INVALID', `writeSeg: ${why}`);

/** @throws OPTION_INVALID, MASK_SIZE_MISMATCH, IMAGE_UNSUPPORTED for a source without UIDs; @returns the frames' size */
export function checkSeg(options: SegOptions): { readonly width: number; readonly height: number } {
  const { sources, segments, algorithm, contentLabel, contentDescription, seriesDescription } = options;
  checkSources(options);
  if (segments.length === 0 || segments.length > 65_535)
    throw invalid(`expected 1 to 65535 segments, got ${segments.length}`);
  checkText(algorithm, 64, 'the algorithm’s name');
  if (contentLabel !== undefined && !/^[A-Z0-9_][A-Z0-9_ ]{0,15}$/u.test(contentLabel))
    throw invalid('expected a content label of at most 16 capitals, digits, spaces and underscores');
  if (contentDescription !== undefined) checkText(contentDescription, 64, 'the content description');
  if (seriesDescription !== undefined) checkText(seriesDescription, 64, 'the series description');
  for (const number of [options.seriesNumber, options.instanceNumber])
    if (number !== undefined && !(Number.isInteger(number) && number >= 0 && number < 2 ** 31))
      throw invalid(`expected series and instance numbers from 0, got ${number}`);
  if (options.series !== undefined && !/^[\d.]{1,64}$/u.test(options.series))
    throw invalid('expected a UID as the series');
  segments.forEach((segment, i) => {
    const where = `segment ${i + 1}`;
    checkText(segment.label, 64, `the label of ${where}`);
    if (segment.description !== undefined)
      checkText(segment.description, 1024, `the description of ${where}`, true);
    for (const code of [segment.category, segment.type, segment.region])
      if (code !== undefined) checkCode(code, where);
    if (segment.frames.length !== sources.length)
      throw invalid(`${where} has ${segment.frames.length} frames, expected one for each of ${sources.length} sources`); // prettier-ignore
  });
  return checkFrames(options);
}

function checkSources({ sources }: SegOptions): void {
  const [first] = sources;
  if (first === undefined) throw invalid('expected at least one source');
  for (const { source, frame, frames } of sources) {
    if ([source.sopClass, source.sopInstance, source.study, source.series].some((uid) => uid === ''))
      throw new ReclmisError(
        'IMAGE_UNSUPPORTED',
        'the image lacks a UID of its class, instance, series or study, to which a SEG must refer',
        { remedy: 'Write the mask as PNG, NIfTI or NRRD instead.' },
      );
    if (source.study !== first.source.study) throw invalid('the sources belong to several studies');
    if (!Number.isInteger(frame) || frame < 0 || frame >= frames)
      throw invalid(`expected a source frame from 0 to ${frames - 1}, got ${frame}`);
  }
}

function checkFrames({ segments, kind }: SegOptions): { readonly width: number; readonly height: number } {
  const first = segments.flatMap(({ frames }) => frames).find((frame) => frame !== null);
  if (first === undefined) throw invalid('expected at least one frame: write empty masks as frames of zeros');
  const { width, height } = first;
  if (![width, height].every((side) => Number.isInteger(side) && side >= 1 && side <= 65_535))
    throw invalid(`expected frames of 1 to 65535 pixels a side, got ${width} x ${height}`);
  const most = kind === 'fractional' ? 255 : 1;
  segments.forEach(({ frames }, s) => {
    frames.forEach((frame, f) => {
      if (frame === null) return;
      if (frame.width !== width || frame.height !== height || frame.data.length !== width * height)
        throw new ReclmisError(
          'MASK_SIZE_MISMATCH',
          `writeSeg: frame ${f + 1} of segment ${s + 1} has ${frame.width} x ${frame.height} pixels and ${frame.data.length} values, expected ${width} x ${height} with one each`,
        );
      if (largest(frame.data) > most)
        throw invalid(`frame ${f + 1} of segment ${s + 1} has values above ${most}`);
    });
  });
  return { width, height };
}

/** A loop: `some` calls a function for each of a volume's many million pixels. */
function largest(data: Uint8Array): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) if (data[i]! > most) most = data[i]!;
  return most;
}

function checkCode({ value, scheme, meaning }: Code, where: string): void {
  checkText(value, 16, `a code’s value of ${where}`);
  checkText(scheme, 16, `a code’s scheme of ${where}`);
  checkText(meaning, 64, `a code’s meaning of ${where}`);
}

/** A backslash would begin a second value; of control characters, texts (ST) may have line breaks. */
function checkText(text: string, most: number, what: string, isLong = false): void {
  const length = [...text].length;
  const refused = isLong ? /[^\P{Cc}\n\r]/u : /[\\\p{Cc}]/u;
  if (text.trim() === '' || length > most || refused.test(text))
    throw invalid(
      `expected ${what} to have 1 to ${most} characters, without ${isLong ? '' : 'backslash and '}control characters, got ${length}`,
    );
}
