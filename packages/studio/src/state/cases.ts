/** The list of cases as plain data, and what can happen to it. */
import { type CaseFigures, type CaseItem, type Figures, orderOf, type Sort } from './case-order.js';
import type { History, Note } from './steps.js';

export type Judgement = 'accepted' | 'corrected' | 'skipped';

/** What was decided about a case. */
export interface Review {
  readonly judgement: Judgement;
  readonly note: Note;
  /** As displayed, and its mask as COCO's text of run lengths; null for skipped ones. */
  readonly width: number;
  readonly height: number;
  readonly mask: string | null;
}

/** What a case was left with, to come back to. */
export interface Work {
  readonly note: Note;
  readonly threshold: number;
  readonly history: History;
  readonly frame: number;
}

export interface CasesState {
  /** The folder's name; null: files that were opened one by one. */
  readonly folder: string | null;
  readonly items: readonly CaseItem[];
  readonly problems: readonly string[];
  /** The case that was asked for. */
  readonly current: string | null;
  /** The case whose picture is open: a mask is accepted of this one. */
  readonly shown: string | null;
  readonly query: string;
  readonly sort: Sort;
  /** Ids, as sorted when that was asked for. */
  readonly order: readonly string[];
  readonly figures: Figures;
  readonly reviews: Readonly<Record<string, Review>>;
  readonly work: Readonly<Record<string, Work>>;
}

export type CaseAction =
  | { readonly type: 'cases/found'; readonly folder: string | null; readonly items: readonly CaseItem[]; readonly problems: readonly string[] }
  | { readonly type: 'cases/added'; readonly item: CaseItem }
  | { readonly type: 'cases/opened'; readonly id: string }
  | { readonly type: 'cases/shown'; readonly id: string | null }
  | { readonly type: 'cases/left'; readonly id: string; readonly work: Work }
  | { readonly type: 'cases/judged'; readonly id: string; readonly review: Review }
  | { readonly type: 'cases/measured'; readonly id: string; readonly figures: CaseFigures }
  | { readonly type: 'cases/searched'; readonly query: string }
  | { readonly type: 'cases/sorted'; readonly sort: Sort }
  | { readonly type: 'cases/restored'; readonly cases: CasesState }; // prettier-ignore

export const NO_CASES: CasesState = {
  folder: null,
  items: [],
  problems: [],
  current: null,
  shown: null,
  query: '',
  sort: 'name',
  order: [],
  figures: {},
  reviews: {},
  work: {},
};

export function casesReduced(cases: CasesState, action: CaseAction): CasesState {
  switch (action.type) {
    case 'cases/found': {
      const { folder, items, problems } = action;
      const same = folder !== null && folder === cases.folder; // opened again: what was decided counts
      const kept = same ? cases : NO_CASES;
      const order = orderOf(items, cases.sort, kept.figures);
      return {
        ...kept,
        sort: cases.sort,
        folder,
        items,
        problems,
        order,
        current: null,
        shown: null,
        query: '',
      };
    }
    case 'cases/added': {
      const { item } = action;
      return { ...cases, items: [...cases.items, item], order: [...cases.order, item.id] };
    }
    case 'cases/opened':
      return { ...cases, current: action.id };
    case 'cases/shown':
      return { ...cases, shown: action.id };
    case 'cases/left':
      return { ...cases, work: { ...cases.work, [action.id]: action.work } };
    case 'cases/judged':
      return { ...cases, reviews: { ...cases.reviews, [action.id]: action.review } };
    case 'cases/measured':
      return { ...cases, figures: { ...cases.figures, [action.id]: action.figures } };
    case 'cases/searched':
      return { ...cases, query: action.query };
    case 'cases/sorted':
      return { ...cases, sort: action.sort, order: orderOf(cases.items, action.sort, cases.figures) };
    case 'cases/restored':
      return action.cases;
  }
}

/** Whether the case whose picture is open has a true mask. */
export const hasTruth = ({ items, shown }: CasesState): boolean =>
  shown !== null && items.some((item) => item.id === shown && item.hasTruth);

/** What the open picture would be left with now. */
export function workOf({ picture, note, threshold, history }: Leaving): Work | null {
  return picture === null ? null : { note, threshold, history, frame: picture.frame };
}

interface Leaving extends Pick<Work, 'note' | 'threshold' | 'history'> {
  readonly picture: { readonly frame: number } | null;
}

/** Cases that were decided, and those of them that were corrected. */
export function progressOf({ items, reviews }: CasesState): {
  readonly count: number;
  readonly reviewed: number;
  readonly corrected: number;
} {
  const judged = items.flatMap(({ id }) => reviews[id]?.judgement ?? []);
  return {
    count: items.length,
    reviewed: judged.length,
    corrected: judged.filter((one) => one === 'corrected').length,
  };
}
