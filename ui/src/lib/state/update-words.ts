// How far an update is, in words.
import type { UpdateRelease, UpdateView } from "../host/types";
import { t } from "../messages";

export function updateWords({ state, checked_at, version: running }: UpdateView): string {
  switch (state.state) {
    case "idle":
      return t(checked_at === null ? "updates.state.never" : "updates.state.idle");
    case "failed":
      return state.release ? t("updates.state.failed", { version: state.release.version, running }) : t("updates.state.check_failed");
    case "not_a_release":
    case "checking":
      return t(`updates.state.${state.state}`);
    default:
      return t(`updates.state.${state.state}`, { version: state.release.version });
  }
}

/** The version that it is about, where there is one. */
export function releaseOf({ state }: UpdateView): UpdateRelease | null {
  return "release" in state ? state.release : null;
}
