import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { Host } from "../host/host";
import type { SettingsView, UpdateState, UpdateView } from "../host/types";
import { applicationWith } from "../testing/application";
import { release, updateWith } from "../testing/updates";
import WithApplication from "../testing/WithApplication.svelte";
import UpdateNote from "./UpdateNote.svelte";

function shown(view: UpdateView, given: Partial<Host> = {}) {
  const settings = () => Promise.resolve({ settings: { updates: "automatic" } } as SettingsView);
  const application = { ...applicationWith({ settings, ...given } as Host), show: vi.fn() };
  application.updates.current = view;
  render(WithApplication, { application, component: UpdateNote as never, given: {} });
  return application;
}

const failed: UpdateState = { state: "failed", message: "the file is not what was signed; try again", release };

describe("the note of a newer version", () => {
  it.each<UpdateState>([
    { state: "not_a_release" }, { state: "idle" }, { state: "checking" }, { state: "downloading", release, done: 0.5 }, failed,
  ])("is not there for %o: nothing waits for the user", (state) => {
    shown(updateWith(state));
    expect(screen.queryByRole("region")).toBeNull();
    expect(screen.queryByText(/try again/)).toBeNull();
  });

  it("leads to what is new, where a version waits to be downloaded", async () => {
    const { show } = shown(updateWith({ state: "available", release }));
    expect(screen.getAllByRole("button")).toHaveLength(1);
    await userEvent.setup().click(screen.getByRole("button", { name: "What is new" }));
    expect(show).toHaveBeenCalledExactlyOnceWith("about", "updates");
  });

  it("installs what is ready, and tells here what comes of it", async () => {
    const installUpdate = vi.fn(() => Promise.resolve());
    const { updates } = shown(updateWith({ state: "ready", release, asks_password: false }), { installUpdate });
    expect(screen.getByRole("status").textContent).toBe("Version 0.2.0 is ready to be installed.");
    await userEvent.setup().click(screen.getByRole("button", { name: "Install and restart" }));
    expect(installUpdate).toHaveBeenCalledOnce();
    updates.current = updateWith({ state: "installing", release });
    await vi.waitFor(() => expect(screen.getByRole("status").textContent).toBe("Installing version 0.2.0"));
    expect(document.activeElement?.getAttribute("aria-disabled")).toBe("true");
    updates.current = updateWith(failed);
    expect(await screen.findByText("The file is not what was signed; try again.")).toBeTruthy();
  });

  it("says what did not work here, until it was seen", async () => {
    const dismissRollback = vi.fn(() => Promise.resolve());
    const rolled_back = { version: "0.2.0", to: "0.1.0", reason: "it ended three times.", at: Date.now() - 65_000 };
    shown(updateWith({ state: "idle" }, { rolled_back }), { dismissRollback });
    const note = screen.getByRole("region", { name: "Version that was taken back" });
    expect(note.textContent?.replace(/\s+/g, " ")).toContain("0.2.0 did not work here: it ended three times. 1 minute ago 0.1.0 runs again. 0.2.0 is not offered again.");
    await userEvent.setup().click(screen.getByRole("button", { name: "Understood" }));
    expect(dismissRollback).toHaveBeenCalledOnce();
  });
});
