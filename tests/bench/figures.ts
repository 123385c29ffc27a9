/** One measured value, and what it may be at most (a budget of DESIGN.md section 5), if there is such a limit. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  budget?: number;
  /** Likewise, but not reached yet: shown, and no failure. */
  goal?: number;
  /** How it was measured, or what it stands beside. */
  note?: string;
}

export interface Section {
  title: string;
  figures: Figure[];
  /** Why there are no figures. */
  skipped?: string;
}

const round = (value: number) => (Number.isInteger(value) ? value : Number(value.toPrecision(5)));

function verdict({ value, budget, goal }: Figure): string {
  const limit = budget ?? goal;
  if (limit === undefined) return "";
  const judgement = value <= limit ? "ok" : budget === undefined ? "not yet" : "OVER";
  return `<= ${limit.toLocaleString("en-US")}  ${judgement}`;
}

export function formatSection({ title, figures, skipped }: Section): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${round(figure.value).toLocaleString("en-US", { maximumFractionDigits: 5 })} ${figure.unit}`,
    verdict(figure),
    figure.note ?? "",
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column].length)));
  const lines = rows.map(([name, value, budget, note]) =>
    `  ${name.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${budget.padEnd(widths[2])}  ${note}`.trimEnd(),
  );
  return [`\n${title}`, ...(skipped ? [`  skipped: ${skipped}`] : lines)].join("\n");
}

export const isOverBudget = ({ figures }: Section) =>
  figures.some(({ value, budget }) => budget !== undefined && value > budget);
