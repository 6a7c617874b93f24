/** What flips and turns of the images do to training notes; each note is read once. */
import { mirroredNote, namesAnyPlace, type Vocabulary } from '@reclmis/core';

export interface NoteMotion {
  /** The mirror image's note; null if the note names a side in words that cannot be exchanged. */
  readonly mirrored: string | null;
  /** Turning the image may make the note untrue. */
  readonly placed: boolean;
}

export class NoteMotions {
  private readonly known = new Map<string, NoteMotion>();

  /** @param vocabulary in whose words the notes are; null: core's `chest` */
  constructor(private readonly vocabulary: Vocabulary | null = null) {}

  of(note: string): NoteMotion {
    let found = this.known.get(note);
    if (found === undefined) {
      const own = this.vocabulary ?? undefined;
      const mirrored = mirroredNote(note, own);
      found = { mirrored, placed: mirrored === null || namesAnyPlace(note, own) };
      this.known.set(note, found);
    }
    return found;
  }
}
