/** The models of `reclmis predict`: exported models or run folders, told apart by their files. */
import { existsSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import {
  FlippingSegmenter,
  MANIFEST_FILE,
  ReclmisError,
  type ResultChecks,
  sharedThreshold,
  SidedSegmenter,
  type Sides,
} from '@reclmis/core';
import { IMAGE_EXTENSIONS } from '@reclmis/files';
import {
  describeMirrored,
  type ModelIdentity,
  type PlaneSegmenter,
  sidedNotes,
  type SidedNotes,
} from '@reclmis/predict';
import type { EngineChoice, LoadedSource, ModelSource } from './model-source.js';

/**
 * @throws RUN_MISSING, RUN_INVALID, MODEL_MISSING, MODEL_INVALID, OPTION_INVALID for an image (an unquoted
 * pattern)
 */
export async function openModel(dir: string): Promise<ModelSource> {
  if (existsSync(join(dir, MANIFEST_FILE))) {
    const { openExported } = await import('./open-exported.js');
    return openExported(dir);
  }
  if (
    IMAGE_EXTENSIONS.has(extname(dir).toLowerCase()) &&
    statSync(dir, { throwIfNoEntry: false })?.isFile()
  ) {
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
  /** What to know about these notes and models. */
  notices(notes: Iterable<string>): string[];
}

/** Models that were opened but not loaded. */
export interface ModelSources {
  /** Whether any does. */
  readonly readsNotes: boolean;
  notes(asked?: Sides): SidedNotes;
  /**
   * @param flips also segment mirror images
   * @param notes from `notes` @throws OPTION_INVALID if two models are the same or thresholds differ
   */
  load(choice: EngineChoice, flips: boolean, notes: SidedNotes): Promise<LoadedModels>;
}

/** Folders of either kind. @throws as `openModel` */
export async function openModels(dirs: readonly string[]): Promise<ModelSources> {
  const sources: ModelSource[] = [];
  for (const dir of dirs) sources.push(await openModel(dir));
  return {
    readsNotes: sources.some(({ readsNotes }) => readsNotes),
    notes: (asked) =>
      sidedNotes(
        sources.map(({ readsNotes, sides }, i) => ({ dir: dirs[i] ?? '', readsNotes, sides })),
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
          const own = new SidedSegmenter(segmenter, sources[i]?.sides ?? 'unknown', notes.given);
          return flips ? new FlippingSegmenter(own) : own;
        });
        return {
          segmenters,
          threshold: sharedThreshold(segmenters),
          model: identityOf(
            loaded.map(({ model }) => model),
            flips,
          ),
          versions: Object.assign({}, ...loaded.map(({ versions }) => versions)) as LoadedSource['versions'],
          engine: loaded.length === 1 ? (loaded[0]?.engine ?? {}) : loaded.map(({ engine }) => engine),
          checks: loaded.map(({ checks }) => checks),
          notices: (given) => {
            const sided = [...given].map((note) => notes.of(note));
            return [...new Set([...loaded.flatMap((one) => one.notices()), ...describeMirrored(sided)])];
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
