import { afterEach, expect, it, vi } from "vitest";

import { formatBytes, formatDuration, formatPercent, formatRelative, formatTokens } from "../formats";
import { currentLanguage, locale, speak, t } from ".";

function systemSpeaks(...tags: string[]): void {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(tags);
}

afterEach(() => speak("en"));

it.each([
  [["de-AT", "en-GB"], "de", "de-AT"],
  [["fr-FR", "es-MX", "de"], "es", "es-MX"],
  [["EN-gb", "de"], "en", "EN-gb"],
  [["fi-FI"], "en", "en"],
  [[], "en", "en"],
])("a system that speaks %j gets %s, with figures of %s", async (tags, language, region) => {
  systemSpeaks(...tags);
  await speak(null);
  expect([currentLanguage(), locale(), document.documentElement.lang, document.documentElement.dir]).toEqual([language, region, language, "ltr"]);
});

it("a choice goes before the system, and figures follow it", async () => {
  systemSpeaks("en-GB");
  await speak("de");
  const figures = () => [t("screen.settings"), formatBytes(4_500_000_000), formatTokens(4096), formatDuration(5_200), formatPercent(0.5), formatRelative(0, 7_200_000)];
  expect(figures()).toEqual(["Einstellungen", "4,5 GB", "4.096 Tokens", "5,2 s", "50\u00a0%", "vor 2 Stunden"]);
  await speak("es");
  expect(figures()).toEqual(["Ajustes", "4,5 GB", "4096 tokens", "5,2 s", "50\u00a0%", "hace 2 horas"]);
  expect(formatTokens(1_000_000)).toBe("1.000.000 de tokens");
  await speak("en");
  expect(figures()).toEqual(["Settings", "4.5 GB", "4,096 tokens", "5.2 s", "50%", "2 hours ago"]);
});

it("the last one that was asked for holds, whichever comes first", async () => {
  await Promise.all([speak("de"), speak("en")]);
  expect(t("screen.settings")).toBe("Settings");
});
