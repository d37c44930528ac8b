// Reads picture files as the bytes of their pixels. Every error is one sentence for the user.

const MOST_MEGABYTES = 256;

// As in bilevel_jax/images/thermal/pseudo_color.py: how far the channels of a coloured pixel lie apart, and the share
// of such pixels in a colour picture. JPEG gives grey pictures a little colour, and a logo is colour in a small part.
const CHROMA = 40;
const COLORED_SHARE = 0.02;

// Browsers draw what there is of a file that was cut off. So each format has a test that its end is there.
const FORMATS = [
  { start: "\x89PNG\r\n", isWhole: (bytes) => holds(bytes, "IEND", 8) },
  { start: "\xff\xd8\xff", isWhole: (bytes) => holds(bytes, "\xff\xd9", scanOfJpeg(bytes)) },
  { start: "RIFF", isWhole: (bytes) => bytes.length >= 8 + number(bytes, 4) },
  { start: "BM", isWhole: (bytes) => bytes.length >= number(bytes, 2) },
];

/**
 * Reads a file. The pixels are those of the file, turned as its orientation tag says, and not changed by a colour profile.
 *
 * @param {File} file PNG, JPEG, WebP or BMP with 8 bits a channel
 * @returns {Promise<{name: string, width: number, height: number, rgb: Uint8Array}>}
 * @throws {Error} with a sentence that names the file
 */
export async function readPicture(file) {
  if (file.size > MOST_MEGABYTES * 1e6) {
    throw new Error(`${file.name} has ${Math.round(file.size / 1e6)} MB; expected at most ${MOST_MEGABYTES} MB.`);
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.length === 0) throw new Error(`${file.name} is empty; expected a picture.`);
  const format = FORMATS.find(({ start }) => text(bytes, 0, start.length) === start);
  if (!format) throw new Error(`${file.name} is no PNG, JPEG, WebP or BMP file; expected one of these.`);
  if (!format.isWhole(bytes)) throw new Error(`${file.name} is not whole: its end is missing; copy it again.`);
  if (format === FORMATS[0] && bytes[24] === 16) {
    throw new Error(
      `${file.name} has 16 bits a channel, of which a browser reads 8; expected 8 bits, or fuse it with bilevel-fuse.`,
    );
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error(`${file.name} cannot be read as a picture; it may be damaged.`);
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { name: file.name, width, height, rgb: withoutAlpha(context.getImageData(0, 0, width, height).data, file.name) };
}

/** Whether a picture is in colour, beyond a logo and the traces that JPEG leaves in a grey one. */
export function isColored({ rgb }) {
  let colored = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    const [red, green, blue] = [rgb[i], rgb[i + 1], rgb[i + 2]];
    if (Math.max(red, green, blue) - Math.min(red, green, blue) > CHROMA) colored += 1;
  }
  return colored >= (COLORED_SHARE * rgb.length) / 3;
}

/** Whether two pictures have the same pixels. */
export function isSame(one, other) {
  return one.rgb.length === other.rgb.length && one.rgb.every((level, index) => level === other.rgb[index]);
}

/** The pixels as a canvas takes them. */
export function imageData({ width, height, rgb }) {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let pixel = 0; pixel * 3 < rgb.length; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) rgba[pixel * 4 + channel] = rgb[pixel * 3 + channel];
  }
  return new ImageData(rgba, width, height);
}

function withoutAlpha(rgba, name) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let pixel = 0; pixel * 4 < rgba.length; pixel += 1) {
    // A canvas forgets the colours under transparent pixels, and MFNet's files hold the infrared picture there.
    if (rgba[pixel * 4 + 3] !== 255) {
      throw new Error(`${name} has transparent pixels; expected a picture without an alpha channel.`);
    }
    for (let channel = 0; channel < 3; channel += 1) rgb[pixel * 3 + channel] = rgba[pixel * 4 + channel];
  }
  return rgb;
}

function text(bytes, from, to) {
  return String.fromCharCode(...bytes.subarray(from, to));
}

function number(bytes, at) {
  return bytes.length < at + 4 ? Infinity : new DataView(bytes.buffer).getUint32(at, true);
}

/** Where the pixels of a JPEG file begin: behind the headers, whose small preview has an end of its own. */
function scanOfJpeg(bytes) {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    at += 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
  return at;
}

/** Whether the letters occur behind `from`; they are looked for from the end on, where they are in a whole file. */
function holds(bytes, letters, from) {
  for (let at = bytes.length - letters.length; at >= from; at -= 1) {
    if (bytes[at] === letters.charCodeAt(0) && text(bytes, at, at + letters.length) === letters) return true;
  }
  return false;
}
