import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";

const windows = {
  phone: { width: 360, height: 740 },
  desktop: { width: 1280, height: 800 },
};
const schemes = ["light", "dark"] as const;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Milliseconds for colours to change, where somebody has not switched motion off. */
const settled = 60;

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/**
 * The screen as it stands, in both schemes, on a phone of 360 pixels and on a desktop: axe-core finds nothing, and nothing is wider than the window.
 * With PAGE_SCREENSHOTS, a directory, pictures of it are left there.
 */
export async function inspect(page: Page, name: string): Promise<void> {
  const before = page.viewportSize();
  for (const [kind, size] of Object.entries(windows)) {
    await page.setViewportSize(size);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.waitForTimeout(settled);
      const where = `${name}, ${kind}, ${colorScheme}`;
      // The colours are the same on both, and take most of the time.
      if (kind === "phone" || colorScheme === "light") assert.deepEqual(await violations(page), [], where);
      assert.ok(await fits(page), `${where}: wider than the window`);
      const directory = process.env.PAGE_SCREENSHOTS;
      if (directory) await page.screenshot({ path: join(directory, `${name}-${kind}-${colorScheme}.png`) });
    }
  }
  if (before) await page.setViewportSize(before);
}

async function violations(page: Page): Promise<string[]> {
  // The page's Content-Security-Policy allows no script of ours; the debugger's evaluation is not subject to it.
  await page.evaluate(`window.axe === undefined && (() => { ${axe} })()`);
  const found = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
    violations: Violation[];
  };
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary = "" }) => `${id}: ${help}: ${html.slice(0, 200)}: ${failureSummary}`),
  );
}

/** Nothing makes the page wider than its window. */
export const fits = (page: Page) => page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth");
