/** Files of a case, each read back and compared pixel by pixel before anyone gets it. */
import { oneLine, ReclmisError } from '@reclmis/core';
import { unzipSync, zipSync } from 'fflate';
import { FORMAT, type FormatName, FORMATS } from './formats.js';
import { stemOf } from './stem.js';
import type { Subject } from './subject.js';

export interface OutputFile {
  readonly name: string;
  readonly media: string;
  readonly bytes: Uint8Array;
}

/**
 * A file of one format.
 * @throws OUTPUT_DIFFERS if it differs when read back; the codes of its writer
 */
export async function writeOutput(name: FormatName, subject: Subject): Promise<OutputFile> {
  const { ending, media, write } = FORMAT[name];
  const file = `${stemOf(subject.name)}${ending}`;
  const bytes = write(subject);
  await assertSame(name, file, bytes, subject);
  return { name: file, media, bytes };
}

/** @throws OUTPUT_DIFFERS */
export async function assertSame(name: FormatName, file: string, bytes: Uint8Array, subject: Subject): Promise<void> {
  let why = 'its pixels are others';
  try {
    if (await FORMAT[name].isSame(bytes, subject)) return;
  } catch (error) {
    why = oneLine(error);
  }
  throw new ReclmisError('OUTPUT_DIFFERS', `${file} differs when read back, so it was not saved (${why})`);
}

/** All formats that work for a picture, in one ZIP. @throws OUTPUT_DIFFERS; the codes of the writers */
export async function writeAll(subject: Subject): Promise<OutputFile> {
  const files: OutputFile[] = [];
  for (const name of FORMATS)
    if (FORMAT[name].obstacle(subject) === null) files.push(await writeOutput(name, subject));
  return zipped(`${stemOf(subject.name)}.zip`, files);
}

/** Files as a ZIP, unpacked again and compared. @throws OUTPUT_DIFFERS; OPTION_INVALID for two files of one name */
export function zipped(name: string, files: readonly Pick<OutputFile, 'name' | 'bytes'>[]): OutputFile {
  const names = new Set(files.map((file) => file.name));
  if (names.size < files.length)
    throw new ReclmisError('OPTION_INVALID', `${name}: expected files of different names`);
  const bytes = zipSync(
    Object.fromEntries(files.map((file) => [file.name, [file.bytes, { level: isPacked(file.name) ? 0 : 6 }]])),
  );
  const back = unzipSync(bytes);
  for (const file of files) {
    const found = back[file.name];
    if (found?.length === file.bytes.length && found.every((byte, i) => byte === file.bytes[i])) continue;
    throw new ReclmisError('OUTPUT_DIFFERS', `${name} differs when read back, so it was not saved (${file.name})`);
  }
  return { name, media: 'application/zip', bytes };
}

const isPacked = (name: string): boolean => /\.(?:png|jpe?g|gz|nrrd)$/iu.test(name);
