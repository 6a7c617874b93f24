/**
 * Words that may name a side in ways that `mirrorNote` does not exchange: other languages, abbreviations, clock
 * positions.
 */
import { namesSide } from './note-mirror.js';

/** Stems that `mirrorNote` does not know; `$` ends a whole word. */
const OTHER_WORDS = [
  [
    'l$',
    'r$',
    'lt$',
    'rt$',
    'lhs$',
    'rhs$',
    'lef$',
    'lft$',
    'rgt$',
    'od$',
    'os$',
    'sinister',
    'dexter',
    'dextra',
    'sinistra',
  ],
  ['links', 'linke$', 'linken$', 'linker$', 'linkes$', 'linkem$', 'rechts', 'rechte'], // German, Dutch
  ['gauche', 'droit$', 'droite', 'droits$'], // French
  ['izq', 'derech', 'dcha$', 'dcho$'], // Spanish
  ['sinistr', 'destr$', 'destro$', 'destra$', 'destri$', 'destre$'], // Italian
  ['esquerd', 'direit'], // Portuguese
  ['vänster', 'höger', 'venstre', 'høyre', 'højre'], // Swedish, Norwegian, Danish
  ['vasen', 'vasem', 'oikea', 'oikean', 'oikei'], // Finnish
  [
    'lewy',
    'lewa',
    'lewe',
    'lewo',
    'prawy',
    'prawa',
    'prawe',
    'prawo',
    'levý',
    'levá',
    'levé',
    'pravý',
    'pravá',
    'pravé',
    'vlevo',
    'vpravo',
  ], // Polish, Czech
  ['stâng', 'stang', 'drept', 'dreapt'], // Romanian
  ['sol$', 'sağ', 'kiri$', 'kanan$', 'trái', 'phải'], // Turkish, Indonesian, Vietnamese
  ['лев', 'прав', 'слева', 'справа', 'αριστερ', 'δεξι'], // Russian, Greek
  ['왼', '오른', 'يسار', 'يمين', 'أيسر', 'أيمن', 'اليسر', 'اليمن', 'बाए', 'बाएँ', 'दाए', 'दाएँ'], // Korean, Arabic, Hindi
].flat();
const WORD = /\p{L}[\p{L}\p{M}]*/gu;
/** Chinese and Japanese, without spaces. */
const SYLLABLES = /[左右]/gu;

/**
 * Words that may name a side but that `mirrorNote` does not swap: other languages, abbreviations, clock
 * positions. Each once, in order.
 */
export function mayNameSide(text: string): string[] {
  const found = [...text.normalize('NFC').matchAll(WORD)].flatMap(([word]) => {
    const lower = word.toLowerCase();
    const named = OTHER_WORDS.some((start) =>
      start.endsWith('$') ? lower === start.slice(0, -1) : lower.startsWith(start),
    );
    if (namesSide(word)) return [];
    // Without spaces a "word" may be the whole note: quote only the character.
    return named ? [word] : (word.match(SYLLABLES) ?? []);
  });
  if (/\bo[’']?clock\b/iu.test(text)) found.push('o’clock');
  return [...new Set(found)];
}
