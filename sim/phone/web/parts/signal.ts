const bars = [
  { x: 0, height: 5, from: -200 },
  { x: 6, height: 9, from: -80 },
  { x: 12, height: 13, from: -67 },
  { x: 18, height: 17, from: -57 },
];
const names = ["very weak", "weak", "good", "strong"];
const svg = "http://www.w3.org/2000/svg";

/** "strong", "good", "weak", "very weak" for a level in dBm. */
export const signalName = (rssi: number) => names[bars.filter(({ from }) => rssi >= from).length - 1] ?? names[0];

/** Four bars for a level in dBm. The words for it stand beside it. */
export function signal(rssi: number): SVGElement {
  const element = document.createElementNS(svg, "svg");
  element.setAttribute("viewBox", "0 0 22 18");
  element.setAttribute("class", "signal");
  element.setAttribute("aria-hidden", "true");
  for (const { x, height, from } of bars) {
    const bar = document.createElementNS(svg, "rect");
    const attributes = { x, y: 18 - height, width: 4, height, rx: 1, class: rssi >= from ? "on" : "off" };
    for (const [name, value] of Object.entries(attributes)) bar.setAttribute(name, String(value));
    element.append(bar);
  }
  return element;
}
