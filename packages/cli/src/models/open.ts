/** The models of `reclmis predict`: exported models or run folders, told apart by their files. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AskedNote,
  FlippingSegmenter,
  MANIFEST_FILE,
  noteForMirror,
  readBy,
  ReclmisError,
  type ResultChecks,
  RewordingSegmenter,
  sharedThreshold,
  type Vocabulary,
  type WindowChoice,
} from '@reclmis/core';
import { imageExtension } from '@reclmis/files';
import {
  describeChanged,
  describeUnflipped,
  type ModelIdentity,
  type ModelNotes,
  notesForModels,
  type PlaneSegmenter,
} from '@reclmis/predict';
import type { EngineChoice, LoadedSource, ModelSource } from './model-source.js';
import type { ModelPlace } from './place.js';
import { sharedWindow } from './shared-window.js';

/** Eight take twice the memory to save 5 to 10 % of the time: docs/measurements/clinical.md. */
const BATCH_ON_CPU = 2;
/** Small ones leave a GPU idle. */
const BATCH_ON_GPU = 8;

/**
 * @throws RUN_MISSING, RUN_INVALID, MODEL_MISSING, MODEL_INVALID, OPTION_INVALID for an image (an unquoted
 * pattern)
 */
export async function openModel({ folder: dir, origin }: ModelPlace): Promise<ModelSource> {
  if (existsSync(join(dir, MANIFEST_FILE))) {
    const { openExported } = await import('./open-exported.js');
    return openExported(dir, origin);
  }
  if (imageExtension(dir) !== '' && statSync(dir, { throwIfNoEntry: false })?.isFile()) {
    throw new ReclmisError('OPTION_INVALID', `${dir}: expected a model’s folder, found an image`, {
      remedy: 'Put the pattern in quotes, --image "scans/*.png", so that the shell passes it on unexpanded.',
    });
  }
  if (existsSync(dir) && !existsSync(join(dir, 'config.yaml'))) {
    throw new ReclmisError(
      'MODEL_MISSING',
      `${dir}: expected manifest.json (of an exported model) or config.yaml (of a run), found neither`,
      { remedy: 'Give a folder written by `reclmis export` or `reclmis train`.' },
    );
  }
  const { openRunFolder } = await import('./open-run.js');
  return openRunFolder(dir);
}

export interface LoadedModels extends Omit<LoadedSource, 'segmenter' | 'engine' | 'checks' | 'notices'> {
  readonly segmenters: readonly PlaneSegmenter[];
  readonly threshold: number;
  readonly checks: readonly ResultChecks[];
  /** Device, precision and so on; by member if several. */
  readonly engine: object;
  /** Images at once that suit the device. */
  readonly batchSize: number;
  /** What to know about these notes and models. */
  notices(notes: Iterable<string>): string[];
}

/** Models that were opened but not loaded. */
export interface ModelSources {
  /** Whether any does. */
  readonly readsNotes: boolean;
  /** The window in which all saw DICOM and NIfTI. @throws OPTION_INVALID if they differ */
  window(): WindowChoice | undefined;
  notes(asked?: AskedNote): ModelNotes;
  /**
   * @param flips also segment mirror images
   * @param notes from `notes` @throws OPTION_INVALID if two models are the same or thresholds differ
   */
  load(choice: EngineChoice, flips: boolean, notes: ModelNotes): Promise<LoadedModels>;
}

/** Folders of either kind. @param vocabulary of the notes; default: as recorded. @throws as `openModel` */
export async function openModels(
  places: readonly ModelPlace[],
  vocabulary?: Vocabulary,
): Promise<ModelSources> {
  const dirs = places.map(({ folder }) => folder);
  const sources: ModelSource[] = [];
  for (const place of places) {
    const source = await openModel(place);
    sources.push(vocabulary ? { ...source, habits: readBy(source.habits, vocabulary) } : source);
  }
  return {
    readsNotes: sources.some(({ readsNotes }) => readsNotes),
    window: () => sharedWindow(sources),
    notes: (asked) =>
      notesForModels(
        sources.map(({ readsNotes, habits }, i) => ({ dir: dirs[i] ?? '', readsNotes, habits })),
        asked,
      ),
    async load(choice, flips, notes) {
      const loaded: LoadedSource[] = [];
      const dispose = async (): Promise<void> => {
        for (const one of loaded) await one.dispose();
      };
      try {
        for (const source of sources) loaded.push(await source.load(choice));
        refuseTwins(dirs, loaded);
        const segmenters = loaded.map(({ segmenter }, i) => {
          // Reworded before flips: a mirror image needs its note in words that can be mirrored.
          const own = flips
            ? new FlippingSegmenter(segmenter, (text) => mirrorOf(sources[i], text))
            : segmenter;
          return new RewordingSegmenter(own, (note) => notes.of(note).each[i]?.text ?? note);
        });
        /** About notes whose mirror images are not segmented. */
        const unflipped = (given: readonly string[]): string[] => {
          const fixed = given.filter((note) =>
            notes.of(note).each.some(({ text }, i) => mirrorOf(sources[i], text) === null),
          ).length;
          return fixed === 0 ? [] : [describeUnflipped(fixed, given.length)];
        };
        return {
          segmenters,
          threshold: sharedThreshold(segmenters),
          model: identityOf(
            loaded.map(({ model }) => model),
            flips,
          ),
          versions: Object.assign({}, ...loaded.map(({ versions }) => versions)) as LoadedSource['versions'],
          engine: loaded.length === 1 ? (loaded[0]?.engine ?? {}) : loaded.map(({ engine }) => engine),
          batchSize: loaded.every(({ engine }) => engine.device === 'cpu') ? BATCH_ON_CPU : BATCH_ON_GPU,
          checks: loaded.map(({ checks }) => checks),
          // Fitted on the model's own answers, so not for a mean.
          confidence: loaded.length === 1 && !flips ? (loaded[0]?.confidence ?? null) : null,
          notices: (all) => {
            const given = [...all];
            const read = given.map((note) => {
              const { sides, mirrored, style } = notes.of(note);
              return { sides, mirrored, style };
            });
            const told = [...loaded.flatMap((one) => one.notices()), ...describeChanged(read)];
            if (flips) told.push(...unflipped(given));
            return [...new Set(told)];
          },
          dispose,
        };
      } catch (error) {
        await dispose();
        throw error;
      }
    },
  };
}

/** The note for a model's mirror image, null if it cannot be exchanged; models that read none get it as it is. */
function mirrorOf(source: ModelSource | undefined, text: string): string | null {
  return source?.readsNotes ? noteForMirror(text, source.habits) : text;
}

/** A model given twice would count twice. */
function refuseTwins(dirs: readonly string[], loaded: readonly LoadedSource[]): void {
  const marks = loaded.map(({ model }) => model.files.map(({ sha256 }) => sha256).join());
  const twin = marks.findIndex((mark, i) => marks.indexOf(mark) !== i);
  if (twin < 0) return;
  const first = dirs[marks.indexOf(marks[twin] ?? '')];
  throw new ReclmisError(
    'OPTION_INVALID',
    `${dirs[twin]}: the same model as ${first}; expected different ones`,
  );
}

function identityOf(members: readonly ModelIdentity[], flips: boolean): ModelIdentity {
  const [first] = members;
  const flipped = flips ? { flips: true as const } : {};
  if (first && members.length === 1) return { ...first, ...flipped };
  return {
    kind: 'average',
    name: members.map(({ name }) => name).join(' + '),
    files: members.flatMap(({ name, files }) =>
      files.map((file) => ({ ...file, name: `${name}/${file.name}` })),
    ),
    ...flipped,
    members,
  };
}
