import { describe, expect, it, vi } from "vitest";

import type { Host } from "../host/host";
import type { Status } from "../host/types";
import { statusWith } from "../testing/statuses";
import { updateWith } from "../testing/updates";
import { Answer } from "./answer.svelte";
import { Command } from "./command.svelte";
import { isPractice } from "./credits";
import { StatusStore } from "./status.svelte";
import { UpdatesStore } from "./updates";

/** A host of which only the status is asked. */
function telling(watchStatus: Host["watchStatus"]): Host {
  return { watchStatus } as Host;
}

describe("StatusStore", () => {
  it("keeps what it was told last, and the network while offline", async () => {
    let tell: (status: Status) => void = () => {};
    const unwatch = vi.fn();
    const store = new StatusStore(telling((seen) => ((tell = seen), Promise.resolve(unwatch))));
    const stop = store.watch();
    expect([store.current, isPractice(store)]).toEqual([null, true]);
    tell(statusWith({ connection: { is: "connected", router: "r", network: "main" } }));
    expect([store.network, isPractice(store)]).toEqual(["main", false]);
    tell(statusWith({ phase: "offline", connection: { is: "offline", reason: "", retry_at: 1 } }));
    expect([store.current?.phase, store.network]).toEqual(["offline", "main"]);
    await Promise.resolve();
    stop();
    expect(unwatch).toHaveBeenCalledOnce();
  });

  it("ends a subscription that begins only after its end, and tells why there is none", async () => {
    const unwatch = vi.fn();
    new StatusStore(telling(() => Promise.resolve(unwatch))).watch()();
    await Promise.resolve();
    expect(unwatch).toHaveBeenCalledOnce();
    const store = new StatusStore(telling(() => Promise.reject({ code: "stopped", message: "gone" })));
    store.watch();
    await vi.waitFor(() => expect(store.failure).toEqual({ code: "stopped", message: "gone" }));
  });
});

describe("UpdatesStore", () => {
  it("keeps what it was told last, and tells why there is nothing until it is followed again", async () => {
    const watchUpdates = vi.fn<Host["watchUpdates"]>().mockRejectedValueOnce({ code: "stopped", message: "gone" });
    const unwatch = vi.fn();
    watchUpdates.mockImplementationOnce((seen) => (seen(updateWith({ state: "idle" })), Promise.resolve(unwatch)));
    const store = new UpdatesStore({ watchUpdates } as Partial<Host> as Host);
    store.watch();
    await vi.waitFor(() => expect(store.failure?.message).toBe("gone"));
    const stop = store.watch();
    expect([store.current?.state.state, store.failure]).toEqual(["idle", null]);
    await Promise.resolve();
    stop();
    expect(unwatch).toHaveBeenCalledOnce();
  });
});

describe("Command", () => {
  it("runs once at a time and keeps the failure until it is given again", async () => {
    let refuse: (failure: unknown) => void = () => {};
    const run = vi.fn(() => new Promise<string>((_, reject) => (refuse = reject)));
    const command = new Command(run);
    const first = command.give();
    expect([command.busy, await command.give(), run.mock.calls.length]).toEqual([true, undefined, 1]);
    refuse({ code: "file", message: "no room" });
    expect([await first, command.busy, command.failure?.message]).toEqual([undefined, false, "no room"]);
    run.mockResolvedValueOnce("done");
    expect([await command.give(), command.failure]).toEqual(["done", null]);
  });

  it("tells of a defect instead of swallowing it", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const command = new Command(() => Promise.reject(new TypeError("x is undefined")));
    await command.give();
    expect(command.failure?.message).toContain("x is undefined");
    expect(logged).toHaveBeenCalledOnce();
  });
});

describe("Answer", () => {
  it("takes the latest answer only, and keeps it while it asks again", async () => {
    const answer = new Answer<string>();
    let late: (value: string) => void = () => {};
    const first = answer.ask(() => new Promise((resolve) => (late = resolve)));
    await answer.ask(() => Promise.resolve("second"));
    late("first");
    await first;
    expect([answer.value, answer.asking]).toEqual(["second", false]);
    await answer.ask(() => Promise.reject({ code: "ledger", message: "closed" }));
    expect([answer.value, answer.failure?.message]).toEqual(["second", "closed"]);
  });
});
