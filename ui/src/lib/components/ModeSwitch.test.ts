import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { Host } from "../host/host";
import type { Status } from "../host/types";
import { applicationWith } from "../testing/application";
import WithApplication from "../testing/WithApplication.svelte";
import { modeView, statusWith } from "../testing/statuses";
import ModeSwitch from "./ModeSwitch.svelte";

function shown(status: Status, setMode: Host["setMode"] = () => Promise.resolve()) {
  const host = { setMode: vi.fn(setMode) } as Partial<Host> as Host;
  const application = applicationWith(host);
  const frame = (given: { status: Status }) => ({ application, component: ModeSwitch as never, given });
  const { rerender } = render(WithApplication, frame({ status }));
  return { setMode: host.setMode, change: (next: Status) => rerender(frame({ status: next })) };
}

const side = (name: RegExp): HTMLElement => screen.getByRole("radio", { name });
const loading = { name: "load" as const, state: { is: "running" as const, progress: 0.5 }, detail: "" };

describe("ModeSwitch", () => {
  it("shows both sides with what they are predicted to do, and which one is chosen", () => {
    shown(statusWith({ modes: [modeView("precision", "464000000000000000"), modeView("volume")] }));
    expect(side(/Volume/).getAttribute("aria-checked")).toBe("true");
    expect(side(/Precision/).getAttribute("aria-checked")).toBe("false");
    for (const words of ["362 requests/h predicted", "580 requests/h predicted", "F16, full precision", "0.4640 practice credits an hour, predicted"]) {
      expect(screen.getByText(words)).toBeTruthy();
    }
    expect(screen.getByText("Very close to full precision. Not measured here yet.")).toBeTruthy();
  });

  it("says what a precision loses as a report measured it", () => {
    const loss = { reference: "F16" as const, same_top: 0.97, divergence: 0.004, tokens: 2805, words: "picks the same word as F16 97 of 100 times" };
    shown(statusWith({ modes: [modeView("precision"), { ...modeView("volume"), loss }] }));
    expect(screen.getByText("Picks the same word as F16 97 of 100 times.")).toBeTruthy();
    expect(screen.queryByText(/Not measured here yet/)).toBeNull();
  });

  it("shows what was measured beside what was predicted", () => {
    const volume = { ...modeView("volume"), measured_requests_per_hour: 5.14 };
    shown(statusWith({ modes: [modeView("precision"), { ...volume, work: { ...volume.work, served: 12 } }] }));
    expect(screen.getByText("Measured: 5.1 requests/h, from 12 requests served")).toBeTruthy();
  });

  it("switches by click, and by keyboard only on purpose", async () => {
    const user = userEvent.setup();
    const { setMode } = shown(statusWith({}));
    await user.tab();
    expect(document.activeElement).toBe(side(/Volume/));
    await user.keyboard("{ArrowLeft}");
    expect(document.activeElement).toBe(side(/Precision/));
    expect(setMode).not.toHaveBeenCalled();
    await user.keyboard(" ");
    expect(setMode).toHaveBeenCalledExactlyOnceWith("precision");
    await user.click(side(/Volume/));
    expect(setMode).toHaveBeenCalledOnce();
  });

  it("stays visible while it switches, says how far that is, and takes no second switch", async () => {
    const user = userEvent.setup();
    const { setMode, change } = shown(statusWith({ phase: "switching", switching_to: "precision", mode: "volume", steps: [loading] }));
    expect(side(/Precision/).getAttribute("aria-checked")).toBe("true");
    expect(side(/Volume/).getAttribute("aria-disabled")).toBe("true");
    expect(screen.getByText("Loading F16")).toBeTruthy();
    expect(screen.getByText("50%")).toBeTruthy();
    await user.click(side(/Volume/));
    expect(setMode).not.toHaveBeenCalled();
    await change(statusWith({ phase: "switching", switching_to: "precision", mode: "precision", running: 2, steps: [{ ...loading, state: { is: "done" } }] }));
    expect(screen.getByText("Finishing 2 requests on the other model")).toBeTruthy();
  });

  it("says what went wrong where it was asked for", async () => {
    const user = userEvent.setup();
    shown(statusWith({}), () => Promise.reject({ code: "not_loaded", message: "not enough memory; close other programs" }));
    await user.click(side(/Precision/));
    expect((await screen.findByRole("alert")).textContent).toContain("Not enough memory; close other programs.");
  });
});
