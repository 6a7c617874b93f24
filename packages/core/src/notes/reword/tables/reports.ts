/**
 * What reports say around a finding and what they say is absent. No sentence names a height of a lung, and a
 * side only if it has no finding.
 */
import type { BySet, Denials, Surroundings } from '../wording.js';

export const SURROUNDINGS: BySet<Surroundings> = {
  train: {
    before: [
      ['AP portable film.', 'PA chest radiograph.', 'Supine portable view.'],
      [
        'Heart size is normal.',
        'The heart is not enlarged.',
        'The cardiac silhouette is within normal limits.',
      ],
      ['The trachea is midline.', 'Mediastinal contours are unremarkable.'],
      ['Nasogastric tube in situ.', 'An endotracheal tube is in place.', 'Central line on the {s} side.'],
    ],
    after: [
      ['No pleural effusion.', 'There is no effusion or pneumothorax.', 'Small {s} pleural effusion.'],
      ['No bony abnormality.', 'The bones are unremarkable.', 'Old {s} rib fracture.'],
      ['Follow-up is advised.', 'Clinical correlation is recommended.'],
    ],
  },
  test: {
    before: [
      ['Portable chest X-ray, semi-erect.', 'Frontal projection, adequate inspiration.'],
      ['Cardiac size normal.', 'Mild cardiomegaly.', 'Heart and great vessels appear normal.'],
      ['Mediastinum is central.', 'The aorta is unfolded.'],
      ['A {s} subclavian line is noted.', 'ECG leads overlie the chest.', 'Pacemaker on the {s}.'],
    ],
    after: [
      ['Pleural spaces are clear.', 'No pneumothorax.', 'Blunting of the {s} costophrenic angle.'],
      [
        'Osseous structures are intact.',
        'Degenerative change in the spine.',
        'Healed fracture of the {s} clavicle.',
      ],
      ['Please repeat the film in six weeks.', 'Compared with the previous film, no other change.'],
    ],
  },
};

export const DENIALS: BySet<Denials> = {
  train: {
    side: ['The {s} lung is clear.', 'No opacity on the {s}.', '{s} lung clear.'],
    place: ['The {s} {height} is clear.', 'No opacity in the {s} {height}.'],
    heights: { upper: 'upper zone', middle: 'mid zone', lower: 'lower zone' },
    elsewhere: ['No pleural effusion.', 'No pneumothorax.'],
  },
  test: {
    side: [
      'Nothing abnormal in the {s} lung.',
      'The {s} side is spared.',
      'There is no consolidation in the {s} lung.',
    ],
    place: ['The {s} {height} is spared.', 'There is no consolidation in the {s} {height}.'],
    heights: { upper: 'upper lobe', middle: 'perihilar region', lower: 'base' },
    elsewhere: ['There is no effusion.', 'Without pleural fluid.'],
  },
};
