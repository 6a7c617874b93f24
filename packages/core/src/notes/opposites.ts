/**
 * Words with opposite meanings: none is suggested for a slip of the other. The typed word may be a slip
 * itself, so a suggestion falls if its opposite, known to the model or not, is at least as close.
 */
import { editDistance } from '../text/edit-distance.js';
import { clausesOf } from './note-words.js';
import { namesSide } from './note-mirror.js';

const sets = (lines: readonly string[]): readonly (readonly string[])[] =>
  lines.map((line) => line.split(' '));

/** Words of a line are opposites. */
const OPPOSITES = sets([
  'left right',
  'upper middle lower',
  'superior inferior',
  'apical basal',
  'apex base',
  'anterior posterior interior exterior',
  'anteriorly posteriorly',
  'internal external',
  'inner outer',
  'medial lateral',
  'medially laterally',
  'proximal distal',
  'ventral dorsal',
  'cranial caudal',
  'central peripheral',
  'above below',
  'unilateral bilateral ipsilateral contralateral',
  'high low',
  'higher lower',
  'large small',
  'larger smaller',
  'thick thin',
  'more less',
  'major minor',
  'mild moderate severe',
  'acute subacute chronic',
  'benign malignant',
  'positive negative',
  'present absent',
  'with without',
  'some none',
  'all none',
  'improved worsened',
  'convex concave',
  'zero one two three four five six seven eight nine ten',
  'rul rml rll lul lml lll',
]);

const BEGINNINGS = sets([
  'hyper hypo iso normo',
  'macro micro',
  'inter intra extra trans',
  'pre post peri',
  'ante post',
  'antero postero',
  'supra infra',
  'super sub',
  'epi sub',
  'over under',
  'in de',
  'in ex',
  'im ex',
  'in out',
  'up down',
  'endo exo ecto peri epi',
  'uni bi multi',
  'mono bi tri tetra poly',
  'ipsi contra',
  'homo hetero',
  'tachy brady',
  'ad ab',
  'dextro levo',
  'pro retro',
]);

const NEGATIONS = ['un', 'in', 'ir', 'im', 'il', 'non', 'dis', 'a', 'an', 'de', 'anti', 'counter', 'mis'];

/** Whether a suggestion might reverse the meaning. */
export function opposed(typed: string, word: string): boolean {
  const steps = editDistance(typed, word);
  const asNear = (other: string): boolean => other !== word && editDistance(typed, other, steps) <= steps;
  for (const words of OPPOSITES) if (words.includes(word) && words.some(asNear)) return true;
  for (const starts of BEGINNINGS) {
    for (const start of starts.filter((one) => word.startsWith(one))) {
      const rest = word.slice(start.length);
      if (starts.some((other) => other !== start && asNear(other + rest))) return true;
    }
  }
  // A lost first letter is as near to "infection" as to "fection": a negation must be nearer.
  const nearer = (other: string): boolean => editDistance(typed, other, steps) < steps;
  for (const start of NEGATIONS) {
    const slip = start === 'a' && /^[aeiou]/u.test(word); // it would be "an-": "aarea" is "area"
    if ((!slip && nearer(start + word)) || (word.startsWith(start) && nearer(word.slice(start.length))))
      return true;
  }
  const [side, other] = [sideOf(typed), sideOf(word)];
  return side !== null && other !== null && side !== other;
}

/** "in homogeneous" for "inhomogeneous". */
export function negates(parts: readonly string[], word: string): boolean {
  const [first, ...others] = parts;
  return others.length === 1 && first !== undefined && NEGATIONS.includes(first) && word.startsWith(first);
}

/** The side that a word names, slips included. */
function sideOf(word: string): string | null {
  if (/^[lr][uml]l$/.test(word)) return word.startsWith('l') ? 'left' : 'right';
  if (!namesSide(word)) return null;
  const read = clausesOf(word)[0]?.[0]?.words.map(({ known }) => known) ?? [word];
  return read.some((one) => one.startsWith('left')) ? 'left' : 'right';
}
