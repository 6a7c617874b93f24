/** Notes that name places and no finding: "Left lower lobe", "Side: left. Zone: lower. Number: 2." */
import type { Doubts, Statement } from './contradictions.js';
import type { Discourse } from './discourse.js';
import { deniesPlace, newHead } from './heads.js';
import type { PlaceGroup } from './place-group.js';
import { combine } from './statements.js';

/** Their places, with number, extent and doubt, as said of an unnamed finding; null if they belong to nothing. */
export function placesAlone(
  discourse: Discourse,
  statements: readonly Statement[],
  paired: boolean,
  doubts: Doubts,
): Statement | null {
  const { pending, sentences, amounts } = discourse;
  const [sentence] = sentences;
  if (pending.length === 0 || sentence === undefined) return null;
  const any = (test: (group: PlaceGroup) => boolean): boolean => pending.some(test);
  doubts.contradicts ||= any(({ contradicts }) => contradicts);
  doubts.ambiguous ||= any(({ alternatives }) => alternatives);
  if (
    statements.some(({ head }) => !deniesPlace(head)) ||
    sentences.some(({ heads }) => !heads.every(deniesPlace))
  ) {
    discourse.loose++;
    return null;
  }
  const head = newHead('finding', '', { marks: [], span: { start: 0, end: 0 } }, 0, true);
  head.groups.push(...pending.map((group) => ({ group, direct: null })));
  amounts.giveTo(head);
  const doubtful = doubts.contradicts || doubts.ambiguous;
  return {
    head,
    sentence,
    present: true,
    places: doubtful ? [] : combine(head.groups, paired),
    everywhere: false,
  };
}
