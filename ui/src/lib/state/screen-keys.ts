import { t } from "../messages";
import { screens, type ScreenName } from "./screens";

/** The key press that shows a screen, as people write it. */
export function keysOfScreen(screen: ScreenName): string {
  return `${navigator.platform.startsWith("Mac") ? "⌘" : `${t("about.key.control")}+`}${screens.indexOf(screen) + 1}`;
}
