/** How well the shown mask agrees with the case's true one. */
import type { JSX } from 'preact';
import { hasTruth } from '../state/cases.js';
import { say } from '../strings.js';
import { useStudio } from '../studio.js';

export function TruthLine(): JSX.Element | null {
  const there = useStudio((state) => hasTruth(state.cases) && state.result !== null);
  const dice = useStudio(({ cases }) =>
    cases.shown === null ? null : (cases.figures[cases.shown]?.dice ?? null),
  );
  if (!there || dice === null) return null;
  return (
    <div class="measure truth" title={say('truthRule')}>
      <span>{say('truthDice')}</span>
      <span class="swatch" aria-hidden />
      <strong>{dice.toFixed(2)}</strong>
    </div>
  );
}
