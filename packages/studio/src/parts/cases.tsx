/** The list of cases: search, order, rows of which only those in view are drawn, progress. */
import { Search } from 'lucide-preact';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { shownCases } from '../cases/cases.js';
import { scrollTo, SORTS, type Sort, visibleRows } from '../state/case-order.js';
import { progressOf } from '../state/cases.js';
import { say, sayCount } from '../strings.js';
import { useDispatch, useServices, useStudio } from '../studio.js';
import { SEARCH_ID } from '../tools/case-keys.js';
import { CaseRow, ROW } from './case-row.js';
import { Icon } from './icon.js';
import { useThumbnails } from './use-thumbnails.js';

export function Cases(): JSX.Element {
  const count = useStudio((state) => state.cases.items.length);
  if (count === 0)
    return (
      <>
        <div class="case-list case-empty">
          <p>{say('noCases')}</p>
          <p class="quiet small">{say('noCasesText')}</p>
        </div>
        <p class="case-foot quiet small">{say('casesHint')}</p>
      </>
    );
  return (
    <>
      <Heading />
      <Rows />
      <Progress />
    </>
  );
}

function Heading(): JSX.Element {
  const dispatch = useDispatch();
  const cases = useStudio((state) => state.cases);
  const shown = useMemo(() => shownCases({ cases }).length, [cases]);
  const SORT_NAMES = { name: 'sortName', dice: 'sortDice', confidence: 'sortConfidence', area: 'sortArea' } as const; // prettier-ignore
  return (
    <div class="case-head">
      <label class="search">
        <Icon of={Search} />
        <input
          id={SEARCH_ID}
          type="search"
          value={cases.query}
          placeholder={say('searchCases')}
          aria-label={say('searchCases')}
          aria-keyshortcuts="/"
          autocomplete="off"
          onInput={(event) => dispatch({ type: 'cases/searched', query: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur();
          }}
        />
        <kbd aria-hidden>/</kbd>
      </label>
      <div class="row small quiet">
        <span class="grow">
          {cases.query === ''
            ? sayCount('caseCount', cases.items.length)
            : say('casesFound', { shown, count: cases.items.length })}
        </span>
        <select
          class="sort"
          value={cases.sort}
          aria-label={say('sortBy')}
          onChange={(event) => dispatch({ type: 'cases/sorted', sort: event.currentTarget.value as Sort })}
        >
          {SORTS.map((sort) => (
            <option key={sort} value={sort}>
              {say(SORT_NAMES[sort])}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

function Rows(): JSX.Element {
  const { cases: service } = useServices();
  const cases = useStudio((state) => state.cases);
  const { items, order, query, current } = cases;
  const byId = useMemo(() => new Map(items.map((item) => [item.id, item])), [items]);
  const shown = useMemo(() => shownCases({ cases }), [items, order, query]);
  const list = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 0 });
  const rows = visibleRows(shown.length, ROW, place.top, place.height);
  const drawn = shown.slice(rows.first, rows.end);
  const thumbnails = useThumbnails(service, drawn);

  useLayoutEffect(() => {
    const element = list.current!;
    const look = (): void => setPlace({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  useEffect(() => {
    const element = list.current!;
    const at = current === null ? -1 : shown.indexOf(current);
    if (at >= 0) element.scrollTop = scrollTo(at, ROW, element.scrollTop, element.clientHeight);
  }, [current, shown]);

  return (
    <div class="case-list" ref={list} tabIndex={-1}>
      <ul aria-label={say('cases')} style={{ height: `${shown.length * ROW}px` }}>
        {drawn.map((id, i) => {
          const item = byId.get(id);
          if (item === undefined) return null;
          return (
            <CaseRow
              key={id}
              item={item}
              at={rows.first + i}
              count={shown.length}
              isCurrent={id === current}
              sort={cases.sort}
              figures={cases.figures[id]}
              judgement={cases.reviews[id]?.judgement}
              thumbnail={thumbnails.get(id)}
              mark={service.markOf(id)}
            />
          );
        })}
      </ul>
    </div>
  );
}

function Progress(): JSX.Element {
  const cases = useStudio((state) => state.cases);
  const { count, reviewed, corrected } = progressOf(cases);
  const { problems } = cases;
  return (
    <div class="case-foot">
      <p class="row small">
        <span class="grow">{say('reviewedOf', { reviewed, count })}</span>
        {corrected > 0 && <span class="quiet">{say('correctedCount', { count: corrected })}</span>}
      </p>
      <progress max={count} value={reviewed} aria-label={say('reviewedOf', { reviewed, count })} />
      {problems.length > 0 && (
        <details class="small quiet">
          <summary>{sayCount('problemCount', problems.length)}</summary>
          <ul>
            {problems.slice(0, 20).map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
