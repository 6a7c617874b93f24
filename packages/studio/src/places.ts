/** What the page fetches from next to itself; servers put it there. */
export const PLACES = { model: 'model/', runtime: 'ort/', samples: 'samples/' } as const;
