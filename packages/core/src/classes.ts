/**
 * Classes that a model is asked for one after the other, each by its note: what `predict --classes` reads from YAML and
 * the runtime's `segmentClasses` takes, checked in one place.
 *
 *     left lung: Infected area, left lung.      # a text is the note
 *     heart: { note: Heart., label: 3, colour: "#d55e00", threshold: 0.4 }
 */
import { ReclmisError } from './errors.js';
import { COLOURS, type Rgb } from './images/overlay.js';
import { LARGEST_CLASS } from './masks/class-vote.js';
import { editDistance } from './text/edit-distance.js';

/** A class as users write it. */
export interface ClassEntry {
  /** What the model is asked. */
  readonly note: string;
  /** Its value in labelled masks, 1 to 255; default: its place, from 1. */
  readonly label?: number;
  /** `#rrggbb` or the name of one of `COLOURS`; default: the next of these that no class has. */
  readonly colour?: string;
  /** A pixel is the class's only above this probability; default: the model's threshold. */
  readonly threshold?: number;
}

/** Name -> note, or entry. The order decides ties and default labels. */
export type ClassEntries = Readonly<Record<string, string | ClassEntry>>;

/** What files call the mask of a note, whose words stay out of them. */
export const DESCRIBED_REGION: { readonly label: string; readonly colour: Rgb } = {
  label: 'Described region',
  colour: [255, 140, 0],
};

/** A class with all that entries leave open, but for the model's threshold. */
export interface SegmentClass {
  readonly name: string;
  readonly note: string;
  readonly label: number;
  readonly colour: Rgb;
  /** Null: the model's. */
  readonly threshold: number | null;
}

/** What is wrong, and at which keys. */
export interface ClassFlaw {
  readonly path: readonly string[];
  readonly message: string;
}

const KEYS = ['note', 'label', 'colour', 'threshold'] as const;
/** Characters of a name: it is part of file names. */
const LONGEST_NAME = 48;
/** Further from every key, a suggestion would be a guess. */
const NEAR = 3;

/** A class's name in file names: lower case, `-` for all but letters and digits. */
export function classSlug(name: string): string {
  return name.normalize('NFC').toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, '-').replace(/^-|-$/gu, ''); // prettier-ignore
}

/** @param where for messages. @throws CLASSES_INVALID with the first flaw */
export function parseClasses(value: unknown, where = 'classes'): readonly SegmentClass[] {
  const { classes, flaws } = readClasses(value);
  const [first] = flaws;
  if (first === undefined) return classes;
  const more = flaws.length > 1 ? ` (and ${flaws.length - 1} more)` : '';
  throw new ReclmisError('CLASSES_INVALID', `${where}: ${describeFlaw(first)}${more}`);
}

/** `heart.label: expected ...`. */
export function describeFlaw({ path, message }: ClassFlaw): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

/** The classes, and all that is wrong with them; they are usable only without flaws. */
export function readClasses(value: unknown): {
  readonly classes: readonly SegmentClass[];
  readonly flaws: readonly ClassFlaw[];
} {
  const flaws: ClassFlaw[] = [];
  const add = (path: readonly string[], message: string): void => void flaws.push({ path, message });
  if (!isMapping(value)) {
    add([], `expected classes by name, each with its note, got ${shown(value)}`);
    return { classes: [], flaws };
  }
  const names = Object.keys(value);
  if (names.length === 0) add([], 'expected at least one class, got none');
  if (names.length > LARGEST_CLASS) add([], `expected at most ${LARGEST_CLASS} classes, got ${names.length}`);
  const drafts = names.map((name, i) => draftOf(name, value[name], i, add));
  refuseTwins(drafts, add);
  const given = new Set(drafts.flatMap(({ colour }) => (colour === null ? [] : [String(colour)])));
  const free = PALETTE.filter((colour) => !given.has(String(colour)));
  let next = 0;
  const colourOf = ({ colour }: Draft): Rgb => colour ?? free[next++ % free.length] ?? COLOURS.orange;
  return { classes: drafts.map((one) => ({ ...one, colour: colourOf(one) })), flaws };
}

type Draft = Omit<SegmentClass, 'colour'> & { readonly colour: Rgb | null };
type Add = (path: readonly string[], message: string) => void;

function draftOf(name: string, given: unknown, index: number, add: Add): Draft {
  const bare = name.trim();
  if (!/\p{L}/u.test(bare)) add([name], 'expected a name with a letter');
  else if (bare.length > LONGEST_NAME || /\p{Cc}/u.test(bare))
    add([name], `expected a name of at most ${LONGEST_NAME} characters in one line`);
  const entry = typeof given === 'string' ? { note: given } : given;
  if (!isMapping(entry)) {
    add([name], `expected a note, or ${KEYS.join(', ')} by name, got ${shown(given)}`);
    return { name: bare, note: '', label: index + 1, colour: null, threshold: null };
  }
  for (const key of Object.keys(entry))
    if (!(KEYS as readonly string[]).includes(key)) add([name, key], `there is no such key; ${nearest(key)}`);
  const { note, label = index + 1, colour, threshold } = entry;
  if (typeof note !== 'string' || note.trim() === '')
    add([name, 'note'], `expected what to segment, as text, got ${shown(note)}`);
  if (!Number.isInteger(label) || (label as number) < 1 || (label as number) > LARGEST_CLASS)
    add([name, 'label'], `expected a whole number from 1 to ${LARGEST_CLASS} (0 is the background), got ${shown(label)}`); // prettier-ignore
  if (threshold !== undefined && !(typeof threshold === 'number' && threshold >= 0 && threshold < 1))
    add([name, 'threshold'], `expected a number from 0 to below 1, got ${shown(threshold)}`);
  return {
    name: bare,
    note: typeof note === 'string' ? note.trim() : '',
    label: label as number,
    colour: colour === undefined ? null : readColour(colour, [name, 'colour'], add),
    threshold: typeof threshold === 'number' ? threshold : null,
  };
}

function readColour(given: unknown, path: readonly string[], add: Add): Rgb | null {
  const text = typeof given === 'string' ? given.trim() : '';
  if (/^#[\da-f]{6}$/iu.test(text))
    return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)) as unknown as Rgb;
  const known = Object.entries(COLOURS).find(([name]) => name.toLowerCase() === text.toLowerCase().replace(/\s/gu, '')); // prettier-ignore
  if (known) return known[1];
  add(path, `expected "#rrggbb" or one of ${Object.keys(COLOURS).join(', ')}, got ${shown(given)}`);
  return null;
}

/** Two classes that could not be told apart. */
function refuseTwins(drafts: readonly Draft[], add: Add): void {
  const folded = (text: string): string => text.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ');
  const marks = [
    { key: null, what: 'name, but for case and signs', of: ({ name }: Draft) => classSlug(name) },
    { key: 'note', what: 'note', of: ({ note }: Draft) => folded(note) },
    { key: 'label', what: 'label', of: ({ label }: Draft) => String(label) },
    { key: 'colour', what: 'colour', of: ({ colour }: Draft) => String(colour ?? '') },
  ];
  for (const { key, what, of } of marks) {
    const first = new Map<string, Draft>();
    for (const one of drafts) {
      const mark = of(one);
      const twin = first.get(mark);
      if (twin === undefined || mark === '') first.set(mark, one);
      else add(key === null ? [one.name] : [one.name, key], `has the ${what} of ${twin.name}${key === 'label' ? `, ${mark}: a class without one has its place` : ''}`); // prettier-ignore
    }
  }
}

/**
 * Classes whose notes the models read alike would tie everywhere.
 * @param classes with the words of each one's note, by model @throws CLASSES_INVALID naming two classes
 */
export function refuseSameWords(
  classes: readonly { readonly name: string; readonly words: readonly string[] }[],
): void {
  const first = new Map<string, string>();
  for (const { name, words } of classes) {
    const mark = JSON.stringify(words.map((text) => text.trim().toLowerCase().split(/\s+/u)));
    const twin = first.get(mark);
    if (twin !== undefined)
      throw new ReclmisError(
        'CLASSES_INVALID',
        `the notes of ${twin} and ${name} are the same in the words that the model has learnt`,
        { remedy: 'Say more in one of them, or have them given as they are (note style as-is).' },
      );
    first.set(mark, name);
  }
}

/** Okabe and Ito's colours, then lighter and darker ones. */
const PALETTE: readonly Rgb[] = [0, 0.5, -0.4].flatMap((shade) =>
  Object.values(COLOURS).map(
    (colour) => colour.map((c) => Math.round(shade < 0 ? c * (1 + shade) : c + shade * (255 - c))) as unknown as Rgb, // prettier-ignore
  ),
);

function nearest(key: string): string {
  const [best = 'note'] = [...KEYS].sort((a, b) => steps(key, a) - steps(key, b));
  return steps(key, best) <= NEAR ? `did you mean ${best}?` : `expected ${KEYS.join(', ')}`;
}

const steps = (key: string, known: string): number => editDistance(key.toLowerCase(), known);

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** For a message, of what may be a stranger's: no objects, no long texts. */
function shown(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `"${value.length > 40 ? `${value.slice(0, 40)}...` : value}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a mapping';
}
