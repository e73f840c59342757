import { expect, it } from "vitest";

import type { Status } from "../host/types";
import { modeView, statusWith } from "../testing/statuses";
import { suggestion } from "./suggestion";

const none = { today: "0", total: "0", requests: 0, requests_void: 0, tests: 0, tests_void: 0, by_mode: [] };
const report = { tier: null, evidence: [], tested_at: 0, next_step: "close other programs" };
const earning = (precision: string | null, volume: string | null) => [modeView("precision", precision), modeView("volume", volume)];

it.each<[string, Partial<Status>, boolean, unknown]>([
  ["resume while paused, before anything else", { phase: "paused", earnings: none }, true, { is: "resume" }],
  ["nothing while it steps aside: the statement says when it goes on", { phase: "paused", aside: [{ is: "battery" }] }, true, null],
  ["nothing while a pause ends by itself: the statement says when", { phase: "paused", paused_until: 1_000 }, true, null],
  ["the next test if the last was not passed", { phase: "untrusted", tier: report }, true, { is: "next_test", report }],
  ["nothing if why it was not passed is not known", { phase: "untrusted" }, true, null],
  ["a first request on the practice network", { earnings: none }, true, { is: "send_request" }],
  ["no first request on another network", { earnings: none }, false, { is: "nothing" }],
  ["the other mode if it earns a tenth more", { modes: earning("110", "100") }, true, { is: "earns_more", mode: "precision", amount: "110", against: "100" }],
  ["not the other mode for less than that", { modes: earning("109", "100") }, true, { is: "nothing" }],
  ["not the other mode if it earns less", { modes: earning("50", "100") }, true, { is: "nothing" }],
  ["not the other mode if one is not measured", { modes: earning("110", null) }, true, { is: "nothing" }],
  ["no mode before there are any", { modes: [] }, true, { is: "nothing" }],
  ["nothing while it is offline: the statement says it", { phase: "offline" }, true, null],
  ["nothing while it is switching", { phase: "switching" }, true, null],
  ["nothing while it is hindered", { phase: "hindered" }, true, null],
])("suggests %s", (_, changes, practice, expected) => {
  expect(suggestion(statusWith(changes), practice)).toEqual(expected);
});
