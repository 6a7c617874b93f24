/** Two models on one image and one note: their masks, what both have, and what each has alone. */
import type { JSX } from 'preact';
import { copyText } from '../copy.js';
import { areaOf, compareMasks } from '../stage/compare-masks.js';
import { twoMasks } from '../stage/two-masks.js';
import { secondResult } from '../state/second.js';
import type { ModelState } from '../state/state.js';
import { modelsTable, tableText } from '../state/table.js';
import { say } from '../strings.js';
import { useDispatch, useServices, useStudio } from '../studio.js';
import { BothFindings } from './compare-panel.js';
import { ColumnTitles, FiguresHead, PartRows, TotalRow } from './figures.js';
import { KeyButton } from './icon.js';
import { Thumbnail } from './mask-view.js';
import { NoteField } from './note-field.js';
import { Chips, SidesSwitch } from './note-section.js';

export function ModelsPanel(): JSX.Element {
  const dispatch = useDispatch();
  const first = useStudio((state) => state.result);
  const second = useStudio(secondResult);
  return (
    <>
      <div class="scrolled">
        <section class="section models" aria-label={say('models')}>
          <ModelLine letter="A" model={useStudio((state) => state.model)} />
          <ModelLine letter="B" model={useStudio((state) => state.second)} />
        </section>
        <section class="section note">
          <div class="head">
            <h2>
              {say('note')} <kbd aria-hidden>N</kbd>
            </h2>
            <SidesSwitch />
          </div>
          <NoteField />
          <Chips writing={false} />
        </section>
        <section class="section thumbnails">
          <Thumbnail letter="A" />
          <Thumbnail letter="B" />
        </section>
        <ModelsDifference />
        {first !== null && second !== null && <BothFindings a={first} b={second} />}
      </div>
      <section class="actions" aria-label={say('actions')}>
        <KeyButton
          class="plain"
          label={say('close')}
          keys="Esc"
          onClick={() => dispatch({ type: 'compare/close' })}
        />
      </section>
    </>
  );
}

function ModelLine({
  letter,
  model,
}: {
  readonly letter: string;
  readonly model: ModelState | null;
}): JSX.Element {
  return (
    <p class="row">
      <span class="letter">{letter}</span>
      <span role={model?.status === 'failed' ? 'alert' : undefined}>{aboutModel(model)}</span>
    </p>
  );
}

function aboutModel(model: ModelState | null): string {
  if (model === null) return '';
  if (model.status === 'ready') return `${model.info.name}, ${model.info.precision}`;
  if (model.status === 'failed') return say('otherModel', { message: model.message });
  if (model.total === 0) return say('modelStarting');
  const [loaded, total] = [model.loaded, model.total].map((bytes) => (bytes / 1e6).toFixed(1));
  return say('modelLoading', { loaded: loaded!, total: total! });
}

function ModelsDifference(): JSX.Element {
  const { rasters } = useServices();
  const picture = useStudio((state) => state.picture)!;
  const compare = useStudio((state) => state.compare)!;
  const second = useStudio(secondResult);
  const { a, b } = twoMasks(compare, rasters);
  const parts = second !== null && a && b ? compareMasks(a, b) : null;
  const table =
    parts &&
    modelsTable(
      { both: areaOf(parts.kept), onlyA: areaOf(parts.lost), onlyB: areaOf(parts.gained) },
      picture,
    );
  return (
    <section class="section measurements difference">
      <FiguresHead title={say('difference')} onCopy={table && (() => copyText(tableText(table)))} />
      {table === null ? (
        <p class="quiet small">{say('secondWaits')}</p>
      ) : (
        <table>
          <ColumnTitles titles={table.head} />
          <PartRows rows={table.rows} parts={['kept', 'lost', 'gained']} />
          <TotalRow cells={table.total} />
        </table>
      )}
    </section>
  );
}
