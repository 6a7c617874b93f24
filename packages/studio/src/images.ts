/** Images in: file dialog, drop, paste, samples. Several files, and folders, are lists of cases. */
import { PLACES } from './places.js';
import type { Services } from './studio.js';

export interface Sample {
  readonly file: string;
  readonly name: string;
  /** A note about it, in the patient's sides. */
  readonly note: string;
  /** Such as "Two areas, upper left and lower right lung". */
  readonly about: string;
}

/** Opens files: one as a case of its own, several and folders as a list. */
export function openFiles({ cases }: Services, files: Iterable<File>): void {
  void cases.openFiles([...files]);
}

/** Files of a drop or paste. */
export function filesOf(data: DataTransfer | null): File[] {
  if (data === null) return [];
  return [...data.items].flatMap((item) => {
    const file = item.kind === 'file' ? item.getAsFile() : null;
    return file === null ? [] : [file];
  });
}

/** The samples next to the page; none if there are none. */
export async function loadSamples(): Promise<readonly Sample[]> {
  const response = await fetch(new URL(`${PLACES.samples}samples.json`, document.baseURI));
  if (!response.ok) return [];
  return (await response.json()) as readonly Sample[];
}

/** Whether the page was served with a second model. */
export async function hasSecondModel(): Promise<boolean> {
  const response = await fetch(new URL(`${PLACES.samples}models.json`, document.baseURI)).catch(() => null);
  if (response?.ok !== true) return false;
  return ((await response.json()) as { readonly models: number }).models > 1;
}

export const sampleAddress = ({ file }: Sample): string =>
  new URL(PLACES.samples + encodeURIComponent(file), document.baseURI).href;

/** With its own note, unless the user has written one. */
export async function openSample({ cases, store }: Services, sample: Sample): Promise<void> {
  const response = await fetch(sampleAddress(sample));
  const blob = await response.blob();
  const blank = store.state.note.text.trim() === '';
  cases.add(blob, sample.name, blank ? { text: sample.note, sides: 'patient' } : null);
}

/** Opens another slice of the picture's file; the note stays. */
export function openFrame({ engine, store, rasters }: Services, frame: number): void {
  const { picture, note } = store.state;
  if (picture !== null && rasters.picture !== null)
    engine.open(rasters.picture.file, picture.name, note, frame);
}
