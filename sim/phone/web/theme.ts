export type Theme = "auto" | "light" | "dark";

const key = "devicelink.theme";
const themes: readonly Theme[] = ["auto", "light", "dark"];

/** The scheme that the person chose, or the system's. */
export function currentTheme(): Theme {
  const theme = localStorage.getItem(key) as Theme | null;
  return theme && themes.includes(theme) ? theme : "auto";
}

export function setTheme(theme: Theme): void {
  if (theme === "auto") localStorage.removeItem(key);
  else localStorage.setItem(key, theme);
  applyTheme();
}

export function applyTheme(): void {
  const theme = currentTheme();
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export const nextTheme = (theme: Theme): Theme => themes[(themes.indexOf(theme) + 1) % themes.length];
