/**
 * Finds notes that say nothing readable: case numbers, placeholders, other languages than the set's. Notes on other
 * kinds of images are not judged (docs/guide/check-data.md).
 */
import { mayNameSide, parseNote, type ParsedNote, readNote, wordsOf } from '@reclmis/core';
import { DENIES } from './agreement.js';
import { placeOf, type SuspectCase, type Subject } from './types.js';

const LEAST_CASES = 10;
/** Share of a split's notes that differ only in their number. */
const NUMBERED = 0.9;
/** Case numbers leave few gaps; sizes repeat or lie apart. */
const GAPS = 1.5;
/** "Patient no. 17". */
const COUNTED = /^([^\d]*[^\d.,])?(\d{1,9})[.)]?$/u;
const MOST_WORDS = 2;
/** From which an exception stands out. */
const CUSTOM = 0.5;
/** A single one may be a name. */
const LEAST_FOREIGN = 2;

const SCRIPT = 'in another script';
const PLACEHOLDER =
  /^(?:n\s*\/?\s*a|none|null|nan|nil|tbd|todo|unknown|missing|test|lorem ipsum.*|(?:see|as in|as per|refer to) (?:the )?(?:report|file|above|image|mask|pacs|findings?)|as above|no (?:notes?|descriptions?|texts?|comments?|data|information)|(?:a |the )?(?:note|description|text|placeholder)(?: (?:here|of the image|follows))?)\W*$/iu;
/** Frequent words of German, French, Spanish, Italian, Portuguese and Dutch reports that are not English. */
const FOREIGN = new Set(
  (
    'der das und mit ohne ist sind eine einer eines beide beiden beider beidseits beidseitig beidseitige beidseitiger lunge lungen lungenflügel oberlappen unterlappen mittellappen oberfeld unterfeld mittelfeld verschattung verschattungen infiltrat infiltrate siehe befund kein keine herde bereiche areale infizierte ' +
    'les des du une avec sans est sont dans deux poumon poumons pulmonaire bilatérale unilatérale opacité opacités lobe supérieur inférieur ' +
    'el los las una del con sin dos pulmón pulmones infección bilateral unilateral derecho izquierdo opacidad opacidades lóbulo ' +
    'il gli della delle nel nella senza polmone polmoni polmonare infezione ' +
    'uma dois duas sem pulmão pulmões infecção ' +
    'het een en met zonder twee longen longontsteking'
  )
    .split(' ')
    // Shared with medical English.
    .filter((word) => !['bilateral', 'unilateral', 'lobe', 'infiltrate', 'en', 'est'].includes(word)),
);
const ENGLISH = new Set('the of is are and with at on to'.split(' '));

/** "case 17". */
export function numbered(subjects: readonly Subject[]): Set<Subject> {
  const found = new Set<Subject>();
  for (const split of new Set(subjects.map((one) => one.split))) {
    const byForm = new Map<string, { one: Subject; number: number }[]>();
    const own = subjects.filter((one) => one.split === split);
    for (const one of own) {
      const [, words = '', digits] = COUNTED.exec(one.note.trim().toLowerCase()) ?? [];
      if (digits === undefined || wordsOf(words).length > MOST_WORDS) continue;
      const form = wordsOf(words).join(' ');
      const group = byForm.get(form);
      const entry = { one, number: Number(digits) };
      if (group) group.push(entry);
      else byForm.set(form, [entry]);
    }
    for (const group of byForm.values()) {
      const numbers = new Set(group.map(({ number }) => number));
      const span = Math.max(...numbers) - Math.min(...numbers) + 1;
      const counts = numbers.size === group.length && span <= GAPS * group.length;
      if (own.length >= LEAST_CASES && group.length >= NUMBERED * own.length && counts)
        for (const { one } of group) found.add(one);
    }
  }
  return found;
}

/** Empty notes on foreground: by themselves, or against the set's custom, a language included. */
export function sayingNothing(subjects: readonly Subject[]): {
  readonly certain: SuspectCase[];
  readonly unusual: SuspectCase[];
} {
  const certain: SuspectCase[] = [];
  const unusual: SuspectCase[] = [];
  const parsed = subjects.map(({ note }) => parseNote(note));
  const usual = parsed.filter(({ count, nuclei }) => count !== null || nuclei.length > 0);
  const isCustom = (count: number): boolean =>
    subjects.length >= LEAST_CASES && count >= CUSTOM * subjects.length;
  const custom = isCustom(usual.length);
  const others = subjects.map(({ note }) => foreign(note));
  const read = subjects.map(({ note }, i) => others[i] != null && isRead(note));
  const inOwnLanguage = isCustom(read.filter(Boolean).length);
  for (const [i, one] of subjects.entries()) {
    if (one.measure.foreground === 0) continue;
    const { laterality, finding, count, places, nuclei } = parsed[i] as ParsedNote;
    const known = laterality ?? finding ?? count ?? places[0] ?? nuclei[0];
    const other = inOwnLanguage && read[i] === true ? null : (others[i] ?? null);
    const why = PLACEHOLDER.test(one.note.trim()) ? 'a placeholder' : other;
    if (why !== null && (known === undefined || why === SCRIPT)) certain.push({ ...placeOf(one), why });
    else if (known === undefined && custom && !DENIES.test(one.note))
      unusual.push({ ...placeOf(one), why: 'no number, place or finding' });
  }
  return { certain, unusual };
}

/** By the reader of free text, in one of its languages. */
function isRead(note: string): boolean {
  const { places, absent } = readNote(note);
  return places.length + absent.length > 0;
}

function foreign(note: string): string | null {
  const letters = note.match(/\p{L}/gu) ?? [];
  const latin = note.match(/\p{Script=Latin}/gu) ?? [];
  if (letters.length > 0 && latin.length < letters.length / 2) return SCRIPT;
  const words = wordsOf(note).map((word) => word.toLowerCase());
  if (words.some((word) => ENGLISH.has(word))) return null;
  const hits = new Set([...words.filter((word) => FOREIGN.has(word)), ...mayNameSide(note).map((word) => word.toLowerCase())]); // prettier-ignore
  return hits.size >= LEAST_FOREIGN ? 'in another language' : null;
}
