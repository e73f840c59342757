import { formatNumber } from "../formats";
import { led, t } from "../messages";
import type { Fault } from "./settings-form";

/** What is wrong with a field and what to write instead. */
export function faultInWords(fault: Fault | undefined): string | null {
  if (!fault) return null;
  if (fault.is === "out_of_range") {
    return t("settings.fault.out_of_range", { least: formatNumber(fault.least, 2), most: formatNumber(fault.most, 2) });
  }
  if (fault.is === "refused") return led(t("settings.fault.refused"), fault.message);
  return fault.is === "not_a_number" ? t("settings.fault.not_a_number", { example: formatNumber(4) }) : t(`settings.fault.${fault.is}`);
}
