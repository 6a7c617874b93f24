/** How the OpenAPI document describes the confidence in a mask. */
import type { Confidence } from '@reclmis/core';

type Described<T> = Readonly<Record<keyof T, object>>;

const presence: Described<Confidence['presence']> = {
  probability: { type: 'number', description: '0 to 1' },
  calibrated: {
    type: 'boolean',
    description:
      'false if the validation cases had too few empty masks to fit it; the probability is then the highest of all pixels',
  },
};

const properties: Described<Confidence> = {
  dice: { type: 'number', description: 'predicted Dice of the mask, 0 to 1' },
  calibrated: {
    type: 'boolean',
    description: 'false if the image is unlike those of the training (IMAGE_UNUSUAL)',
  },
  presence: {
    type: 'object',
    description: 'whether anything that the note names is in the image',
    required: Object.keys(presence),
    properties: presence,
  },
};

export const CONFIDENCE = {
  type: 'object',
  description:
    'how good the mask is by its own probabilities, calibrated on validation cases; absent if the model is not calibrated, or another threshold was asked for. No statement about a patient.',
  required: Object.keys(properties),
  properties,
} as const;
