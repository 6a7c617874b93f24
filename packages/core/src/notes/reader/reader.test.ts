import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatNote } from '../note.js';
import { mirrorNote } from '../note-mirror.js';
import type { FreeNote, ReadPlace } from './free-note.js';
import { readNote } from './read-note.js';
import { canonicalNote } from './writer.js';

const names = (places: readonly ReadPlace[]): string[] =>
  places
    .flatMap(({ side, zones }) =>
      zones.length === 0 ? [side ?? ''] : zones.map((zone) => (side === null ? zone : `${zone} ${side}`)),
    )
    .sort();
const places = (text: string): string[] => names(readNote(text).places);
const absent = (text: string): string[] => names(readNote(text).absent);
const codes = ({ warnings }: FreeNote): string[] => warnings.map(({ code }) => code);

const ALL_OF_BOTH = ['lower', 'middle', 'upper'].flatMap((height) => [`${height} left`, `${height} right`]);

describe('readNote', () => {
  it('gives the text behind each item', () => {
    const text = 'Two possible opacities in the rigth upper lobe.';
    const { findings, count, extent, uncertain, places: found, statements, ...rest } = readNote(text);
    expect(statements).toEqual([{ finding: 'opacity', places: found, count: 2, elsewhere: false }]);
    expect(count).toEqual({ value: 2, span: { start: 0, end: 3 } });
    expect(uncertain).toEqual({ value: true, span: { start: 4, end: 12 } });
    expect(findings).toEqual([{ value: 'opacity', span: { start: 13, end: 22 } }]);
    expect(extent?.value).toBe('multifocal');
    expect(found).toEqual([
      {
        side: 'right',
        zones: ['upper'],
        spans: [
          { start: 30, end: 35 },
          { start: 36, end: 41 },
          { start: 42, end: 46 },
        ],
      },
    ]);
    expect(rest).toEqual({
      language: 'en',
      absent: [],
      laterality: 'right',
      unread: [],
      complete: true,
      warnings: [
        {
          code: 'NOTE_WORDS_MENDED',
          message: 'read as typing errors: "rigth" (right?)',
          words: [{ word: 'rigth', nearest: 'right' }],
        },
      ],
    });
  });

  it('keeps the misspelt text of a finding', () => {
    expect(readNote('Consolidaton, left base').findings).toEqual([
      { value: 'consolidation', span: { start: 0, end: 12 }, typed: 'consolidaton' },
    ]);
  });

  it.each([
    ['Consolidation of the right upper and middle lobes', ['middle right', 'upper right']],
    ['Opacities in RUL, RML and LLL', ['lower left', 'middle right', 'upper right']],
    ['Opacity of the left upper and right lower lobe', ['lower right', 'upper left']],
    ['Shadowing in the right and left lower zones', ['lower left', 'lower right']],
    ['Infiltrates at both bases', ['lower left', 'lower right']],
    ['Left mid to lower zone opacity', ['lower left', 'middle left']],
    ['Opacity from apex to base of the right lung', ['lower right', 'middle right', 'upper right']],
    ['Right-sided opacity in the lower zone', ['lower right']],
    ['The upper lobes are consolidated', ['upper left', 'upper right']],
    [
      'In the left base and throughout the right lung there are two opacities',
      ['lower left', 'lower right', 'middle right', 'upper right'],
    ],
    ['All lung right and all lung left, two infected areas', ALL_OF_BOTH],
    ['Man erkennt Konsolidierungen in der ganzen Lunge links sowie in der ganzen Lunge rechts.', ALL_OF_BOTH],
    ['Condensación en la totalidad del pulmón izquierdo y en la totalidad del pulmón derecho.', ALL_OF_BOTH],
    ['Condensation de l’ensemble du poumon gauche ainsi que de l’ensemble du poumon droit.', ALL_OF_BOTH],
    ['LLZ; RLZ - 2 patches ASD.', ['lower left', 'lower right']],
    ['RUL opacity and a basal patch.', ['lower', 'upper right']],
    ['Infiltrate on the left and a patch at the base.', ['lower left']],
    [
      'All rt lung; lt lower zone - 2 areas of consol.',
      ['lower left', 'lower right', 'middle right', 'upper right'],
    ],
    ['Heart and great vessels appear normal. Infiltrate in the left lng', ['left']],
    ['Patchy infiltrates', []],
    ['In the left lower lobe, there is an opacity', ['lower left']],
    ['Consolidation. Right lower lobe.', ['lower right']],
    ['Left lower lobe', ['lower left']],
    ['Opacity in the lower zone and left apex', ['lower', 'upper left']],
    ['Patchy bibasal atelectasis/consolidation, left greater than right', ['lower left', 'lower right']],
    ['Unilateral infection of the lungs, in the upper left lung', ['upper left']],
    ['Left lung: infiltrates in the upper and lower zones', ['lower left', 'upper left']],
    [
      'On the left there is haze in the upper zone and consolidation at the base',
      ['lower left', 'upper left'],
    ],
    ['Lt. sided opacity', ['left']],
    ['Bilateral opacities, worse at the left base', ['lower left', 'right']],
    ['Side: left. Zone: upper. Finding: consolidation.', ['upper left']],
    ['Right and possibly left lower lobe pneumonia', ['lower left', 'lower right']],
    [
      'Opacity of the right upper and middle lobes may represent haemorrhage',
      ['middle right', 'upper right'],
    ],
    ['Opacities in the RUL and LLL are consistent with metastases', ['lower left', 'upper right']],
    ['Opacity at the right base and left basal atelectasis', ['lower left', 'lower right']],
    ['Collapse of the right upper lobe', ['upper right']],
    ['Contusion at the left base, no collapse', ['lower left']],
    ['Lower zones: bilateral opacities', ['lower left', 'lower right']],
    ['opacity right base period heart normal full stop', ['lower right']],
    [
      'Opacity in the upper zone and mid zone and base on the left',
      ['lower left', 'middle left', 'upper left'],
    ],
    ['Opacity in the upper zone, mid zone and base on the left', ['lower left', 'middle left', 'upper left']],
    ['Opacity in the right upper zone and base on the left', ['lower left', 'upper right']],
    ['Opacity in the RUL, now also in the RML', ['middle right', 'upper right']],
    ['RLL consolidation improved, now LLL consolidation', ['lower left', 'lower right']],
    ['Bilateral ground glass, R > L', ['left', 'right']],
    ['Ground glass in both lungs, right more than left', ['left', 'right']],
    ['Bilateral opacities, lower zones > upper zones', ['left', 'right']],
    ['L > R basal opacities', ['lower left', 'lower right']],
    ['R: upper. L: upper and lower.', ['lower left', 'upper left', 'upper right']],
    ['Persistant infitrate right apex', ['upper right']],
    ['Mittellappenpneumonie', ['middle right']],
    ['LLL pneumonia, pls r/v', ['lower left']],
  ])('reads the places of "%s"', (text, expected) => expect(places(text)).toEqual(expected));

  it.each([
    ['No consolidation in the right upper zone', [], ['upper right']],
    ['Resolved RLL pneumonia', [], ['lower right']],
    ['Se ha resuelto la condensación del LSD', [], ['upper right']],
    ['RUL opacity has cleared, RML opacity persists', ['middle right'], ['upper right']],
    ['R LZ consolidation, L UZ spared', ['lower right'], ['upper left']],
    ['Collapse of the middle lobe', ['middle right'], []],
    ['Mass at the right apex. No consolidation.', ['upper right'], []],
    ['No focal opacity', [], ['left', 'right']],
    ['No effusion; consolidation in the RLL', ['lower right'], []],
    ['Right lung clear, infiltrate on the left', ['left'], ['right']],
    ['Consolidation in the RLL and the left lung is clear', ['lower right'], ['left']],
    ['Consolidation at the left base but not on the right', ['lower left'], ['right']],
    ['Opacity at the left base, lungs otherwise clear', ['lower left'], []],
    ['Lungs clear except for an opacity in the LUL', ['upper left'], []],
    ['Infiltrate not seen on the left', [], ['left']],
    ['Left base no longer clear', ['lower left'], []],
    ['No change in the right basal opacity', ['lower right'], []],
    ['No consolidation or effusion on the left', [], ['left']],
    ['Infiltrat im Oberlappen links, nicht jedoch rechts', ['upper left'], ['right']],
    [
      'Right-sided infiltrate, mid to lower zones, left side spared',
      ['lower right', 'middle right'],
      ['left'],
    ],
    ['Right lung clear, no infiltrates', [], ['right']],
    ['Consolidation: none. Cardiomegaly: present.', [], ['left', 'right']],
    ['Consolidation: not seen on the left', [], ['left']],
    ['LUNGS: Right base: clear. Left base: opacity.', ['lower left'], ['lower right']],
    ['left lung clear comma opacity right base', ['lower right'], ['left']],
    ['Abnormal left lung with a mid zone shadow', ['middle left'], []],
    ['Bronchopneumonia, left lower zone, right spared', ['lower left'], ['right']],
    ['Right basal infiltrate and a normal heart', ['lower right'], []],
    ['Consolidation in the LLL is no longer visible', [], ['lower left']],
    ['The left lung is clear except for an opacity at the base', ['lower left'], []],
    ['Clear right lung, left mid zone patch', ['middle left'], ['right']],
    ['Consolidation on the left, contralateral lung clear', ['left'], ['right']],
    ['Consolidation in the RLL, now resolved', [], ['lower right']],
    ['Consolidation in the RLL, not seen yesterday', ['lower right'], []],
    ['R lung - mid zone opacity\nL lung - nil', ['middle right'], ['left']],
    ['It is the left lung, not the right; lower part', ['lower left'], ['right']],
    ['Not on the left - right side only, mid zone', ['middle right'], ['left']],
    ['Nicht links, nur rechts, Mittelfeld', ['middle right'], ['left']],
    ['Solo derecha, tercio inferior, nada a la izquierda', ['lower right'], ['left']],
    ['Uniquement à gauche, tiers supérieur, rien à droite', ['upper left'], ['right']],
    ['仅右侧，下三分之一，左侧没有', ['lower right'], ['left']],
    ['Infiltrat in der Lingula, rechts kein Infiltrat', ['middle left'], ['right']],
  ])('reads the scope of negation in "%s"', (text, present, free) => {
    expect(places(text)).toEqual(present);
    expect(absent(text)).toEqual(free);
  });

  it.each([
    'Small left effusion.',
    'Right PICC line, tip in the SVC. Left-sided pacemaker.',
    'Fracture of the left clavicle.',
    'Left hemidiaphragm raised.',
    'Lytic lesion of the left clavicle.',
    'Collapse of the left-sided vertebral bodies.',
    'Lesión ósea en el húmero izquierdo.',
    'Nodule in the right lobe of the thyroid.',
  ])('takes no place from "%s"', (text) => {
    const note = readNote(text);
    expect([note.places, note.absent, note.findings]).toEqual([[], [], []]);
  });

  it.each([
    ['Right basal consolidation with a small left effusion', ['lower right']],
    ['Left effusion and right basal opacity', ['lower right']],
    ['Opacity abutting the minor fissure in the RUL', ['upper right']],
    ['Consolidation RLL. Effusion L.', ['lower right']],
  ])('tells places of findings from others in "%s"', (text, expected) => {
    expect(places(text)).toEqual(expected);
  });

  it.each([
    ['Opacity in the left or right base', 'NOTE_AMBIGUOUS'],
    ['Lower zone shadow, cannot tell which side', 'NOTE_AMBIGUOUS'],
    ['Infiltrat im Unterfeld, Seite unklar', 'NOTE_AMBIGUOUS'],
    ['Left middle lobe consolidation', 'NOTE_CONTRADICTS'],
    ['Mittellappen links verschattet', 'NOTE_CONTRADICTS'],
    ['Condensación en el lóbulo medio izquierdo', 'NOTE_CONTRADICTS'],
    ['Opacité du lobe moyen gauche', 'NOTE_CONTRADICTS'],
    ['左肺中叶实变', 'NOTE_CONTRADICTS'],
    ['RML collapse, left side affected only', 'NOTE_CONTRADICTS'],
    ['Bibasal consolidation, limited to the right base', 'NOTE_CONTRADICTS'],
    ['Left lower lobe pneumonia - right side', 'NOTE_CONTRADICTS'],
    ['Opacity in the RLL/LLL? Cannot say.', 'NOTE_AMBIGUOUS'],
    ['R LZ consolidation, please check side', 'NOTE_AMBIGUOUS'],
    ['Foyer du lobe supérieur droit, poumon gauche seul atteint', 'NOTE_CONTRADICTS'],
    ['右肺上叶病灶，位于左肺尖', 'NOTE_CONTRADICTS'],
    ['Opacity at either base, not possible to be certain which', 'NOTE_AMBIGUOUS'],
    ['RLL pneumonia. Impression: LLL pneumonia only, right lung clear', 'NOTE_CONTRADICTS'],
    ['Consolidation in the right upper or middle lobe', 'NOTE_AMBIGUOUS'],
    ['Right-sided opacity in the left lower lobe', 'NOTE_CONTRADICTS'],
    ['Left basal opacity at the left apex', 'NOTE_CONTRADICTS'],
    ['Right lingular consolidation', 'NOTE_CONTRADICTS'],
    ['The right lung is consolidated and clear', 'NOTE_CONTRADICTS'],
    ['Opacity in the right lung, namely the LUL', 'NOTE_CONTRADICTS'],
    ['No opacity on the left. Consolidation in the LLL.', 'NOTE_CONTRADICTS'],
    ['The left lung is clear. Consolidation at the left base.', 'NOTE_CONTRADICTS'],
    ['Unilateral infiltrate in both lower lobes', 'NOTE_CONTRADICTS'],
    ['Shadowing at the right or possibly the left apex', 'NOTE_AMBIGUOUS'],
    ['Consolidation in the right, perhaps the left, lower lobe', 'NOTE_AMBIGUOUS'],
    ['Opacity, right/left?', 'NOTE_AMBIGUOUS'],
    ['?R or L basal opacity', 'NOTE_AMBIGUOUS'],
    ['Basal opacity ?R ?L', 'NOTE_AMBIGUOUS'],
    ['Opacity at the left base (right?)', 'NOTE_AMBIGUOUS'],
    ['Opacity in the left lower lobe. Or right?', 'NOTE_AMBIGUOUS'],
    ['Infiltrat rechts oder eher links basal', 'NOTE_AMBIGUOUS'],
    ['Opacity in one of the lower lobes', 'NOTE_AMBIGUOUS'],
    ['Nodule in one of the lungs', 'NOTE_AMBIGUOUS'],
    ['Infiltrat in einem Unterlappen, Seitenmarkierung fehlt', 'NOTE_AMBIGUOUS'],
    ['Opacity right base, correction, left base, or was it right', 'NOTE_AMBIGUOUS'],
    ['Nodule in the left lung, correction pending', 'NOTE_AMBIGUOUS'],
    ['Findings: LUL mass. Impression: mass in the right upper lobe', 'NOTE_CONTRADICTS'],
    ['Verdichtung im linken Oberlappen. Beurteilung: Infiltrat rechts', 'NOTE_CONTRADICTS'],
    ['右肺下叶见片状影。印象：左肺下叶炎症。', 'NOTE_CONTRADICTS'],
    ['Both opacities in the RUL', 'NOTE_CONTRADICTS'],
    ['Opacity in the LLL and right apical possible scarring', 'NOTE_AMBIGUOUS'],
    ['Left base opacity - or is it the right base?', 'NOTE_AMBIGUOUS'],
    ['Side = left; Lobe = RUL; Finding = consolidation', 'NOTE_CONTRADICTS'],
    ['Side: left. Lobe: right upper lobe. Finding: consolidation.', 'NOTE_CONTRADICTS'],
    ['Finding: consolidation. Location: left lower lobe. Side: right.', 'NOTE_CONTRADICTS'],
    ['侧别：左。部位：右肺上叶。病变：实变。', 'NOTE_CONTRADICTS'],
    ['Opacity seen in the RUL, now in the RML', 'NOTE_CONTRADICTS'],
    ['Opacity in the RUL. Now in the RML.', 'NOTE_CONTRADICTS'],
    ['Verschattung im linken Oberlappen, jetzt im Unterlappen', 'NOTE_CONTRADICTS'],
    ['左肺上叶实变影，现位于左肺下叶。', 'NOTE_CONTRADICTS'],
  ])('does not guess at "%s"', (text, code) => {
    const note = readNote(text);
    expect([note.places, note.absent, note.complete]).toEqual([[], [], false]);
    expect(codes(note)).toEqual([code]);
  });

  it.each([
    'Opacity in the left zorgblat lobe',
    'Opacity in the zorgblat',
    'Opacity on the left zorgblat',
    'Opacity in the zorgblat lower lobe',
    'Zorgblat of the consolidation at the right base',
    'The consolidation at the right base has zorgblat',
    'Consolidation at the right base not zorgblat',
    'Left zorgblat lesion',
    'Left zorgblat clear',
    'Opacity on the left, right lung zorgblat',
    'Infiltrate at the left base, right lung zorgblat, heart normal',
  ])('is not complete if a word where a place or predicate is expected is unknown: "%s"', (text) => {
    const note = readNote(text);
    expect(note.complete).toBe(false);
    expect(note.unread.map(({ start, end }) => text.slice(start, end).toLowerCase())).toEqual(['zorgblat']);
    expect(codes(note)).toEqual(['NOTE_PARTLY_READ']);
  });

  it.each([
    ['Zorgblat consolidation at the right base', ['lower right'], []],
    ['Right basal zorgblat consolidation, zorgblat', ['lower right'], []],
    ['Consolidation RLL (zorgblat type)', ['lower right'], []],
    ['No zorgblat abnormality. Opacity in the RLL.', ['lower right'], []],
    ['No zorgblat abnormality', [], []],
    ['Zorgblat clear. Opacity in the RLL.', ['lower right'], []],
    ['Zorgblat nodule in the RUL', ['upper right'], []],
  ])('lets unknown words describe: "%s"', (text, present, free) => {
    const note = readNote(text);
    expect([names(note.places), names(note.absent), note.complete]).toEqual([present, free, true]);
  });

  it('never lets a slip of a deciding word pass', () => {
    for (const text of ['Opacity, fight, base', 'Tight opacity', 'Kleft opacity'])
      expect(readNote(text).complete).toBe(false);
  });

  it.each([
    ['Pneumonia at the left base? No.', [], ['lower left']],
    ['Left-sided hernia? No - this is LLL consolidation', ['lower left'], []],
    ['RLL opacity, CT recommended to exclude a mass', ['lower right'], []],
    ['LLs: bilateral lower zone opacities', ['lower left', 'lower right'], []],
    ['LLL pneumonia, seen on 12/03, has cleared', [], ['lower left']],
    ['?LRTI. No collapse or consolidation.', [], ['left', 'right']],
    ['RUL opacity has cleared. Lungs clear.', [], ['left', 'right']],
    ['Left lung and pleura clear', [], ['left']],
    ['Right lung overinflated, clear', [], ['right']],
    ['Left effusion, heart normal', [], []],
    ['No pneumothorax post biopsy of LUL nodule', ['upper left'], []],
    ['Air-fluid level in RUL cavity', ['upper right'], []],
    ['RUL opacity after left lower lobectomy', ['upper right'], []],
    ['Consolidation with air bronchograms in the RLL', ['lower right'], []],
    ['Left lung whiteout, right lung pristine', ['left'], ['right']],
    ['两肺纹理清晰，未见异常密度影。', [], ['left', 'right']],
    ['The collapsed LLL has re-aerated', [], ['lower left']],
    ['RUL opacity now clear', [], ['upper right']],
    ['Consolidation RLL, left lung is clear', ['lower right'], ['left']],
    ['Consolidation RLL left lung clear', ['lower right'], ['left']],
    ['Haze at both bases, no infiltrate', ['lower left', 'lower right'], []],
    ['LUL pneumonia, lower lobe clear', ['upper left'], ['lower left']],
    ['RML opacity. Hila - normal.', ['middle right'], []],
    ['LLL consolidation after right nephrectomy', ['lower left'], []],
    ['Left effusion, no consolidation', [], ['left', 'right']],
    ['opac RLL. rest clear', ['lower right'], []],
    ['Left lung metastases', ['left'], []],
    ['Left apical cap, old TB on the right', [], []],
    ['Rundherd im OL links bei Nierenzellkarzinom', ['upper left'], []],
  ])('reads answers, purposes and headings in "%s"', (text, present, free) => {
    const note = readNote(text);
    expect([names(note.places), names(note.absent), note.complete, note.uncertain]).toEqual([
      present,
      free,
      true,
      null,
    ]);
  });

  it.each([
    ['Right hilum: opacity. Left lung: clear.', ['opacity']],
    ['Left lower zone, 4 regions', ['4']],
    ['Lesions: RU, RM, right lower lobe', ['RM']],
  ])('is not complete if something is left out: "%s"', (text, left) => {
    const note = readNote(text);
    expect(note.complete).toBe(false);
    expect(note.warnings.map(({ words }) => words?.map(({ word }) => word))).toEqual([left]);
  });

  it('reads doubt in fields, and where a cause is open', () => {
    const doubts = (text: string): boolean => readNote(text).uncertain !== null;
    expect(doubts('Side: left. Zone: lower. Uncertain: yes.')).toBe(true);
    expect(doubts('Side: left. Zone: lower. Uncertain: no.')).toBe(false);
    expect(doubts('Shadowing of both lungs, infection or oedema')).toBe(true);
  });

  it.each([
    ['Nodule in the left, I mean right, upper lobe', ['upper right'], []],
    ['Infiltrate in the right lower lobe. Correction: left lower lobe.', ['lower left'], []],
    ['Opacity left mid zone, sorry, right.', ['middle right'], []],
    ['Opacity left base, correction, apex', ['upper left'], []],
    ['RUL nodule. Sorry for the delay.', ['upper right'], []],
    ['Findings: right basal opacity. Impression: right pneumonia.', ['lower right'], []],
    ['The right infiltrate has gone, the one at the left base persists', ['lower left'], ['right']],
    ['RUL opacity has gone; there is now another at the left base', ['lower left'], ['upper right']],
    ['Le foyer de la base droite a disparu, celui de gauche persiste', ['left'], ['lower right']],
    ['The left base, which had been consolidated, is clear again', [], ['lower left']],
    ['Infiltrate had been in the LLL; now the RLL is involved', ['lower right'], []],
    ['RUL nodule was resected in June. No recurrence.', [], ['upper right']],
    ['Right apical scarring with a nodule', ['upper right'], []],
    ['An opacity, 3 cm, in the left lower lobe abutting the spine', ['lower left'], []],
    ['RUL and RML clear, only the base remains hazy', ['lower right'], ['middle right', 'upper right']],
    ['Mr. Wrigth has an opacity at the left base', ['lower left'], []],
    ['Remito a D. Julián Pérez por nódulo en LSI', ['upper left'], []],
  ])('reads corrections, summaries and what was before in "%s"', (text, present, free) => {
    const note = readNote(text);
    expect([names(note.places), names(note.absent), note.complete]).toEqual([present, free, true]);
  });

  it('counts places of their own, and articles next to a number', () => {
    const count = (text: string): number | null => readNote(text).count?.value ?? null;
    expect(count('RUL 2 nodules, LLL 1')).toBe(3);
    expect(count('A nodule in the RUL, two nodules in the LLL')).toBe(3);
    expect(count('A nodule in the RUL')).toBeNull();
    expect(count('Two nodules in the right lung, one at the apex')).toBe(2);
    expect(count('deux opacités en bas à droite, une en haut à gauche')).toBe(3);
    expect(count('右上3个小结节，左下1个')).toBe(4);
  });

  it('doubts only what is ours', () => {
    expect(readNote('RUL tumour, suspected adrenal metastasis').uncertain).toBeNull();
    expect(readNote('RUL mass, suspicious for metastasis').uncertain).not.toBeNull();
  });

  it('ignores unknown words about something else', () => {
    const note = readNote('Zorgblat wires intact. Opacity in the RLL.');
    expect([names(note.places), note.complete]).toEqual([['lower right'], true]);
  });

  it('never takes a word for its opposite', () => {
    for (const text of ['Opacity, bright lower lobe', 'Opacity in the slight lower lobe'])
      expect(readNote(text).laterality).toBeNull();
  });

  it.each([
    ['Possible consolidation at the left base', true],
    ['Left basal consolidation; possible small effusion', false],
    ['Opacity in the RUL, may represent atelectasis', true],
    ['Infiltrate in the RUL cannot be excluded', true],
    ['Shadow at the left apex. It is probably a neoplasm.', true],
    ['Opacity at the left base. Possible small effusion.', false],
    ['Opacity at the left base. Possibly atelectasis.', true],
    ['Infiltrat links basal. Wahrscheinlich Atelektase.', true],
  ])('reads uncertainty in "%s"', (text, expected) => {
    expect(readNote(text).uncertain !== null).toBe(expected);
  });

  it.each([
    ['A single opacity on the left', 1, 'focal'],
    ['Three foci in the right lung', 3, 'multifocal'],
    ['Four lesions: two in the RUL, two in the LLL', 4, 'multifocal'],
    ['Opacity of 3 cm in the RUL', null, null],
    ['Several patches on the left', null, 'multifocal'],
    ['Consolidation throughout the right lung', null, 'diffuse'],
    ['No focal consolidation', null, null],
    ['Impression: 1. Left lower lobe pneumonia. 2. No pneumothorax.', null, null],
    ['2 - 3 nodules in the RUL', null, null],
    ['Five or six nodules in both lungs', null, null],
    ['3 opacities in the LLL; 1 in the RLL', 4, 'multifocal'],
    ['Bilateral infection, one infected area, left lung and lower right lung', 1, 'focal'],
    ['One lesion in the left midzone; a second lesion at the right apex', null, null],
    ['Two nodules in the RUL, 8 and 11 mm', 2, 'multifocal'],
    ['One 9 x 12 mm nodule in the RLL', 1, 'focal'],
    ['Opacities x2 in the RUL', 2, 'multifocal'],
    ['2 nodules RUL, 1 nodule LLL', 3, 'multifocal'],
    ['Consolidation RLL x 3 days, follow-up in 6/52, AFB x3', null, null],
    ['Consolidation of segment 10, right base, at the level of T8; oxygen 4L', null, null],
    ['Infiltrat im Segment 6 rechts, SpO2 92', null, null],
    ['1) RUL consolidation 2) no effusion', null, null],
    ['1. 2 opacities in the RUL. 2. No effusion.', 2, 'multifocal'],
    ['Location: LUL. Type: consolidation. Extent: focal.', null, 'focal'],
    ['Number: 2. Type: nodule. Location: LUL.', 2, 'multifocal'],
    ['Foco único de consolidación en el vértice izquierdo', 1, 'focal'],
    ['Opacities, 3 on the right and 1 on the left', 4, 'multifocal'],
    ['Two opacities in the RUL and one in the LLL', 3, 'multifocal'],
    ['Three lesions in the right lung, one in the upper zone and two at the base', 3, 'multifocal'],
    ['Two bilateral nodules, one on the left and one on the right', 2, 'multifocal'],
    ['Side: left. Zone: lower. Count: 3.', 3, 'multifocal'],
    ['Seite: beidseits. Zone: Unterfeld. Anzahl: mehrere.', null, 'multifocal'],
    ['侧别：左。区域：下。数量：3', 3, 'multifocal'],
  ])('reads number and extent in "%s"', (text, count, extent) => {
    const note = readNote(text);
    expect([note.count?.value ?? null, note.extent?.value ?? null]).toEqual([count, extent]);
  });

  it.each([
    ['de', 'Infiltrat im rechten Oberlappen, linke Lunge frei.', ['upper right'], ['left']],
    ['es', 'Opacidad en la base izquierda, pulmón derecho libre.', ['lower left'], ['right']],
    ['fr', 'Plage d’opacité à droite', ['right'], []],
    ['de', 'Verschattung der Ober- und Mittelfelder links', ['middle left', 'upper left'], []],
    ['fr', 'Opacité du lobe supérieur gauche, pas de foyer à droite.', ['upper left'], ['right']],
    ['zh', '右肺上叶见斑片影，左肺清晰。', ['upper right'], ['left']],
  ])('reads %s: "%s"', (language, text, present, free) => {
    const note = readNote(text);
    expect([note.language, names(note.places), names(note.absent)]).toEqual([language, present, free]);
    expect(note.complete).toBe(true);
  });
});

describe('canonicalNote', () => {
  const written = (text: string): string | null => {
    const note = canonicalNote(readNote(text));
    return note === null ? null : formatNote(note);
  };

  it.each([
    [
      'Two patches in the RUL and the left base',
      'Bilateral pulmonary infection, two infected areas, lower left lung and upper right lung.',
    ],
    ['Opacity on the left', 'Unilateral pulmonary infection, left lung.'],
    ['Bilateral infiltrates', 'Bilateral pulmonary infection, left lung and right lung.'],
    ['Consolidation of the entire left lung', 'Unilateral pulmonary infection, all left lung.'],
    [
      'three opacities: LUL, lingula, LLL',
      'Unilateral pulmonary infection, three infected areas, upper middle lower left lung.',
    ],
    ['Basal consolidation', 'Pulmonary infection, lower lung.'],
    [
      'Consolidation in the RUL, right lung otherwise clear',
      'Unilateral pulmonary infection, upper right lung.',
    ],
  ])('writes "%s" as "%s"', (text, expected) => expect(written(text)).toBe(expected));

  it.each([
    'Lungs clear',
    'Patchy infiltrates',
    'Opacity in the left or right base',
    'Opacity, left zorgblat base',
    '',
  ])('has nothing to write for "%s"', (text) => expect(written(text)).toBeNull());
});

describe('any text', () => {
  const word = fc.constantFrom(
    ...'left right both upper mid lower lung lungs lobe RUL LLL lingula bases opacity consolidation clear no not without and or to , . ; but except effusion heart possible two diffuse in the of is with otherwise contralateral zorg'.split(
      ' ',
    ),
  );
  const sentence = fc.array(word, { maxLength: 25 }).map((words) => words.join(' '));

  it('never throws, and spans are parts of it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), sentence),
        (text) => {
          const note = readNote(text);
          const spans = [
            ...note.unread,
            ...[...note.places, ...note.absent].flatMap((place) => place.spans),
            ...[...note.findings, note.count, note.extent, note.uncertain].flatMap((item) =>
              item ? [item.span] : [],
            ),
          ];
          for (const { start, end } of spans) {
            expect(start).toBeGreaterThanOrEqual(0);
            expect(end).toBeGreaterThan(start);
            expect(end).toBeLessThanOrEqual(text.length);
          }
          canonicalNote(note);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives the mirrored result for the mirrored note', () => {
    const swap = (places: readonly ReadPlace[]): string[] =>
      names(
        places.map((place) => ({
          ...place,
          side: place.side === null ? null : place.side === 'left' ? 'right' : 'left',
        })),
      );
    const sided = sentence.filter((text) => !/lingula/.test(text));
    fc.assert(
      fc.property(sided, (text) => {
        const [note, mirrored] = [readNote(text), readNote(mirrorNote(text))];
        expect(names(mirrored.places)).toEqual(swap(note.places));
        expect(names(mirrored.absent)).toEqual(swap(note.absent));
        expect(codes(mirrored)).toEqual(codes(note));
      }),
      { numRuns: 1000 },
    );
  });

  it('is complete only without doubts', () => {
    fc.assert(
      fc.property(sentence, (text) => {
        const note = readNote(text);
        if (note.complete) expect(codes(note).filter((code) => code !== 'NOTE_WORDS_MENDED')).toEqual([]);
      }),
    );
  });
});
