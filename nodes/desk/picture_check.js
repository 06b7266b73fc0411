// Whether a file is a picture that the server can read: by its content, never by its name.

const ASCII = (bytes, from, to) => String.fromCharCode(...bytes.slice(from, to));
const NOT_HERE = new Set(["TIFF picture"]); // the server reads it, a browser does not
const READ = new Set(["PNG", "JPEG", "GIF", "WebP", "BMP", "AVIF"].map((one) => `${one} picture`).concat(...NOT_HERE));
const ALONE = /text|sound/;

/** What the first bytes of a file say that it is, "" when they say nothing. */
function kindOf(bytes) {
  if (bytes[0] === 0x89 && ASCII(bytes, 1, 4) === "PNG") return "PNG picture";
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "JPEG picture";
  const start = ASCII(bytes, 0, 4);
  if (start === "GIF8") return "GIF picture";
  if (start === "RIFF") return ASCII(bytes, 8, 12) === "WEBP" ? "WebP picture" : "sound or film";
  if (start === "II*\0" || start === "MM\0*") return "TIFF picture";
  if (ASCII(bytes, 4, 8) === "ftyp") {
    const brand = ASCII(bytes, 8, 12);
    return brand.startsWith("avi") ? "AVIF picture" : /^(hei|hev|mif)/.test(brand) ? "HEIC picture" : "film";
  }
  if (start === "8BPS") return "Photoshop file";
  if (start === "%PDF") return "PDF";
  if (start.startsWith("PK")) return "zip archive";
  if (start.startsWith("BM")) return "BMP picture";
  const text = ASCII(bytes, 0, bytes.length).trimStart();
  if (/^<(\?xml|svg)/i.test(text)) return "SVG drawing";
  if (text.startsWith("<")) return "web page";
  return text.startsWith("{") ? "JSON text" : "";
}

/** The first bytes of a file; raises in words where it cannot be read. */
export async function beginningOf(file) {
  try {
    return new Uint8Array(await file.slice(0, 64).arrayBuffer());
  } catch {
    throw new Error(`${file.name} cannot be read. It is a folder, or was moved or changed since it was chosen: choose a file again.`);
  }
}

/** Resolves when the file is a picture; raises with what it is instead and what to do. */
export async function checkPicture(file) {
  const beginning = await beginningOf(file);
  if (!file.size) throw new Error(`${file.name} is empty. Choose a picture.`);
  const kind = kindOf(beginning);
  const advice = "Choose a PNG, JPEG or WebP picture.";
  if (!READ.has(kind)) throw new Error(`${file.name} is no picture that can be used${kind ? `: it is ${ALONE.test(kind) ? "" : /^(SVG|HEIC)/.test(kind) ? "an " : "a "}${kind}` : ""}. ${advice}`);
  if (NOT_HERE.has(kind)) return;
  try {
    (await createImageBitmap(file)).close();
  } catch {
    throw new Error(`${file.name} begins like ${kind.replace(" picture", "")}, but is damaged or too large to be opened here. Save it again, or choose another.`);
  }
}
