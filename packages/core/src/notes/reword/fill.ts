/** Writes a finding as a sentence of a table. */
import { ReclmisError } from '../../errors.js';
import type { Random } from '../../random.js';
import type { WordedFinding } from './finding.js';
import type { PlaceForms, Wording } from './wording.js';

const SIDES = ['left', 'right'] as const;
const SLOT = /\{(\w+)\}/gu;

/** A sentence that starts with a capital. */
export function wordFinding(finding: WordedFinding, wording: Wording, random: Random): string {
  const { left, right, count } = finding;
  const both = left !== null && right !== null;
  const template = random.pick(
    both ? [...wording.sentences, ...(wording.bilateral ?? [])] : wording.sentences,
  );
  const text = fill(template, (slot) => {
    if (slot === 'finding') return nameOf(count, wording, random);
    const verb = wording.verbs?.[slot];
    if (verb) return count === 1 ? verb[0] : verb[1];
    const forms = wording.places[slot];
    return forms ? placesOf(finding, random.pick(forms), wording, random) : null;
  });
  return capitalised(text);
}

/** Replaces `{slot}`s. @throws INTERNAL for a slot that nothing fills */
export function fill(template: string, valueOf: (slot: string) => string | null): string {
  return template.replace(SLOT, (written, slot: string) => {
    const value = valueOf(slot);
    if (value === null)
      throw new ReclmisError('INTERNAL', `reword: nothing fills ${written} in "${template}"`);
    return value;
  });
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Fills the forms of a side: "{s} lung". */
export function withSide(template: string, side: 0 | 1, { sides }: Pick<Wording, 'sides'>): string {
  return fill(template, (slot) => sides[slot]?.[side] ?? null);
}

function nameOf(count: number | null, { findings, numbers }: Wording, random: Random): string {
  const { one, many, some } = random.pick(findings);
  if (count === null) return some;
  return count === 1 ? random.pick(one) : fill(many, () => numbers[count - 2] ?? String(count));
}

function placesOf(finding: WordedFinding, forms: PlaceForms, wording: Wording, random: Random): string {
  const { left, right } = finding;
  const shared = left === right && left !== null ? forms.both?.[left] : undefined;
  if (shared !== undefined && random.bool()) return shared;
  const phrases = SIDES.flatMap((side, i) => {
    const heights = finding[side];
    if (heights === null) return [];
    const form = forms.one[heights];
    return [withSide(typeof form === 'string' ? form : form[i]!, i as 0 | 1, wording)];
  });
  return random.shuffle(phrases).join(random.pick(wording.and));
}
