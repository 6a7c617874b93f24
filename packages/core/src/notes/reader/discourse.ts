/** What goes on from sentence to sentence: places before their finding, "it", numbers that stand alone. */
import { differ } from './alternatives.js';
import { Amounts, checkedField, isField } from './fields.js';
import { deniesPlace, type Head, type Sentence } from './heads.js';
import { has, type Item } from './items.js';
import { isItem } from './nodes.js';
import type { PlaceGroup, SideMemory } from './place-group.js';
import { readSentence, type ReadingOptions } from './sentence.js';
import { shareUnderlying } from './share.js';
import { combine } from './statements.js';

export class Discourse {
  readonly sentences: Sentence[] = [];
  /** Places that no finding was named for yet. */
  readonly pending: PlaceGroup[] = [];
  /** Places that belong to nothing. */
  loose = 0;
  private readonly memory: SideMemory = { last: null };
  /** Those that no finding was named for yet. */
  readonly amounts = new Amounts();
  /** The last finding. */
  private before: Head | null = null;
  /** The last sentence was about something else. */
  private elsewhere = false;

  constructor(private readonly options: ReadingOptions) {}

  add(items: readonly Item[]): void {
    if (this.answersNo(items)) {
      if (items.length > 1) this.add(items.slice(1));
      return;
    }
    const { before } = this;
    const sentence = readSentence(items, this.memory, before, this.options);
    shareUnderlying(sentence, this.sentences[this.sentences.length - 1]);
    this.sentences.push(sentence);
    const found = sentence.heads.filter(({ kind }) => kind === 'finding');
    this.givePending(found);
    const field = isField(sentence.nodes);
    if (sentence.loose.length > 0) this.placeLoose(sentence, field);
    // "It is solitary." is about the finding before, "It may be a scar." too.
    const goesOn = sentence.heads.every(deniesPlace);
    const own = before !== null || field || sentence.loose.length > 0;
    if (goesOn && !this.elsewhere && own) this.amounts.add(sentence.nodes, field);
    const told = found.find(({ negated }) => !negated) ?? (field || goesOn ? before : null);
    if (told) this.amounts.giveTo(told);
    if (before !== null && !this.elsewhere && found.length === 0) before.uncertain ??= doubtOf(sentence);
    this.before = found.filter(({ idle }) => !idle).pop() ?? before;
    const named = sentence.heads.filter(({ kind }) => kind === 'finding' || kind === 'foreign');
    if (named.length > 0)
      this.elsewhere = named.every(({ kind }) => kind === 'foreign') && !isAboutBefore(sentence);
  }

  /** "Pneumonia at the left base? No - ..." */
  private answersNo([first, second]: readonly Item[]): boolean {
    const last = this.sentences[this.sentences.length - 1];
    const asked = isItem(last?.nodes[last.nodes.length - 1], 'question');
    const alone =
      second === undefined ? has(first, 'not', 'gone') : has(first, 'not') && has(second, 'comma');
    if (!asked || !alone) return false;
    for (const head of last?.heads ?? []) head.negated = true;
    return true;
  }

  /** "Left base: opacity." over two sentences. */
  private givePending(own: readonly Head[]): void {
    const waiting = own.find(({ groups }) => groups.length === 0);
    if (waiting) waiting.groups.push(...this.pending.splice(0).map((group) => ({ group, direct: null })));
  }

  /** "R: upper" is one place, to which later ones add nothing. */
  private together(groups: readonly PlaceGroup[]): readonly PlaceGroup[] {
    const [first, ...others] = groups;
    const places = groups.flatMap((group) => [...group.places]);
    const sides = places.filter(({ side, zones }) => side !== null && zones.length === 0);
    const heights = places.filter(({ side, zones }) => side === null && zones.length > 0);
    if (first === undefined || others.length === 0 || sides.length === 0 || heights.length === 0)
      return groups;
    if (groups.some(({ alternatives, contradicts }) => alternatives || contradicts)) return groups;
    const attached = groups.map((group) => ({ group, direct: null }));
    return [{ ...first, organ: false, closed: true, places: combine(attached, this.options.paired) }];
  }

  private placeLoose(sentence: Sentence, field: boolean): void {
    const { before, pending } = this;
    const past = sentence.nodes.some((node) => isItem(node, 'history'));
    const known =
      sentence.heads.every(deniesPlace) && !past && !sentence.nodes.some((node) => isItem(node, 'unread'));
    const earlier = [...pending, ...(before?.groups.map(({ group }) => group) ?? [])];
    const found = this.together(sentence.loose).map((group) =>
      field ? checkedField(group, earlier) : asksAgain(sentence, group, earlier),
    );
    const open = found.filter(({ alternatives }) => alternatives);
    if (!known && open.length > 0 && before !== null)
      before.groups.push(...open.map((group) => ({ group, direct: null })));
    if (known && this.elsewhere) this.loose++;
    else if (known && before !== null && !before.negated)
      before.groups.push(...found.map((group) => ({ group, direct: null })));
    else if (known) pending.push(...found);
    else if (!past) this.loose++;
  }
}

/** "... left lower lobe. Or right?", "... Now in the RML.", "... I.e. on the right." */
function asksAgain({ nodes }: Sentence, group: PlaceGroup, earlier: readonly PlaceGroup[]): PlaceGroup {
  if (!earlier.some((one) => differ(one, group))) return group;
  if (isItem(nodes[0], 'or') || nodes.some((node) => isItem(node, 'maybe')))
    return { ...group, alternatives: true };
  const restated = isItem(nodes[0], 'namely');
  const moved =
    restated || (nodes.some((node) => isItem(node, 'now')) && !nodes.some((node) => isItem(node, 'and')));
  return moved ? { ...group, contradicts: true } : group;
}

/** "It is ...", or only what the finding before may be ("Possibly atelectasis."). */
function isAboutBefore({ nodes, heads }: Sentence): boolean {
  if (isItem(nodes[0], 'pronoun')) return true;
  const natures = heads.length > 0 && heads.every(({ item }) => has(item, 'nature'));
  return isItem(nodes[0], 'perhaps') && natures && !nodes.some(({ kind }) => kind === 'group');
}

/** "It is probably a neoplasm." */
function doubtOf(sentence: Sentence): Item | null {
  if (!isAboutBefore(sentence)) return null;
  if (sentence.heads.some((head) => head.negated || !has(head.item, 'nature'))) return null;
  const doubt = sentence.nodes.find((node) => isItem(node, 'maybe'));
  return doubt?.kind === 'item' ? doubt.item : null;
}
