import { formatSection, isOverBudget, type Section } from "./figures.ts";
import { memorySections } from "./memory.ts";
import { modelSection } from "./model.ts";
import { sessionSection } from "./session.ts";
import { measureSPI, spiSection } from "./spi.ts";
import { uploadSection } from "./upload.ts";

/** Measures everything and prints it. Resolves with the exit code: 1 when a budget is exceeded. */
export async function runBench(args: string[]): Promise<number> {
  const asJson = args.includes("--json");
  const sections: Section[] = [];
  const show = (section: Section) => {
    sections.push(section);
    if (!asJson) console.log(formatSection(section));
  };
  const costs = await measureSPI();
  show(spiSection(costs));
  for (const section of await memorySections()) show(section);
  show(await sessionSection());
  show(await modelSection(costs));
  show(await uploadSection());
  if (asJson) console.log(JSON.stringify(sections, undefined, 2));
  const over = sections.filter(isOverBudget).map(({ title }) => title);
  for (const title of over) console.error(`over budget: ${title}`);
  return over.length ? 1 : 0;
}
