// The screens, in the order of the navigation. Ctrl/Cmd and the place of a screen (from 1) shows it.
export const screens = ["home", "earnings", "activity", "compare", "models", "node", "settings", "logs", "about"] as const;
export type ScreenName = (typeof screens)[number];

export function screenOfHash(hash: string): ScreenName {
  const name = hash.replace(/^#\/?/, "");
  return screens.find((screen) => screen === name) ?? "home";
}

/** The screen that a key press asks for, if any. */
export function screenOfKey(event: KeyboardEvent): ScreenName | null {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return null;
  const place = Number(event.key);
  return Number.isInteger(place) ? (screens[place - 1] ?? null) : null;
}
