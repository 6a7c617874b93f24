/** What the export menu does: files are written, read back and only then handed to the browser. */
import { drawRegions, ReclmisError, type Sides } from '@reclmis/core';
import type { ReviewedCase, Sink } from '../cases/dataset.js';
import type { FormatName, Obstacle } from '../outputs/formats.js';
import type { Subject } from '../outputs/subject.js';
import type { Review } from '../state/cases.js';
import { say } from '../strings.js';
import type { Services } from '../studio.js';

/** What is exported now; null if there is no mask. */
export async function subjectOf({ store, rasters, edits }: Services): Promise<Subject | null> {
  const { picture, result, model } = store.state;
  const { mask } = rasters;
  if (picture === null || result === null || mask === null || rasters.picture === null) return null;
  const { clinicalOf } = await import('../clinical-file.js');
  const { note, reading, threshold, confidence, warnings } = result;
  return {
    name: picture.name,
    image: rasters.picture.image,
    mask: { ...mask, data: mask.data.slice() }, // the user may draw on meanwhile
    clinical: await clinicalOf(rasters.picture.file, picture.frame),
    spacing: picture.spacing,
    spacingFrom: picture.spacingFrom,
    ends: ['R', 'L'],
    note: { text: note.text, sides: reading.sides, sent: reading.sent },
    model: model.status === 'ready' ? { name: model.info.name, precision: model.info.precision, device: model.info.device } : null, // prettier-ignore
    threshold,
    corrected: edits.isEdited,
    confidence,
    warnings,
  };
}

/** Why formats do not work for the open picture. */
export async function obstaclesOf({
  store,
  rasters,
}: Services): Promise<Partial<Record<FormatName, Obstacle>>> {
  const { picture } = store.state;
  if (picture === null || rasters.picture === null) return {};
  const [{ FORMAT, FORMATS }, { clinicalOf }] = await Promise.all([
    import('../outputs/formats.js'),
    import('../clinical-file.js'),
  ]);
  const clinical = await clinicalOf(rasters.picture.file, picture.frame);
  return Object.fromEntries(
    FORMATS.flatMap((name) => {
      const obstacle = FORMAT[name].obstacle({ clinical });
      return obstacle === null ? [] : [[name, obstacle]];
    }),
  );
}

/** Saves one format, or all of them as a ZIP. */
export async function exportAs(services: Services, what: FormatName | 'all'): Promise<void> {
  await told(services, async () => {
    const subject = await subjectOf(services);
    if (subject === null) return null;
    const { writeAll, writeOutput } = await import('../outputs/write.js');
    const { name, media, bytes } = await (what === 'all' ? writeAll(subject) : writeOutput(what, subject));
    download(name, new Blob([new Uint8Array(bytes)], { type: media }));
    return say('savedFile', { file: name });
  });
}

/** Saves the reviewed cases as a data set: a ZIP, or into a folder that the user chooses. */
export async function exportDataset(services: Services, into: 'zip' | 'folder'): Promise<void> {
  await told(services, async () => {
    const { writeDataset, ZipSink, FolderSink } = await import('../cases/dataset.js');
    const cases = await reviewedCases(services);
    const name = services.store.state.cases.folder ?? 'cases';
    let sink: Sink;
    let end: () => void = () => undefined;
    if (into === 'folder') {
      const folder = await chosenFolder();
      if (folder === null) return null;
      sink = new FolderSink(folder);
    } else {
      const zip = new ZipSink();
      sink = zip;
      end = () => download(`${name}-reviewed.zip`, zip.end());
    }
    const { cases: count, withoutNote } = await writeDataset(cases, sink);
    end();
    const without =
      withoutNote.length === 0 ? '' : ` ${say('savedWithoutNote', { count: withoutNote.length })}`;
    return say('savedDataset', { count }) + without;
  });
}

/** Cases that were accepted or corrected. @throws IMAGE_MISSING if a case's folder was not opened again */
async function reviewedCases({ store, cases }: Services): Promise<ReviewedCase[]> {
  const { clinicalOf } = await import('../clinical-file.js');
  const { displayedPixels } = await import('@reclmis/clinical');
  const { items, reviews, work } = store.state.cases;
  const { model } = store.state;
  const learnt = model.status === 'ready' && model.info.sides !== 'unknown' ? model.info.sides : null;
  return items.flatMap((item): ReviewedCase[] => {
    const review = reviews[item.id];
    if (!isKept(review)) return [];
    const file = async (): Promise<File> => {
      const files = cases.filesOf(item.id);
      if (files === null)
        throw new ReclmisError('IMAGE_MISSING', `${item.id}: its folder was not opened again`);
      return files.image.file();
    };
    const { note, width, height, mask } = review;
    const sides: Sides | null = note.sides ?? learnt;
    return [
      {
        ...{
          id: item.id,
          note: note.text,
          sides,
          spacing: item.spacing,
          patient: item.patient,
          split: item.split,
        },
        mask: drawRegions([{ kind: 'rle', counts: mask ?? '' }], width, height),
        image: async () => new Uint8Array(await (await file()).arrayBuffer()),
        pixels: async () => {
          const clinical = await clinicalOf(await file(), work[item.id]?.frame ?? 0);
          if (clinical === null)
            throw new ReclmisError('IMAGE_UNSUPPORTED', `${item.id}: is no image that can be saved`);
          return displayedPixels(clinical);
        },
      },
    ];
  });
}

export const isKept = (review: Review | undefined): review is Review =>
  review !== undefined && review.judgement !== 'skipped' && review.mask !== null;

type Picker = (options: object) => Promise<FileSystemDirectoryHandle>;
const picker = (): Picker | undefined => (globalThis as { showDirectoryPicker?: Picker }).showDirectoryPicker;

/** Whether the browser can write into a folder. */
export const canChooseFolder = (): boolean => picker() !== undefined;

/** Null: the user changed their mind. */
async function chosenFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return (await picker()?.({ mode: 'readwrite', id: 'reclmis' })) ?? null;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    throw error;
  }
}

/** Says how it went. */
async function told({ store }: Services, work: () => Promise<string | null>): Promise<void> {
  store.dispatch({ type: 'panel/set', panel: { menu: null } });
  try {
    const text = await work();
    if (text !== null) store.dispatch({ type: 'saved/set', saved: { text, failed: false } });
  } catch (error) {
    const text =
      error instanceof ReclmisError && error.code === 'OUTPUT_DIFFERS'
        ? `${error.message}. ${say('pleaseReport')}`
        : say('notSaved', { message: error instanceof Error ? error.message : String(error) });
    store.dispatch({ type: 'saved/set', saved: { text, failed: true } });
  }
}

function download(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // browsers read it after the click
}
