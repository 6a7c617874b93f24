/**
 * Asks the page to follow a run, as `reclmis studio RUN` does: `epochs` is JSON, the run's epochs so far.
 */
export const FOLLOW_RUN = '?run';

/** What the page fetches from next to itself; servers put it there. */
export const PLACES = {
  model: 'model/',
  runtime: 'ort/',
  samples: 'samples/',
  second: 'second/',
  epochs: 'run/epochs.json',
} as const;
