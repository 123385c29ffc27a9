import { lettering } from "./lettering.ts";
import { createRandom } from "./random.ts";

/** The picture plane that a scene is drawn on, 4:3 as the sensor. */
const width = 1600;
const height = 1200;

type Random = () => number;

interface Light {
  name: string;
  sky: [string, string, string];
  sun: string;
  hills: [number, number, number];
  /** How much of the sky's colour lies over the far hills, 0 to 1. */
  haze: number;
}

const lights: Light[] = [
  { name: "morning", sky: ["#5b7fb5", "#f2b8a0", "#ffe3c2"], sun: "#fff1cf", hills: [96, 118, 92], haze: 0.75 },
  { name: "noon", sky: ["#2f78c8", "#7db8ea", "#dff0fb"], sun: "#fffbe6", hills: [58, 122, 62], haze: 0.6 },
  { name: "afternoon", sky: ["#3d74b0", "#a9c7dd", "#f7e3bd"], sun: "#fff0bf", hills: [104, 128, 58], haze: 0.65 },
  { name: "evening", sky: ["#2a2f66", "#b4526b", "#ffb25a"], sun: "#ffd58a", hills: [74, 58, 92], haze: 0.7 },
  { name: "night", sky: ["#050b21", "#12224b", "#2c4472"], sun: "#f3f1e1", hills: [24, 36, 60], haze: 0.5 },
];

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}

function blend(from: [number, number, number], to: string, part: number): string {
  const other = [1, 3, 5].map((at) => Number.parseInt(to.slice(at, at + 2), 16));
  return `rgb(${from.map((value, i) => Math.round(value + (other[i] - value) * part)).join(",")})`;
}

/** A ridge as a sum of waves, closed at the bottom. */
function ridge(random: Random, base: number, roughness: number): { path: string; at: (x: number) => number } {
  const waves = Array.from({ length: 6 }, (_, i) => ({
    length: between(random, 0.7, 1.3) * (1400 / 1.9 ** i),
    depth: between(random, 0.6, 1) * (roughness / 1.75 ** i),
    phase: random() * 6.3,
  }));
  const at = (x: number) =>
    base + waves.reduce((sum, { length, depth, phase }) => sum + Math.sin((x / length) * 6.28 + phase) * depth, 0);
  const points: string[] = [];
  for (let x = 0; x <= width; x += 10) points.push(`${x} ${at(x).toFixed(1)}`);
  return { path: `M0 ${height}L${points.join("L")}L${width} ${height}z`, at };
}

function drawSun(random: Random, light: Light): string {
  const x = between(random, 200, width - 200);
  const low = light.name === "evening" || light.name === "morning";
  const y = low ? between(random, 420, 560) : between(random, 120, 360);
  return `<circle cx="${x}" cy="${y}" r="420" fill="url(#glow)" /><circle cx="${x}" cy="${y}" r="${between(random, 48, 70)}"
    fill="${light.sun}"/>`;
}

function drawStars(random: Random): string {
  const stars = Array.from({ length: 160 }, () => {
    const [x, y] = [random() * width, random() * 700];
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${between(random, 0.8, 2.4).toFixed(1)}"/>`;
  });
  return `<g fill="#fff" opacity="0.8">${stars.join("")}</g>`;
}

function drawClouds(random: Random): string {
  const clouds: string[] = [];
  for (let cloud = 0; cloud < 3 + random() * 5; cloud++) {
    const [x, y, size] = [random() * width, between(random, 80, 480), between(random, 50, 130)];
    for (let puff = 0; puff < 9; puff++) {
      const cx = x + between(random, -2.2, 2.2) * size;
      const cy = y + between(random, -0.35, 0.25) * size;
      const [rx, ry] = [between(random, 0.6, 1.3) * size, between(random, 0.25, 0.5) * size];
      clouds.push(`<ellipse cx="${cx.toFixed(0)}" cy="${cy.toFixed(0)}" rx="${rx.toFixed(0)}" ry="${ry.toFixed(0)}"/>`);
    }
  }
  return `<g fill="#fff" opacity="0.28">${clouds.join("")}</g>`;
}

function drawTrees(random: Random, ground: (x: number) => number, colour: string): string {
  const trees = Array.from({ length: 90 }, () => {
    const x = random() * width;
    const [y, size] = [ground(x) + between(random, 10, 160), between(random, 22, 60)];
    const tiers = [0, 1, 2].map((tier) => {
      const [top, half] = [y - size * (2.1 - tier * 0.55), size * (0.3 + tier * 0.13)];
      return `M${(x - half).toFixed(1)} ${(top + size * 0.95).toFixed(1)}L${x.toFixed(1)} ${top.toFixed(1)}L${(x + half).toFixed(1)} ${(top + size * 0.95).toFixed(1)}z`;
    });
    return { y, path: tiers.join("") };
  });
  trees.sort((a, b) => a.y - b.y);
  return `<path fill="${colour}" d="${trees.map((tree) => tree.path).join("")}"/>`;
}

function drawHouse(random: Random, ground: (x: number) => number, night: boolean): string {
  const x = between(random, 250, width - 400);
  const y = ground(x) + 60;
  const window = night ? "#ffd976" : "#cfe3ee";
  return `<g transform="translate(${x.toFixed(0)} ${y.toFixed(0)})"><rect width="150" height="90" y="-90" fill="#b9a48a"/>
    <path d="M-18 -84L75 -160L168 -84z" fill="#7c3b33"/><rect x="22" y="-66" width="30" height="30" fill="${window}"/>
    <rect x="98" y="-66" width="30" height="30" fill="${window}"/><rect x="62" y="-50" width="26" height="50" fill="#5b4434"/></g>`;
}

function drawHills(random: Random, light: Light): string {
  const hills: string[] = [];
  let last = ridge(random, 640, 60);
  for (let layer = 0; layer < 4; layer++) {
    const near = layer / 3;
    last = ridge(random, 600 + near * 330, 80 - near * 25);
    hills.push(`<path d="${last.path}" fill="${blend(light.hills, light.sky[2], light.haze * (1 - near))}"/>`);
    if (layer === 2) hills.push(drawHouse(random, last.at, light.name === "night"));
  }
  const dark = light.hills.map((value) => value * 0.55) as [number, number, number];
  return hills.join("") + drawTrees(random, last.at, blend(dark, light.sky[2], 0.05));
}

/** Text in the corner: when and which, so that no two pictures are alike to the eye either. */
function drawStamp(number: number, time: Date): string {
  const stamp = `${time.toISOString().slice(0, 19).replace("T", " ")} #${number}`;
  const path = lettering(stamp, 48, height - 90, 9);
  return `<path d="${path}" fill="#000" opacity="0.55" transform="translate(4 4)"/><path d="${path}" fill="#fff" opacity="0.92"/>`;
}

/**
 * A landscape as SVG: sky and sun of some hour, clouds, hills, trees, a house. The same seed and number give the same
 * picture.
 */
export function drawScene(seed: number, number: number, time: Date, size: { width: number; height: number }): string {
  const random = createRandom(seed + number * 7919);
  const light = lights[(Math.floor(createRandom(seed)() * lights.length) + number) % lights.length];
  const [top, middle, bottom] = light.sky;
  const square = size.width === size.height; // those sizes squash the whole 4:3 field
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${width} ${height}"
    preserveAspectRatio="${square ? "none" : "xMidYMid slice"}"><defs>
    <linearGradient id="sky" x1="0" y1="0" x2="0" y2="0.62"><stop offset="0" stop-color="${top}"/>
    <stop offset="0.6" stop-color="${middle}"/><stop offset="1" stop-color="${bottom}"/></linearGradient>
    <radialGradient id="glow"><stop offset="0" stop-color="${light.sun}" stop-opacity="0.75"/>
    <stop offset="1" stop-color="${light.sun}" stop-opacity="0"/></radialGradient></defs>
    <rect width="${width}" height="${height}" fill="url(#sky)"/>${light.name === "night" ? drawStars(random) : ""}
    ${drawSun(random, light)}${drawClouds(random)}${drawHills(random, light)}${drawStamp(number, time)}</svg>`;
}
