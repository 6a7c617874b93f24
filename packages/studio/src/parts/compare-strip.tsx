/** Which of two notes' masks is on the image. */
import type { JSX } from 'preact';
import { say } from '../strings.js';
import { useDispatch, useStudio } from '../studio.js';
import { Segmented } from './segmented.js';

export function CompareStrip(): JSX.Element {
  const dispatch = useDispatch();
  const shown = useStudio((state) => state.compare?.shown ?? 'difference');
  const models = useStudio((state) => state.compare?.models === true);
  return (
    <>
      <Segmented
        name="shown"
        label={say(models ? 'compareModels' : 'compareNotes')}
        options={[
          { value: 'difference', label: say('difference'), keys: '1' },
          { value: 'a', label: 'A', keys: '2' },
          { value: 'b', label: 'B', keys: '3' },
          { value: 'both', label: say('sideBySide'), keys: '4' },
        ]}
        value={shown}
        onChange={(value) => dispatch({ type: 'compare/shown', shown: value })}
      />
      <span class="quiet hint">{say('holdForA')}</span>
    </>
  );
}
