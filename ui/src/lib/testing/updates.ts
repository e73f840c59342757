// Tests only: what is known of newer versions.
import type { UpdateRelease, UpdateState, UpdateView } from "../host/types";

export const release: UpdateRelease = { version: "0.2.0", notes: "Sooner.\n- Fixed: naps", published: "2026-11-24T09:30:00Z" };

export function updateWith(state: UpdateState, changes: Partial<UpdateView> = {}): UpdateView {
  return { version: "0.1.0", checked_at: Date.now() - 125_000, state, rolled_back: null, ...changes };
}
