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

export const t = i18next.t;

/** Numbers and dates as the user's region of that language writes them. */
export const locale = navigator.languages.find((one) => one.startsWith(i18next.language)) ?? i18next.language;
