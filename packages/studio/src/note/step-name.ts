/** The history's steps in words. */
import type { Step } from '../state/state.js';
import { say } from '../strings.js';
import { changedWords } from './pieces.js';

/** A step in words: what a note step added, or its new note. */
export function stepName(step: Step): string {
  switch (step.kind) {
    case 'opened':
      return say('stepOpened');
    case 'note': {
      const { from, to } = step;
      if (from.text === to.text)
        return say('stepSides', { sides: to.sides === 'image' ? say('image') : say('patient') });
      const [first, last] = [
        changedWords(from.text, to.text).b.at(0),
        changedWords(from.text, to.text).b.at(-1),
      ];
      return say('stepNote', { text: first && last ? to.text.slice(first.start, last.end) : to.text });
    }
    case 'threshold':
      return say('stepThreshold', { threshold: step.to.toFixed(2) });
    case 'edit':
      if (step.name === 'earlier') return say('stepEarlier');
      return step.name === 'model' ? say('toolModel') : step.name;
  }
}
