import { beforeEach, describe, expect, it } from "vitest";

import type { Comparison, FidelityRun, ModelsView, Status, UpdateView } from "../types";
import { createMock, type MockControl } from "./index";
import { STILL_TIME } from "./still";

const everything = { search: "", kind: null, outcome: null, mode: null };

async function watched(scenario: string) {
  const host = createMock(scenario, true);
  const clock = window.cortensorMock as MockControl;
  const seen: Status[] = [];
  await host.watchStatus((status) => seen.push(status));
  return { host, clock, seen, last: () => seen.at(-1) as Status };
}

describe("the mock", () => {
  beforeEach(() => {
    delete window.cortensorMock;
  });

  it("stands still until it is moved", async () => {
    const { clock, seen } = await watched("mining");
    expect(clock.now()).toBe(STILL_TIME);
    const before = seen.length;
    await clock.advance(10_000);
    expect(seen.length).toBeGreaterThan(before);
  });

  it("goes from the first start to mining, step by step", async () => {
    const { clock, seen, last } = await watched("first-start");
    await clock.advance(45_000);
    expect(last().phase).toBe("mining");
    expect(last().steps.map((step) => [step.name, step.state.is])).toEqual(
      ["hardware", "identity", "model", "benchmark", "plan", "load", "join", "test", "mine"].map((name) => [name, "done"]),
    );
    const phases = seen.map((status) => status.phase).filter((phase, index, all) => phase !== all[index - 1]);
    expect(phases).toEqual(["starting", "testing", "mining"]);
    expect(seen.some((status) => status.testing?.[0] === 5)).toBe(true);
  });

  it("streams tokens, settles, and earns", async () => {
    const { host, clock, seen, last } = await watched("mining");
    const before = { known: (await host.activity({ filter: everything, offset: 0, limit: 1 })).known, earned: BigInt(last().earnings.total) };
    const figures = new Set<number>();
    await host.watchTasks((tasks) => tasks.forEach((task) => figures.add(task.answer_tokens)));
    const told = seen.length;
    await clock.advance(30_000);
    expect(figures.size).toBeGreaterThan(10);
    // A token is no news to who does not look at the tasks.
    expect(seen.length - told).toBeLessThan(figures.size);
    expect((await host.activity({ filter: everything, offset: 0, limit: 1 })).known).toBeGreaterThan(before.known);
    expect(BigInt(last().earnings.total)).toBeGreaterThan(before.earned);
  });

  it("switches with progress, and finishes what runs", async () => {
    const { host, clock, seen, last } = await watched("mining");
    const switched = host.setMode("precision");
    await clock.advance(60_000);
    await switched;
    expect([last().phase, last().loaded?.precision, last().mode]).toEqual(["mining", "F16", "precision"]);
    const progress = seen.flatMap((status) => status.steps.filter((step) => step.name === "load").map((step) => step.state));
    expect(progress.some((state) => state.is === "running" && (state.progress ?? 0) > 0.5)).toBe(true);
    const targets = seen.map((status) => status.switching_to).filter((to, index, all) => to !== all[index - 1]);
    expect(targets).toEqual([null, "precision", null]);
    expect((await host.activity({ filter: { ...everything, outcome: "void" }, offset: 0, limit: 50 })).entries.every((one) => one.settled_at < STILL_TIME)).toBe(true);
  });

  it("pauses when what runs has ended, and comes back", async () => {
    const { host, clock, seen, last } = await watched("mining");
    const paused = host.pause("until_resumed");
    expect([last().phase, last().running]).toEqual(["draining", 1]);
    await clock.advance(20_000);
    await paused;
    expect([last().phase, last().running, last().loaded]).toEqual(["paused", 0, null]);
    const resumed = host.resume();
    await clock.advance(5_000);
    await resumed;
    expect(last().phase).toBe("mining");
    expect(seen.map((status) => status.phase)).not.toContain("failed");
  });

  it("measures again when what runs has ended, and has the later steps to come meanwhile", async () => {
    const { host, clock, last } = await watched("mining");
    const measured = host.measure();
    expect([last().phase, last().measuring, last().running]).toEqual(["draining", true, 1]);
    await clock.advance(12_000);
    expect([last().phase, last().measuring]).toEqual(["starting", true]);
    expect(last().steps.at(-1)?.name).toBe("benchmark");
    await clock.advance(20_000);
    await measured;
    expect([last().phase, last().measuring, last().measurements.length]).toEqual(["mining", false, 3]);
  });

  it("starts again after it was quit", async () => {
    const { host, clock, last } = await watched("stopped");
    expect([last().phase, last().loaded]).toEqual(["stopped", null]);
    const again = host.restart();
    await clock.advance(10_000);
    await again;
    expect([last().phase, last().connection.is]).toEqual(["mining", "connected"]);
  });

  it("fails, and starts when asked again", async () => {
    const { host, clock, last } = await watched("failed-model");
    expect([last().phase, last().problem?.code]).toEqual(["failed", "model"]);
    const again = host.restart();
    await clock.advance(10_000);
    await again;
    expect([last().phase, last().problem]).toEqual(["mining", null]);
  });

  it.each([["passphrase-new", "short", "longer than that"], ["passphrase-existing", "wrong one", "correct horse"]])(
    "%s refuses %s and takes %s",
    async (scenario, wrong, right) => {
      const { host, clock, last } = await watched(scenario);
      expect(last().passphrase?.refused).toBe(null);
      await Promise.all([host.givePassphrase(wrong), clock.advance(1000)]);
      expect(last().passphrase?.refused).toContain("passphrase");
      await Promise.all([host.givePassphrase(right), clock.advance(1000)]);
      await clock.advance(10_000);
      expect(last().phase).toBe("mining");
    },
  );

  it("pages, filters and searches like the miner", async () => {
    const { host } = await watched("many");
    const page = await host.activity({ filter: everything, offset: 4990, limit: 50 });
    expect([page.entries.length, page.total, page.known]).toEqual([10, 5000, 5000]);
    const failed = await host.activity({ filter: { ...everything, search: "DEADLINE" }, offset: 0, limit: 1000 });
    expect(failed.total).toBeGreaterThan(0);
    expect(failed.entries.every((entry) => entry.status === "void" && entry.reason.includes("deadline"))).toBe(true);
  });

  it("keeps prompts only while the user wants it", async () => {
    const { host, clock } = await watched("mining");
    const newest = async () => {
      const { entries } = await host.activity({ filter: { ...everything, kind: "user" }, offset: 0, limit: 1 });
      return host.prompt(entries[0]?.task ?? "");
    };
    expect(await newest()).toBe(null);
    const { settings } = await host.settings();
    await host.saveSettings({ ...settings, keep_prompts: true });
    await clock.advance(20_000);
    expect((await newest())?.answer.length).toBeGreaterThan(10);
  });

  it("answers every command with a failure where that is asked for", async () => {
    const { host, last } = await watched("command-errors");
    expect(last().phase).toBe("mining");
    await expect(host.about()).rejects.toMatchObject({ code: "file" });
    await expect(host.watchLogs(() => {})).rejects.toMatchObject({ code: "file" });
  });

  it("compares like the miner: answers, scores, keeps, and does one thing at a time", async () => {
    const { host, clock } = await watched("empty-activity");
    const seen: Comparison[] = [];
    await host.watchComparison((comparison) => seen.push(comparison));
    expect([seen[0]?.phase, (await host.comparisons()).entries.length]).toEqual(["idle", 0]);
    const side = (precision: "F16" | "Q4_0") => ({ is: "precision" as const, precision });
    const request = { prompt: "Why?", system: null, sides: [side("F16"), side("Q4_0")], sampling: { temperature: 0, top_p: null, max_tokens: 96 }, in_turn: false, name: null };
    await host.compare(request);
    await expect(host.startVote({ ...request, sides: [side("F16"), side("Q4_0")] })).rejects.toMatchObject({ code: "busy" });
    await clock.advance(20_000);
    const phases = seen.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1]);
    expect(phases).toEqual(["idle", "waiting", "loading", "answering", "scoring", "done"]);
    const last = seen.at(-1);
    expect(last?.sides[1]?.tokens.every((token) => token.divergence !== null && token.top.length === 2 && token.top.every((top) => top.length === 5))).toBe(true);
    expect((await host.comparisons()).entries.map(({ id }) => id)).toEqual([last?.id]);
  });

  it("gets one model after the other, keeps what came of a paused one, and makes one thing at a time", async () => {
    const { host, clock } = await watched("mining");
    const seen: ModelsView[] = [];
    await host.watchModels((view) => seen.push(view));
    await host.getModel("qwen3-4b", "Q4_K");
    await host.getModel("llama-3.2-1b-instruct", "Q8_0");
    await clock.advance(10_000);
    expect(seen.at(-1)?.downloads.map(({ phase }) => phase.is)).toEqual(["coming", "queued"]);
    await host.pauseDownload("qwen3-4b", "Q4_K");
    await clock.advance(2_000);
    expect(seen.at(-1)?.downloads.map(({ phase, done_bytes: done }) => [phase.is, (done ?? 0) > 0])).toEqual([["paused", true], ["coming", true]]);
    await host.makeModel("local-tiny-stories-33m", "Q8_0");
    await expect(host.importModel(false)).rejects.toMatchObject({ code: "busy" });
    await expect(host.deleteModel("smollm2-135m-instruct", "Q8_0")).rejects.toMatchObject({ code: "busy" });
  });

  it.each([["automatic", ["idle", "checking", "available", "downloading", "ready", "installing", "idle"]], ["ask", ["idle", "checking", "available"]]] as const)(
    "looks for a newer version, and does with it what the settings say: %s",
    async (updates, told) => {
      const { host, clock } = await watched("mining");
      const seen: UpdateView[] = [];
      await host.watchUpdates((view) => seen.push(view));
      await host.saveSettings({ ...(await host.settings()).settings, updates });
      await host.checkForUpdates();
      await clock.advance(20_000);
      if (seen.at(-1)?.state.state === "ready") await host.installUpdate();
      await clock.advance(10_000);
      expect(seen.map(({ state }) => state.state).filter((state, index, all) => state !== all[index - 1])).toEqual(told);
      expect((await host.about()).version).toBe(updates === "automatic" ? "0.2.0" : "0.1.0");
    },
  );

  it("goes on with a report that was stopped", async () => {
    const { host, clock } = await watched("empty-activity");
    const seen: FidelityRun[] = [];
    await host.watchFidelity((run) => seen.push(run));
    const request = { text: { is: "bundled" as const }, reference: { is: "most_exact" as const }, precisions: [], most_windows: null };
    await host.measureFidelity(request);
    await clock.advance(4_000);
    await host.stopFidelity();
    const stopped = seen.at(-1);
    await host.measureFidelity(request);
    await clock.advance(30_000);
    expect([stopped?.phase, seen.at(-1)?.phase, seen.at(-1)?.windows_resumed]).toEqual(["stopped", "done", stopped?.windows_done]);
    expect((await host.fidelityReports()).reports).toHaveLength(1);
  });
});
