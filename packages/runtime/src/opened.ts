/** A picture that stays open for one note after the other. */
import { type ClassEntries, ReclmisError } from '@reclmis/core';
import { knowOptions } from './inputs.js';
import type { Picture } from './picture.js';
import type { ClassSegmentation, NoteOptions, OpenedImage, Segmentation } from './types.js';

/** What a model does for its open pictures. */
export interface PictureSegmenter {
  /** @throws INFERENCE_FAILED after the model's disposal */
  requireOpen(): void;
  segmentPicture(picture: Picture, note: string, options: NoteOptions): Promise<Segmentation>;
  classesOfPicture(picture: Picture, classes: ClassEntries, options: NoteOptions): Promise<ClassSegmentation>;
}

export class OpenedPicture implements OpenedImage {
  private picture: Picture | null;
  readonly width;
  readonly height;
  readonly warnings;
  readonly clinical?: NonNullable<OpenedImage['clinical']>;

  constructor(
    private readonly model: PictureSegmenter,
    picture: Picture,
    private readonly onDispose: (picture: Picture) => Promise<void>,
  ) {
    this.picture = picture;
    this.width = picture.size.width;
    this.height = picture.size.height;
    this.warnings = picture.warnings;
    if (picture.frame) this.clinical = picture.frame;
  }

  async segment(note: string, options: NoteOptions = {}): Promise<Segmentation> {
    const picture = this.requirePicture();
    knowOptions(options);
    return this.model.segmentPicture(picture, note, options);
  }

  async segmentClasses(classes: ClassEntries, options: NoteOptions = {}): Promise<ClassSegmentation> {
    const picture = this.requirePicture();
    knowOptions(options);
    return this.model.classesOfPicture(picture, classes, options);
  }

  async dispose(): Promise<void> {
    const { picture } = this;
    if (picture === null) return;
    this.picture = null;
    await this.onDispose(picture);
  }

  private requirePicture(): Picture {
    this.model.requireOpen();
    if (this.picture === null) throw new ReclmisError('INFERENCE_FAILED', 'the image was already disposed');
    return this.picture;
  }
}
