/** What can happen, as plain data: undo, tests and a saved session are lists of these. */
import type { Spacing } from '@reclmis/core';
import type { CaseAction } from './cases.js';
import type { SecondAction } from './second.js';
import type { EditAction } from './edit-action.js';
import type { Epoch, Failure, History, MeasuredArea, ModelInfo, Note, Picture, Reading, Result, Shown, Sides, Strokes, View } from './state.js'; // prettier-ignore

export type Action =
  // the model
  | { readonly type: 'model/loading'; readonly loaded: number; readonly total: number }
  | { readonly type: 'model/ready'; readonly info: ModelInfo }
  | { readonly type: 'model/failed'; readonly failure: Failure }
  // the picture
  | { readonly type: 'picture/reading'; readonly name: string }
  | { readonly type: 'picture/opened'; readonly picture: Picture; readonly note: Note }
  | { readonly type: 'picture/failed'; readonly failure: Failure }
  | { readonly type: 'picture/spacing'; readonly spacing: Spacing }
  // the note and its mask
  | { readonly type: 'note/typed'; readonly text: string }
  | { readonly type: 'note/sides'; readonly sides: Sides }
  | { readonly type: 'note/read'; readonly reading: Reading }
  /** After a pause: what was typed becomes a step. */
  | { readonly type: 'note/settled'; readonly from: Note; readonly area: number | null }
  | { readonly type: 'result/asked' }
  | { readonly type: 'result/found'; readonly result: Result }
  | { readonly type: 'result/none' }
  | { readonly type: 'result/failed'; readonly failure: Failure }
  | { readonly type: 'threshold/moved'; readonly threshold: number }
  | { readonly type: 'threshold/settled'; readonly from: number; readonly area: number | null }
  | { readonly type: 'failure/dismissed' }
  // edits
  | { readonly type: 'edit/done'; readonly name: string; readonly edit: EditAction; readonly area: number }
  /** The figures of the mask as edited. */
  | {
      readonly type: 'edit/measured';
      readonly area: number;
      readonly areas: number;
      readonly measures: readonly MeasuredArea[];
    }
  | { readonly type: 'strokes/answered'; readonly answer: 'replace' | 'keep' | 'cancel' }
  | { readonly type: 'polygon/set'; readonly points: readonly number[] }
  | { readonly type: 'cursor/set'; readonly cursor: Strokes['cursor'] }
  /** All steps so far become one, to save memory. */
  | { readonly type: 'history/folded'; readonly edit: EditAction }
  | { readonly type: 'history/undo' }
  | { readonly type: 'history/redo' }
  // cases, session, outputs
  | CaseAction
  | { readonly type: 'session/set'; readonly session: boolean }
  | {
      readonly type: 'session/restored';
      readonly note: Note;
      readonly threshold: number;
      readonly history: History;
    }
  | { readonly type: 'saved/set'; readonly saved: { readonly text: string; readonly failed: boolean } | null }
  // the view
  | { readonly type: 'view/set'; readonly view: Partial<View> }
  | { readonly type: 'view/reset' }
  | { readonly type: 'panel/set'; readonly panel: { readonly help?: boolean; readonly drawer?: boolean; readonly menu?: string | null } } // prettier-ignore
  | { readonly type: 'tour/at'; readonly hint: number | null }
  | { readonly type: 'run/read'; readonly epochs: readonly Epoch[] }
  | { readonly type: 'theme/set'; readonly theme: 'dark' | 'light' }
  | { readonly type: 'keys/set'; readonly keys: boolean }
  // comparing two notes
  | { readonly type: 'compare/open' }
  | { readonly type: 'compare/shown'; readonly shown: Shown }
  | { readonly type: 'compare/held'; readonly held: boolean }
  | { readonly type: 'compare/keep'; readonly which: 'a' | 'b' }
  | { readonly type: 'compare/close' }
  // comparing two models
  | SecondAction;
