/** What to know of a training before its first step. */
import { describeCutNotes } from '@reclmis/core';
import { precisionNotice } from '../engine/precision.js';
import { describeTuning } from './parts.js';
import { foldNotice, type Session } from './session.js';

/** Lines for the user. */
export function announcements(session: Session): string[] {
  const said = [
    precisionNotice(session.engine),
    foldNotice(session),
    describeTuning(session),
    ...(session.model.learnsFromNotes ? aboutNotes(session) : []),
  ];
  return said.filter((line) => line !== null);
}

function aboutNotes({ data: { train, val }, encoder, rewordings }: Session): (string | null)[] {
  const heard = train.cases.map(({ note }) => note);
  const cut = describeCutNotes(encoder, [...heard, ...val.cases.map(({ note }) => note)]);
  if (rewordings === null) return [cut];
  const cutRewordings = describeCutNotes(encoder, new Set(rewordings.textsOf(heard)));
  return [
    cut,
    rewordings.describe(heard),
    cutRewordings &&
      `Of the rewordings, ${cutRewordings} Raise text.contextLength, or leave out verbose from augment.noteKinds.`,
  ];
}
