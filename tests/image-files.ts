/** For tests: small image files of every kind that decoders differ in. */
import { Random } from '@reclmis/core';
import { encodePng16 } from '@reclmis/files';
import sharp, { type Sharp } from 'sharp';

const WIDTH = 61;
const HEIGHT = 43;

export interface ImageFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** By how much a value may be off from Node's decoder, of 255. */
  readonly worst: number;
  /** How it is refused with a limit of 10,000 pixels, if it is. */
  readonly code?: string;
}

/** PNG in its variants, which every decoder must agree on; JPEG as libjpeg-turbo makes it; files that are damaged, too large or of other formats. */
export async function imageFiles(): Promise<ImageFile[]> {
  const random = Random.from('image files');
  const noise = (channels: number): Uint8Array =>
    Uint8Array.from({ length: WIDTH * HEIGHT * channels }, () => random.int(256));
  const smooth = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH)];
    return 128 + 100 * Math.sin(x / 7 + (i % 3)) * Math.cos(y / 5);
  });
  const from = (data: Uint8Array, channels: 1 | 3 | 4): Sharp =>
    sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } });
  const png = await from(noise(3), 3).png().toBuffer();
  const jpeg = await from(smooth, 3).jpeg({ quality: 90 }).toBuffer();
  const flipped = Buffer.from(png);
  flipped[png.length >> 1]! ^= 0x55;
  const sixteen = Uint16Array.from({ length: WIDTH * HEIGHT }, () => random.int(65536));

  const same = (name: string, bytes: Uint8Array, worst = 0): ImageFile => ({ name, bytes, worst });
  const refused = (name: string, code: string, bytes: Uint8Array): ImageFile => ({
    name,
    bytes,
    worst: 0,
    code,
  });
  return [
    same('colour PNG', png),
    same('grey PNG', await from(noise(1), 1).toColourspace('b-w').png().toBuffer()),
    same('palette PNG', await from(smooth, 3).png({ palette: true, colours: 16 }).toBuffer()),
    same('interlaced PNG', await from(noise(3), 3).png({ progressive: true }).toBuffer()),
    same('PNG with alpha', await from(noise(4), 4).png().toBuffer()),
    same('PNG with a colour profile', await from(noise(3), 3).png().withIccProfile('p3').toBuffer()),
    same('16-bit PNG', await encodePng16(sixteen, WIDTH, HEIGHT), 1), // Chromium rounds to 8 bits by another rule
    same('JPEG', jpeg),
    same('progressive JPEG', await from(smooth, 3).jpeg({ progressive: true }).toBuffer()),
    same('grey JPEG', await from(noise(1), 1).toColourspace('b-w').jpeg().toBuffer()),
    same('turned JPEG', await from(smooth, 3).jpeg().withMetadata({ orientation: 6 }).toBuffer()),
    refused('CMYK JPEG', 'IMAGE_UNSUPPORTED', await from(smooth, 3).toColourspace('cmyk').jpeg().toBuffer()),
    refused('TIFF', 'IMAGE_UNSUPPORTED', await from(smooth, 3).tiff().toBuffer()),
    refused('WebP', 'IMAGE_UNSUPPORTED', await from(smooth, 3).webp().toBuffer()),
    refused('nothing', 'IMAGE_UNREADABLE', new Uint8Array()),
    refused('cut PNG', 'IMAGE_UNREADABLE', png.subarray(0, png.length / 2)),
    refused('cut JPEG', 'IMAGE_UNREADABLE', jpeg.subarray(0, jpeg.length / 2)),
    refused('damaged PNG', 'IMAGE_UNREADABLE', flipped),
    refused(
      'large PNG',
      'IMAGE_TOO_LARGE',
      await sharp({ create: { width: 101, height: 100, channels: 3, background: 'grey' } })
        .png()
        .toBuffer(),
    ),
    refused(
      'large JPEG',
      'IMAGE_TOO_LARGE',
      await sharp({ create: { width: 101, height: 100, channels: 3, background: 'grey' } })
        .jpeg()
        .toBuffer(),
    ),
  ];
}
