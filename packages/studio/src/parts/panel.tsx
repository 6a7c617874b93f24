/** Question, answer and decision, read downwards: note, finding, measurements, history, actions. */
import type { JSX } from 'preact';
import { useStudio } from '../studio.js';
import { ComparePanel } from './compare-panel.js';
import { Decision } from './decision.js';
import { Finding } from './finding.js';
import { HistorySection } from './history-section.js';
import { Measurements } from './measurements.js';
import { ModelsPanel } from './models-panel.js';
import { NoteSection } from './note-section.js';
import { Training } from './training.js';
import { Welcome } from './welcome.js';

export function Panel(): JSX.Element {
  const hasPicture = useStudio((state) => state.picture !== null);
  const comparing = useStudio((state) => state.compare !== null);
  const models = useStudio((state) => state.compare?.models === true);
  if (comparing) return models ? <ModelsPanel /> : <ComparePanel />;
  return (
    <>
      <NoteSection />
      {hasPicture ? (
        <>
          <div class="scrolled" tabIndex={-1}>
            <Finding />
            <Measurements />
            <HistorySection />
            <Training />
          </div>
          <Decision />
        </>
      ) : (
        <Welcome />
      )}
    </>
  );
}
