/** The curves of the run that is followed: loss and validation Dice by epoch, as they are written. */
import type { JSX } from 'preact';
import { say } from '../strings.js';
import { useStudio } from '../studio.js';

/** Units of the drawings, which are as wide as the panel. */
const [WIDTH, HEIGHT] = [320, 72];

export function Training(): JSX.Element | null {
  const epochs = useStudio((state) => state.epochs);
  if (epochs === null) return null;
  const last = epochs.at(-1);
  if (last === undefined)
    return (
      <section class="section training">
        <h2>{say('training')}</h2>
        <p class="quiet small">{say('trainingFirst')}</p>
      </section>
    );
  const best = epochs.findLast((one) => one.best) ?? last;
  return (
    <section class="section training">
      <div class="head">
        <h2>{say('training')}</h2>
        <span class="quiet">{say('trainingEpoch', { epoch: last.epoch })}</span>
      </div>
      <Curve
        name={say('trainingLoss')}
        value={last.loss.toPrecision(3)}
        values={epochs.map(({ loss }) => loss)}
        most={Math.max(...epochs.map(({ loss }) => loss))}
      />
      <Curve
        name={say('trainingDice')}
        value={last.dice.toFixed(3)}
        values={epochs.map(({ dice }) => dice)}
        most={1}
        marked={epochs.indexOf(best)}
      />
      <p class="quiet small">{say('trainingBest', { dice: best.dice.toFixed(3), epoch: best.epoch })}</p>
    </section>
  );
}

interface CurveProps {
  readonly name: string;
  /** The last one, in words. */
  readonly value: string;
  readonly values: readonly number[];
  /** At the upper edge; 0 is at the lower one. */
  readonly most: number;
  /** Index of a value with a dot. */
  readonly marked?: number;
}

function Curve({ name, value, values, most, marked }: CurveProps): JSX.Element {
  const x = (i: number): number =>
    values.length === 1 ? WIDTH / 2 : 3 + ((WIDTH - 6) * i) / (values.length - 1);
  const y = (one: number): number => 3 + (HEIGHT - 6) * (1 - (most > 0 ? one / most : 0));
  const points = values.map((one, i) => `${x(i).toFixed(1)},${y(one).toFixed(1)}`);
  const dot = marked ?? (values.length === 1 ? 0 : null);
  return (
    <figure class="curve">
      <figcaption>
        <span class="quiet">{name}</span> <strong>{value}</strong>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${name}: ${value}`}>
        <path d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} class="ground" />
        <polyline points={points.join(' ')} />
        {dot !== null && <circle cx={x(dot)} cy={y(values[dot]!)} r="3" />}
      </svg>
    </figure>
  );
}
