/** Words of interest: the note as the model read it, each word with its share. */
import type { JSX } from 'preact';
import { shownInterest } from '../state/interest.js';
import { say } from '../strings.js';
import { useStudio } from '../studio.js';
import { percent } from './interest-map.js';

/** Per cent of the colour behind a word at the end of the scale: the text keeps its contrast. */
const MOST = 50;
/** The scale goes at least to this multiple of an even share, as the map's does. */
const LEAST_TOP = 2;

export function InterestWords(): JSX.Element | null {
  const interest = useStudio(shownInterest);
  if (interest === null) return null;
  const { words, sent } = interest;
  const top = Math.max(...words.map(({ weight }) => weight), LEAST_TOP / words.length);
  return (
    <section class="interest-words" aria-labelledby="interest-words-title">
      <h3 id="interest-words-title" class="quiet small">
        {say('interestWords')}
      </h3>
      <p>
        {words.map(({ start, end, weight }, i) => (
          <span key={start}>
            {sent.slice(words[i - 1]?.end ?? 0, start)}
            <mark
              title={say('percent', { value: percent(weight) })}
              style={{ '--weight': `${(MOST * weight) / top}%` }}
            >
              {sent.slice(start, end)}
              <span class="unseen"> {say('percent', { value: percent(weight) })}</span>
            </mark>
          </span>
        ))}
        {sent.slice(words.at(-1)?.end ?? 0)}
      </p>
    </section>
  );
}
