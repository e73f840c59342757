import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { Host } from "../host/host";
import type { SettingsView, UpdatePolicy, UpdateState, UpdateView } from "../host/types";
import { applicationWith } from "../testing/application";
import { release, updateWith } from "../testing/updates";
import WithApplication from "../testing/WithApplication.svelte";
import UpdateSection from "./UpdateSection.svelte";

function shown(view: UpdateView | null, given: Partial<Host> = {}, policy: UpdatePolicy = "automatic") {
  const settings = () => Promise.resolve({ settings: { updates: policy } } as SettingsView);
  const application = applicationWith({ settings, ...given } as Host);
  application.updates.current = view;
  render(WithApplication, { application, component: UpdateSection as never, given: {} });
  return application;
}

const buttons = (): string[] => screen.getAllByRole("button").map((button) => button.textContent?.trim() ?? "");
const words = (): string => screen.getByRole("status").textContent ?? "";

describe("the updates", () => {
  it.each<[UpdateState, string, string[]]>([
    [{ state: "idle" }, "No newer version is known.", []],
    [{ state: "checking" }, "Looking for a newer version.", []],
    [{ state: "available", release }, "Version 0.2.0 is available.", ["Download"]],
    [{ state: "downloading", release, done: 0.42 }, "Downloading version 0.2.0", ["Download"]],
    [{ state: "ready", release, asks_password: false }, "Version 0.2.0 is ready to be installed.", ["Install and restart"]],
    [{ state: "installing", release }, "Installing version 0.2.0", ["Install and restart"]],
    [{ state: "failed", message: "no room; make some", release }, "Version 0.2.0 is not installed. Version 0.1.0 goes on.", ["Try again"]],
    [{ state: "failed", message: "no answer; wait", release: null }, "Nothing was found out about newer versions.", []],
  ])("%o is told, with what can be done", (state, told, more) => {
    shown(updateWith(state));
    expect(words()).toBe(told);
    expect(buttons()).toEqual(["Update settings", "Check now", ...more]);
    expect(screen.getByText("2 minutes ago")).toBeTruthy();
    expect(screen.queryByText("What is new in 0.2.0") !== null).toBe("release" in state && state.release !== null);
  });

  it("of a copy that is no release are not looked for", () => {
    shown(updateWith({ state: "not_a_release" }, { checked_at: null }));
    expect(words()).toContain("does not update itself");
    expect(screen.queryAllByRole("button")).toEqual([]);
    expect(screen.queryByText("Last looked")).toBeNull();
  });

  it("that were never looked for are told so", () => {
    shown(updateWith({ state: "idle" }, { checked_at: null }));
    expect([words(), screen.getByText("Not yet").tagName]).toEqual(["Nobody has looked for a newer version yet.", "DD"]);
  });

  it("come with a share, and nothing else can be begun meanwhile", async () => {
    const checkForUpdates = vi.fn();
    shown(updateWith({ state: "downloading", release, done: 0.42 }), { checkForUpdates });
    expect(screen.getByRole("progressbar", { name: "Downloading version 0.2.0" }).getAttribute("aria-valuenow")).toBe("0.42");
    expect(screen.getByText("42%")).toBeTruthy();
    await userEvent.setup().click(screen.getByRole("button", { name: "Check now" }));
    expect(checkForUpdates).not.toHaveBeenCalled();
  });

  it("keep the line breaks of their notes, and one button with the focus all the way", async () => {
    const downloadUpdate = vi.fn(() => Promise.resolve());
    const application = shown(updateWith({ state: "available", release }), { downloadUpdate });
    expect(screen.getByText(/Sooner/).textContent).toBe("Sooner.\n- Fixed: naps");
    expect(screen.getByText("Published on November 24, 2026")).toBeTruthy();
    await userEvent.setup().click(screen.getByRole("button", { name: "Download" }));
    expect(downloadUpdate).toHaveBeenCalledOnce();
    application.updates.current = updateWith({ state: "downloading", release, done: null });
    application.updates.current = updateWith({ state: "ready", release, asks_password: true });
    await vi.waitFor(() => expect(document.activeElement?.textContent?.trim()).toBe("Install and restart"));
    expect(screen.getByText(/Your system will ask for a password/)).toBeTruthy();
  });

  it.each<[UpdatePolicy, boolean, boolean]>([["automatic", false, true], ["automatic", true, false], ["ask", false, false]])(
    "with %s and a password (%s) are said to come by themselves: %s",
    async (policy, asks_password, by_itself) => {
      shown(updateWith({ state: "ready", release, asks_password }), {}, policy);
      await new Promise((done) => setTimeout(done));
      expect(screen.queryByText(/by itself when nothing runs/) !== null).toBe(by_itself);
    },
  );

  it("that failed say what to do, and are tried again", async () => {
    const downloadUpdate = vi.fn(() => Promise.reject({ code: "network", message: "still no answer" }));
    shown(updateWith({ state: "failed", message: "no answer; check the connection", release: { ...release, notes: null, published: "once" } }), { downloadUpdate });
    expect(screen.getByText("No answer; check the connection.")).toBeTruthy();
    expect([screen.queryByText(/Published/), screen.getByText("Nothing was written about this version.").tagName]).toEqual([null, "P"]);
    await userEvent.setup().click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("Still no answer.")).toBeTruthy();
  });

  it("that cannot be followed say why", async () => {
    const application = shown(null, { watchUpdates: () => Promise.reject({ code: "file", message: "locked" }) });
    application.updates.watch();
    expect(await screen.findByText("Locked.")).toBeTruthy();
  });
});
