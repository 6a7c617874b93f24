/** Where core's zones are on the image, for drawing: the very lines by which masks are checked (`imageFrame`). */
import { imageFrame, type StatedSides, sidesToTell, THIRDS, zoneBit, type ZoneSet } from '@reclmis/core';

export interface ZoneRect {
  /** Bit in the note's convention. */
  readonly zone: ZoneSet;
  /** Such as "upper left". */
  readonly name: string;
  /** Image pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function zoneRects(width: number, height: number, sides: StatedSides): ZoneRect[] {
  const { midline, imageLeft } = imageFrame(width, height);
  const edges = [0, imageLeft[0], imageLeft[1], height] as const;
  const [onLeft, onRight] =
    sidesToTell(sides) === 'image' ? (['left', 'right'] as const) : (['right', 'left'] as const);
  return [onLeft, onRight].flatMap((side, column) =>
    THIRDS.map((third, row) => ({
      zone: zoneBit(side, third),
      name: `${third} ${side}`,
      x: column === 0 ? 0 : midline,
      y: edges[row]!,
      width: column === 0 ? midline : width - midline,
      height: edges[row + 1]! - edges[row]!,
    })),
  );
}

/** The zone of a point in image pixels. */
export function zoneAt(rects: readonly ZoneRect[], x: number, y: number): ZoneRect | null {
  return (
    rects.find((one) => x >= one.x && x < one.x + one.width && y >= one.y && y < one.y + one.height) ?? null
  );
}
