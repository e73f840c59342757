// Why nothing is earned, in words: what it is and what to do.
import { capitalised, formatAmount, formatMoney, formatExactTime, sentence } from "../formats";
import type { Cause, Why, WhyLink } from "../host/types";
import { currentLanguage, led, t } from "../messages";
import { levelStepInWords } from "./level-words";
import { asideInWords } from "./reason";
import type { ScreenName } from "./screens";
import { tierStepInWords } from "./tier-words";
import { unpaidBecause } from "./unpaid-words";

/** The link that is to be looked at first, with its cause; null: nothing that is known is in the way. */
export function firstCause({ links, first }: Why): { link: WhyLink["link"]; cause: Cause } | null {
  const found = links.find(({ link }) => link === first);
  return found?.finding.is === "cause" ? { link: found.link, cause: found.finding.cause } : null;
}

/** Causes that only keep from earning more. */
export const isOnlyLess = ({ code }: Cause): boolean => code === "earns_more" || code === "costs_more";

export function causeInWords(cause: Cause, credits: string): string {
  switch (cause.code) {
    case "offline": return led(t("why.cause.offline.is"), sentence(cause.reason));
    case "problem": return currentLanguage() === "en" ? t("why.cause.problem.is") : sentence(t(`failed.title.${cause.problem}`));
    case "stepping_aside": return t("why.cause.stepping_aside.is", { reasons: cause.reasons.map(asideInWords).join(". ") });
    case "testing":
      return cause.tests ? t("why.cause.testing.is", { done: cause.tests[0], all: cause.tests[1] }) : t("why.cause.testing.waiting");
    case "cool_down": return t("why.cause.cool_down.is", { until: formatExactTime(cause.until) });
    case "no_tasks": return t("why.cause.no_tasks.is", { count: cause.minutes });
    case "unpaid": return t("why.cause.unpaid.is", { unpaid: cause.unpaid, of: cause.of, reason: unpaidBecause(cause) });
    case "taken_back": return t("why.cause.taken_back.is", { amount: formatAmount(cause.amount), credits, reason: unpaidBecause(cause) });
    case "earns_more": {
      const { mode, precision } = cause;
      return t(`why.cause.earns_more.is.${mode}`, { precision, amount: formatAmount(cause.amount), against: formatAmount(cause.against) });
    }
    case "costs_more": {
      const { cost, worth, currency } = cause;
      return t("why.cause.costs_more.is", { cost: formatMoney(cost, currency), worth: formatMoney(worth, currency) });
    }
    default: return t(`why.cause.${cause.code}.is`);
  }
}

/** The first thing to do about it. */
export function remedyInWords(cause: Cause): string {
  if (cause.code === "problem") return led(t(`failed.do.${cause.problem}`), sentence(cause.message));
  if (cause.code === "rejected") return led(t("why.network_says"), sentence(cause.message));
  if (cause.code === "not_passed") return tierStepInWords(cause.step) ?? networkSays(cause.next_step);
  if (cause.code === "cool_down" || cause.code === "lowest_level") return levelStepInWords(cause.step) ?? networkSays(cause.next_step);
  return t(`why.cause.${cause.code}.do`);
}

const networkSays = (words: string): string => led(t("why.network_says"), sentence(capitalised(words)));

/** Where it can be done; null: nowhere, or here. */
export function placeOf({ code }: Cause): ScreenName | null {
  switch (code) {
    case "offline": case "costs_more": return "settings";
    case "unpaid": return "activity";
    case "taken_back": return "node";
    case "no_tasks": case "not_passed": case "cool_down": case "lowest_level": case "earns_more": case "paused": case "stepping_aside": case "stopped": return "home";
    default: return null;
  }
}
