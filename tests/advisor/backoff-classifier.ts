/** Says from the gaps between attempts how a client backs off. README.md explains the rules. */

export type Growth = "exponential" | "linear" | "constant";

export interface BackoffType {
  growth: Growth;
  jitter: boolean;
}

/** Two gaps whose ratio is within this of 1 count as equal. */
const tolerance = 0.1;
/** The second half of the gaps is at least so many times the first half when they grow. */
const leastGrowth = 1.5;

/**
 * @param rounds gaps in milliseconds between the end of a connection and the next attempt, from a fresh start each; those of
 *   less than four gaps are not looked at
 * @param resolution milliseconds by which a gap may be measured wrongly
 */
export function classifyBackoff(rounds: number[][], resolution = 0): BackoffType {
  const usable = rounds.filter(({ length }) => length >= 4).map((gaps) => classifyRound(gaps, resolution));
  if (!usable.length) throw new RangeError("at least 4 gaps are needed");
  const growth = usable.some((round) => isHammering(round, usable[0]!)) ? "constant" : growthOfAll(usable);
  const alike = usable.filter((round) => round.growth === growth);
  return { growth, jitter: alike.some(({ jitter }) => jitter) || doRoundsDiffer(alike, resolution) };
}

interface Round extends BackoffType {
  gaps: number[];
}

function classifyRound(all: number[], resolution: number): Round {
  const gaps = withoutPlateau(all, resolution);
  const growth = growthOf(gaps, resolution);
  return { gaps, growth, jitter: isIrregular(gaps, growth, resolution) };
}

/** Constant without jitter, and not at the ceiling that the first round reached. */
function isHammering({ growth, jitter, gaps }: Round, first: Round): boolean {
  return growth === "constant" && !jitter && (gaps === first.gaps || Math.min(...gaps) < Math.max(...first.gaps) / 2);
}

/** Jitter can hide the growth in a round, but it does not make any. */
function growthOfAll(rounds: Round[]): Growth {
  return rounds.find(({ growth }) => growth !== "constant")?.growth ?? "constant";
}

/** "exponential with jitter", "constant". */
export const describeBackoff = ({ growth, jitter }: BackoffType) => (jitter ? `${growth} with jitter` : growth);

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The largest gaps at the end are equal where a ceiling was reached; one of them is kept, if four gaps are left. */
function withoutPlateau(gaps: number[], resolution: number): number[] {
  let end = gaps.length;
  while (end > 4 && areEqual(gaps[end - 1]!, gaps[end - 2]!, resolution)) end -= 1;
  return gaps.slice(0, end);
}

function areEqual(a: number, b: number, resolution: number): boolean {
  return Math.abs(a - b) <= Math.max(tolerance * Math.max(a, b), resolution);
}

function growthOf(gaps: number[], resolution: number): Growth {
  const half = gaps.length >> 1;
  const early = mean(gaps.slice(0, half));
  const late = mean(gaps.slice(-half));
  if (late < leastGrowth * early || late - early <= resolution) return "constant";
  return deviationFromLine(gaps) < Math.min(tolerance, deviationFromExponential(gaps) / 2) ? "linear" : "exponential";
}

/** Least squares of y over 0, 1, 2, ...: the values on the line. */
function fit(values: number[]): number[] {
  const middle = (values.length - 1) / 2;
  const average = mean(values);
  let xy = 0;
  let xx = 0;
  values.forEach((value, x) => {
    xy += (x - middle) * (value - average);
    xx += (x - middle) ** 2;
  });
  return values.map((_value, x) => average + (xy / xx) * (x - middle));
}

/** How far the gaps are from g = a + b * i, relative to the gaps (root of the mean square). */
function deviationFromLine(gaps: number[]): number {
  const line = fit(gaps);
  return Math.sqrt(mean(gaps.map((gap, i) => ((gap - line[i]!) / gap) ** 2)));
}

/** Likewise from g = a * r^i. */
function deviationFromExponential(gaps: number[]): number {
  const line = fit(gaps.map((gap) => Math.log(Math.max(gap, 1))));
  return Math.sqrt(mean(gaps.map((gap, i) => (Math.log(Math.max(gap, 1)) - line[i]!) ** 2)));
}

/** Whether any gap lies off the curve that the others make. */
function isIrregular(gaps: number[], growth: Growth, resolution: number): boolean {
  const logarithms = gaps.map((gap) => Math.log(Math.max(gap, 1)));
  const curve = growth === "exponential" ? fit(logarithms).map(Math.exp) : growth === "linear" ? fit(gaps) : undefined;
  const average = mean(gaps);
  return gaps.some((gap, i) => !areEqual(gap, curve?.[i] ?? average, resolution));
}

/** Whether the same attempt waited differently long after two fresh starts. */
function doRoundsDiffer([first, ...others]: Round[], resolution: number): boolean {
  const isDifferent = (gap: number, i: number) => !areEqual(gap, first!.gaps[i]!, 2 * resolution);
  return others.some(({ gaps }) => gaps.slice(0, first!.gaps.length).some(isDifferent));
}
