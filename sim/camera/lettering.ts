/** Three pixels a row, five rows a character: a fresh machine has no fonts. */
const glyphs: Record<string, number[]> = {
  "0": [7, 5, 5, 5, 7],
  "1": [2, 6, 2, 2, 7],
  "2": [7, 1, 7, 4, 7],
  "3": [7, 1, 7, 1, 7],
  "4": [5, 5, 7, 1, 1],
  "5": [7, 4, 7, 1, 7],
  "6": [7, 4, 7, 5, 7],
  "7": [7, 1, 2, 2, 2],
  "8": [7, 5, 7, 5, 7],
  "9": [7, 5, 7, 1, 7],
  ":": [0, 2, 0, 2, 0],
  "-": [0, 0, 7, 0, 0],
  "#": [5, 7, 5, 7, 5],
};

/** Digits, `:`, `-`, `#` and spaces as an SVG path, `size` units a pixel, with its top left corner at (x, y). */
export function lettering(text: string, x: number, y: number, size: number): string {
  const path: string[] = [];
  for (const [column, character] of [...text].entries())
    for (const [row, bits] of (glyphs[character] ?? []).entries())
      for (let pixel = 0; pixel < 3; pixel++)
        if (bits & (4 >> pixel))
          path.push(`M${x + (column * 4 + pixel) * size} ${y + row * size}h${size}v${size}h${-size}z`);
  return path.join("");
}
