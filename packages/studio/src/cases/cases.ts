/**
 * The cases at work: opens them one after the other, keeps what each was left with, and what was decided. Its list is plain
 * data in the state; the files are here.
 */
import { drawRegions, encodeRuns, maskRuns, ReclmisError, score } from '@reclmis/core';
import type { Edits } from '../edit/edits.js';
import type { Engine } from '../engine/engine.js';
import type { Rasters } from '../rasters.js';
import { type CaseItem, neighbour, search } from '../state/case-order.js';
import { type CasesState, type Judgement, type Work, workOf } from '../state/cases.js';
import type { Note, Studio } from '../state/state.js';
import type { Store } from '../state/store.js';
import { type Folder, folderOfList } from './entries.js';
import { type CaseFiles, findCases } from './find-cases.js';
import { type Mark, markOf, Marks } from './marks.js';

/** Ids of the list as it is shown: sorted, and searched. */
export function shownCases({ cases }: Pick<Studio, 'cases'>): string[] {
  const byId = new Map(cases.items.map((item) => [item.id, item]));
  return search(byId, cases.order, cases.query);
}

const PICTURE = /\.(?:png|jpe?g|dcm|dicom|nii|nii\.gz)$/iu;

export class Cases {
  private files = new Map<string, CaseFiles>();
  /** What the case that is being opened was left with. */
  private waiting: Work | null = null;
  private count = 0;
  private readonly marks = new Marks();

  constructor(
    private readonly store: Store,
    private readonly rasters: Rasters,
    private readonly engine: Engine,
    private readonly edits: Edits,
  ) {
    store.subscribe((state, _before, action) => {
      if (action.type === 'picture/opened') this.opened();
      else if (action.type === 'result/found' || action.type === 'edit/measured') this.measure(state);
    });
  }

  /** Files of a case; null if its folder was not opened again. */
  filesOf(id: string): CaseFiles | null {
    return this.files.get(id) ?? null;
  }

  /** The mask of a case as last seen here, small; null if there was none. */
  markOf(id: string): Mark | null {
    const found = this.marks.get(id);
    const review = this.store.state.cases.reviews[id];
    if (found !== null || review?.mask == null) return found;
    const { width, height, mask: counts } = review;
    const mark = markOf(drawRegions([{ kind: 'rle', counts }], width, height));
    this.marks.set(id, mark);
    return mark;
  }

  /** Opens files: a folder's or several as a list, a single one as a case of its own. */
  async openFiles(files: readonly File[]): Promise<void> {
    const [first] = files;
    if (first === undefined) return;
    if (files.length === 1 && first.webkitRelativePath === '') this.add(first, first.name, null);
    else {
      const name = first.webkitRelativePath.split('/')[0] ?? '';
      await this.openFolder(name, Promise.resolve(files).then(folderOfList));
    }
  }

  /** Lists a folder's cases and opens the first. Tells the user what is wrong with it. */
  async openFolder(shownName: string, folder: Folder | Promise<Folder>): Promise<void> {
    const { store } = this;
    store.dispatch({ type: 'picture/reading', name: shownName });
    try {
      const { name, items, files, problems } = await findCases(await folder);
      this.leave();
      this.files = new Map(files);
      this.marks.clear();
      store.dispatch({ type: 'cases/found', folder: name, items, problems });
      const { order, reviews } = store.state.cases;
      const next = order.find((id) => reviews[id] === undefined) ?? order[0];
      if (next !== undefined) await this.open(next);
    } catch (error) {
      const known = error instanceof ReclmisError;
      const failure = {
        code: known ? error.code : 'INTERNAL',
        message: known ? error.message : String(error),
      };
      store.dispatch({ type: 'picture/failed', failure });
    }
  }

  /** Goes on with a kept list. @param files those that were kept, by id */
  async restore(cases: CasesState, files: ReadonlyMap<string, Blob>): Promise<void> {
    for (const [id, blob] of files) {
      const file = new File([blob], id.replace(/^.*\//u, ''));
      this.files.set(id, { image: { path: id, file: () => Promise.resolve(file) }, truth: null });
    }
    this.count = cases.items.length;
    this.store.dispatch({ type: 'cases/restored', cases: { ...cases, current: null, shown: null } });
    const at = cases.shown ?? cases.current;
    if (at !== null) await this.open(at);
  }

  /** Adds an image to the list and opens it. */
  add(file: Blob, name: string, note: Note | null): void {
    this.count += 1;
    const id = this.files.has(name) ? `${name}#${this.count}` : name;
    const image = { path: id, file: () => Promise.resolve(new File([file], name)) };
    this.files.set(id, { image, truth: null });
    const item: CaseItem = {
      ...{ id, name: name.replace(PICTURE, ''), note: note?.text ?? '', sides: note?.sides ?? null },
      ...{ spacing: null, patient: '', split: '', hasTruth: false },
    };
    this.store.dispatch({ type: 'cases/added', item });
    void this.open(id);
  }

  /** Opens a case as it was left, or with its own note. */
  async open(id: string): Promise<void> {
    const { store, engine } = this;
    const files = this.files.get(id);
    const item = store.state.cases.items.find((one) => one.id === id);
    if (item === undefined) return;
    this.leave();
    store.dispatch({ type: 'cases/opened', id });
    const name = item.id.replace(/^.*\//u, '').replace(/[@#]\d+$/u, '');
    const missing = (): void => {
      store.dispatch({ type: 'picture/reading', name });
      const message = `${name}: its folder was not opened again`;
      store.dispatch({ type: 'picture/failed', failure: { code: 'IMAGE_MISSING', message } });
    };
    if (files === undefined) {
      missing();
      return;
    }
    const file = await files.image.file().catch(() => null);
    if (store.state.cases.current !== id) return; // another was asked for meanwhile
    if (file === null) {
      missing();
      return;
    }
    const work = store.state.cases.work[id] ?? null;
    this.waiting = work;
    const note: Note = work?.note ?? { text: item.note, sides: item.sides };
    // Without a note of its own, what is typed while the picture is read stays.
    if (work === null) engine.open(file, name, item.note === '' ? null : note);
    else engine.open(file, name, note, work.frame);
  }

  /** The next or previous case of the shown list. @returns whether there was one */
  step(by: 1 | -1): boolean {
    const { cases } = this.store.state;
    const next = neighbour(shownCases(this.store.state), cases.current, by);
    if (next === null || next === cases.current) return false;
    void this.open(next);
    return true;
  }

  /**
   * Accepts the shown mask, or skips the case, and goes on to the next. While the picture of the current case is read,
   * or if it cannot be, the stage shows the case before: then there is nothing to accept, and skipping is of the current.
   */
  judge(decision: 'accept' | 'skip'): void {
    const { store, rasters, edits } = this;
    const { cases, result, computing } = store.state;
    const id = cases.current;
    if (id === null) return;
    if (decision === 'skip') {
      const review = {
        judgement: 'skipped',
        note: store.state.note,
        width: 0,
        height: 0,
        mask: null,
      } as const;
      store.dispatch({ type: 'cases/judged', id, review });
      this.step(1);
      return;
    }
    const { mask } = rasters;
    if (cases.shown !== id) return;
    if (result === null || mask === null || computing) return; // the mask is not that of the note yet
    const judgement: Judgement = edits.isEdited ? 'corrected' : 'accepted';
    const { width, height } = mask;
    const counts = encodeRuns(maskRuns(mask));
    store.dispatch({
      type: 'cases/judged',
      id,
      review: { judgement, note: result.note, width, height, mask: counts },
    });
    this.step(1);
  }

  /** Keeps what the open case was left with. */
  leave(): void {
    const { shown } = this.store.state.cases;
    const work = workOf(this.store.state);
    if (shown !== null && work !== null) this.store.dispatch({ type: 'cases/left', id: shown, work });
  }

  private opened(): void {
    const { store, waiting } = this;
    const { current } = store.state.cases;
    store.dispatch({ type: 'cases/shown', id: current });
    this.waiting = null;
    if (waiting !== null) {
      const { threshold, history } = waiting;
      const { note } = store.state; // as it was left, or as typed meanwhile
      store.dispatch({ type: 'session/restored', note, threshold, history });
    }
    const item = store.state.cases.items.find(({ id }) => id === current);
    if (current === null || item === undefined) return;
    if (item.spacing !== null && store.state.picture?.spacing === null)
      store.dispatch({ type: 'picture/spacing', spacing: item.spacing });
    const truth = this.files.get(current)?.truth;
    if (truth != null) void this.readTruth(current, truth);
  }

  private async readTruth(id: string, entry: NonNullable<CaseFiles['truth']>): Promise<void> {
    const { store, rasters } = this;
    const { picture } = rasters;
    if (picture === null) return;
    const frame = store.state.picture?.frame ?? 0;
    try {
      const [{ readTruth }, { clinicalOf }] = await Promise.all([
        import('./truth.js'),
        import('../clinical-file.js'),
      ]);
      const clinical = await clinicalOf(picture.file, frame);
      const bytes = new Uint8Array(await (await entry.file()).arrayBuffer());
      const truth = await readTruth(bytes, entry.path, picture.image, clinical);
      if (rasters.picture !== picture || store.state.cases.shown !== id) return;
      rasters.truth = truth;
      rasters.changed('truth');
      this.measure(store.state);
    } catch (error) {
      const text = error instanceof ReclmisError ? error.message : `${entry.path}: cannot be read`;
      store.dispatch({ type: 'saved/set', saved: { text, failed: true } });
    }
  }

  private measure({ cases, result }: Studio): void {
    const { mask, truth } = this.rasters;
    if (cases.shown === null || result === null || mask === null) return;
    const dice = truth !== null && truth.data.length === mask.data.length ? score(mask, truth).dice : null;
    this.marks.set(cases.shown, markOf(mask));
    const figures = { dice, confidence: result.confidence?.dice ?? null, area: result.area };
    this.store.dispatch({ type: 'cases/measured', id: cases.shown, figures });
  }
}
