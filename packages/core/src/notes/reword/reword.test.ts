import { describe, expect, it } from 'vitest';
import { Random } from '../../random.js';
import { mirrorNote } from '../note-mirror.js';
import { parseNote } from '../note.js';
import { canReword, REWORDING_LANGUAGES, type Rewording, REWORDINGS, rewordNote } from './reword.js';
import { ABBREVIATED } from './tables/abbreviated.js';
import { DE } from './tables/de.js';
import { ES } from './tables/es.js';
import { FR } from './tables/fr.js';
import { PARAPHRASED } from './tables/paraphrased.js';
import { DENIALS, SURROUNDINGS } from './tables/reports.js';
import { ZH } from './tables/zh.js';
import { type Wording, WORDING_SETS } from './wording.js';

const ONE = 'Unilateral pulmonary infection, one infected area, lower left lung.';
const TWO =
  'Bilateral pulmonary infection, three infected areas, upper left lung and middle lower right lung.';
const reword = (note: string, kind: Rewording, seed: number, set: 'train' | 'test' = 'test') =>
  rewordNote(note, { kind, set }, Random.from(seed));
const many = (note: string, kind: Rewording, set: 'train' | 'test' = 'test'): string[] =>
  Array.from({ length: 200 }, (_, seed) => reword(note, kind, seed, set) ?? '');

describe('rewordNote', () => {
  it('writes the finding in other words', () => {
    expect(REWORDINGS.map((kind) => reword(TWO, kind, 1))).toEqual([
      'Left lung upper and right lung middle lower, three areas infected, pulmonary infection, bilateral.',
      'Three hazy shadows are seen in the left upper lobe and in the right middle and lower lobes.',
      '3 areas of consol @ LUZ and RMZ & RLZ',
      'Bilateral pulmonary infection, three infected areas, upper lefy lng and middle lower right lung.',
      'Portable chest X-ray, semi-erect. The aorta is unfolded. Findings: three foci of pneumonia in the right middle and lower lobes and in the left upper lobe. Osseous structures are intact. Please repeat the film in six weeks.',
      'Bilateral pulmonary infection, three infected areas, upper left lung and middle lower right lung. There is no consolidation in the left base.',
      'Se aprecian tres consolidaciones en la región perihiliar derecha y en la base derecha y también en el lóbulo superior izquierdo.',
    ]);
    expect(REWORDINGS.map((kind) => reword(ONE, kind, 1, 'train'))).toEqual([
      'One infected area, left lower lung, pulmonary infection unilateral.',
      'A single opacity in the lower third of the left lung.',
      'LLL: 1 infiltrate',
      'Unilateral pulmonary infecion, one infected area, lower left lungg.',
      'Supine portable view. Mediastinal contours are unremarkable. In the lower third of the left lung there is one area of consolidation. Old right rib fracture. Follow-up is advised.',
      'Unilateral pulmonary infection, one infected area, lower left lung. The right lung is clear.',
      'Una opacidad única en el campo inferior izquierdo.',
    ]);
  });

  it('gives the same words for the same seed', () => {
    for (const kind of REWORDINGS) {
      expect(many(TWO, kind)).toEqual(many(TWO, kind));
      expect(new Set(many(TWO, kind)).size, kind).toBeGreaterThan(5);
    }
  });

  it('keeps the words of a reordered note, and each height next to its side', () => {
    const words = (text: string): string[] => (text.toLowerCase().match(/\w+/gu) ?? []).sort();
    for (const set of WORDING_SETS)
      for (const text of many(TWO, 'reordered', set)) {
        expect(words(text)).toEqual(words(TWO));
        const [places = ''] = text.toLowerCase().match(/[^,]* and [^,.]*/u) ?? [];
        const [left] = places.split(' and ').filter((place) => place.includes('left'));
        expect(words(left ?? '')).toEqual(['left', 'lung', 'upper']);
      }
  });

  it('misspells one to three words, and never left, right or a height into another word', () => {
    const meaningful = /\b(?:left|right|upper|middle|lower|one|two|three|four|the|low)\b/gu;
    const named = [...TWO.matchAll(meaningful)].map(([word]) => word);
    for (const text of many(TWO, 'misspelt')) {
      const [before, after] = [TWO.split(' '), text.split(' ')];
      expect(after.length).toBe(before.length);
      const wrong = after.filter((word, i) => word !== before[i]);
      expect(wrong.length).toBeGreaterThanOrEqual(1);
      expect(wrong.length).toBeLessThanOrEqual(3);
      const kept = [...text.matchAll(meaningful)].map(([word]) => word);
      expect(kept.every((word) => named.includes(word))).toBe(true);
    }
  });

  it('names no height in the report around a finding, and a side only if it has none', () => {
    for (const set of WORDING_SETS) {
      const { before, after } = SURROUNDINGS[set];
      const sentences = [...before, ...after].flat();
      for (const text of sentences)
        expect(text).not.toMatch(
          /\b(?:left|right|upper|middle|mid|lower|apex|base|lungs?|zones?|lobes?)\b/iu,
        );
      for (const text of many(ONE, 'verbose', set).filter((one) => /line|effusion|fracture/u.test(one)))
        expect(text).not.toMatch(/left (?:side|sub|pleural|rib|cost)|the left\.|clavicle on the left/u);
      for (const text of many(TWO, 'verbose', set))
        expect(text).not.toMatch(/(?:left|right) (?:side|subclavian|pleural|rib|costo|clavicle)/u);
    }
  });

  it('denies only what the note does not say', () => {
    for (const set of WORDING_SETS) {
      for (const text of many(ONE, 'negated', set)) {
        expect(text.startsWith(`${ONE} `)).toBe(true);
        expect(text.slice(ONE.length)).toMatch(/right/iu);
        expect(text.slice(ONE.length)).not.toMatch(/left/iu);
      }
      const whole = 'Bilateral pulmonary infection, two infected areas, all left lung and all right lung.';
      for (const text of many(whole, 'negated', set))
        expect(text.slice(whole.length)).toMatch(/effusion|pneumothorax|fluid/u);
    }
  });

  it('has nothing to reword in other notes', () => {
    for (const note of [
      '',
      'The nuclei are sparsely distributed.',
      'Patchy infiltrates.',
      'Infiltrat im linken Oberfeld.',
      'Pulmonary infection, all lung.',
      'Pulmonary infection, zero infected areas, left lung.',
    ]) {
      expect(canReword(note), note).toBe(false);
      for (const kind of REWORDINGS) expect(reword(note, kind, 1), note).toBeNull();
    }
    expect(canReword(ONE)).toBe(true);
  });

  it('is still a note of the grammar when reordered, and mirrors', () => {
    for (const text of many(ONE, 'reordered')) {
      expect(parseNote(text).places, text).toEqual([{ side: 'left', zones: ['lower'] }]);
      expect(parseNote(mirrorNote(text)).places, text).toEqual([{ side: 'right', zones: ['lower'] }]);
    }
  });
});

describe('the templates for training and testing', () => {
  const wordings: Record<string, Readonly<Record<'train' | 'test', Wording>>> = {
    paraphrased: PARAPHRASED,
    abbreviated: ABBREVIATED,
    de: DE,
    es: ES,
    fr: FR,
    zh: ZH,
  };
  const shared = (a: readonly string[], b: readonly string[]): string[] => a.filter((one) => b.includes(one));
  const forms = ({ places }: Wording): string[] =>
    Object.values(places)
      .flat()
      .flatMap(({ one, both }) => [...Object.values(one).flat(), ...Object.values(both ?? {})]);
  const names = ({ findings }: Wording): string[] =>
    findings.flatMap(({ one, many, some }) => [...one, many, some]);

  it.each(Object.keys(wordings))('share no sentence, synonym or form of a place: %s', (key) => {
    const { train, test } = wordings[key]!;
    const sentences = (one: Wording) => [...one.sentences, ...(one.bilateral ?? [])];
    expect(shared(names(train), names(test))).toEqual([]);
    expect(shared(sentences(train), sentences(test))).toEqual([]);
    // The one abbreviation of a zone that is no lobe.
    expect(shared(forms(train), forms(test)).filter((form) => form !== 'LMZ')).toEqual([]);
  });

  it('share no sentence around a finding and no denial', () => {
    const around = (set: 'train' | 'test') =>
      [...SURROUNDINGS[set].before, ...SURROUNDINGS[set].after].flat();
    expect(shared(around('train'), around('test'))).toEqual([]);
    const denials = (set: 'train' | 'test') => {
      const { side, place, elsewhere, heights } = DENIALS[set];
      return [...side, ...place, ...elsewhere, ...Object.values(heights)];
    };
    expect(shared(denials('train'), denials('test'))).toEqual([]);
  });

  it('never give the same text', () => {
    for (const note of [ONE, TWO])
      for (const kind of REWORDINGS)
        expect(shared(many(note, kind, 'train'), many(note, kind)), kind).toEqual([]);
  });

  it('translate into each language', () => {
    const texts = REWORDING_LANGUAGES.map((language) =>
      rewordNote(ONE, { kind: 'translated', set: 'test', language }, Random.from(1)),
    );
    expect(texts).toEqual([
      'Es findet sich eine solitäre Konsolidierung im Unterlappen links.',
      'Hallazgos: un foco neumónico solitario en la base izquierda.',
      'La radiographie montre une condensation isolée de la base gauche.',
      '胸片示左下肺一个渗出灶。',
    ]);
  });
});
