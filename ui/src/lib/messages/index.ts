// The words of the interface, by key. The keys are typed: a wrong one does not compile.
import i18next from "i18next";

import en from "./en.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
    enableSelector: false;
    returnNull: false;
  }
}

void i18next.init({
  lng: "en",
  fallbackLng: "en",
  resources: { en: { translation: en } },
  initAsync: false,
  // Svelte escapes what it shows.
  interpolation: { escapeValue: false },
});

/** In the language of now: what shows it is made anew when that changes, see `App.svelte`. */
export const t = i18next.t;

export { english, led, runsOf, unmarked } from "./english";
export { currentLanguage, languages, locale, speak } from "./language.svelte";
