import { describe, expect, it } from "vitest";

import {
  capitalised, formatAmount, formatAmountExactly, formatBytes, formatDuration, formatEnergy, formatMoney, formatRelative, formatRequestsPerHour,
  sentence, shorten,
} from "./formats";

describe("amounts", () => {
  it.each([
    ["0", "0"],
    ["1", "0.000000000000000001"],
    ["4000000000000", "0.0000040"],
    ["13700000000000", "0.000013"],
    ["640000000000000", "0.00064"],
    ["172912345678901234", "0.1729"],
    ["999999999999999999", "0.9999"],
    ["1000000000000000000", "1.000"],
    ["12345678901234567890", "12.345"],
    ["1234567890123456789012345", "1,234,567.89"],
  ])("%s base units read as %s, cut and never rounded up", (amount, written) => {
    expect(formatAmount(amount)).toBe(written);
  });

  it.each([
    ["0", "0"],
    ["1500000000000000000", "1.5"],
    ["9007199254740993000000000000000001", "9,007,199,254,740,993.000000000000000001"],
    ["3000000000000000000000", "3,000"],
  ])("%s base units keep every digit: %s", (amount, written) => {
    expect(formatAmountExactly(amount)).toBe(written);
  });
});

describe("figures have their units", () => {
  it.each([
    [formatBytes(0), "0 kB"],
    [formatBytes(1), "1 kB"],
    [formatBytes(999_000), "999 kB"],
    [formatBytes(999_001), "1 MB"],
    [formatBytes(342_930_000), "343 MB"],
    [formatBytes(999_499_999), "999 MB"],
    [formatBytes(999_500_000), "1 GB"],
    [formatBytes(99_960_000_000), "100 GB"],
    [formatBytes(25_276_502_016), "25.3 GB"],
    [formatBytes(252_579_094_528), "253 GB"],
    [formatDuration(731), "731 ms"],
    [formatDuration(2689), "2.7 s"],
    [formatDuration(59_400), "59 s"],
    [formatDuration(59_700), "60 s"],
    [formatDuration(119_900), "2 min 0 s"],
    [formatDuration(125_000), "2 min 5 s"],
    [formatDuration(7_260_000), "2 h 1 min"],
    [formatRequestsPerHour(0.523), "0.52 requests/h"],
    [formatRequestsPerHour(5.12), "5.1 requests/h"],
    [formatRequestsPerHour(580.4), "580 requests/h"],
  ])("%s", (written, expected) => {
    expect(written).toBe(expected);
  });
});

describe("times", () => {
  it.each([
    [0, "just now"],
    [59_000, "just now"],
    [61_000, "1 minute ago"],
    [3_599_000, "59 minutes ago"],
    [5_400_000, "1 hour ago"],
    [86_400_000, "yesterday"],
    [-30 * 60_000, "in 30 minutes"],
  ])("%i ms before now is %s", (before, written) => {
    expect(formatRelative(1_800_000_000_000 - before, 1_800_000_000_000)).toBe(written);
  });
});

describe("electricity", () => {
  it.each([
    [0, "0.00 EUR"],
    [0.3, "0.30 EUR"],
    [-1.005, "-1.01 EUR"],
    [0.0043, "0.0043 EUR"],
    [1234.5, "1,234.50 EUR"],
  ])("%d of a currency reads as %s", (value, written) => {
    expect(formatMoney(value, "EUR")).toBe(written);
  });

  it.each([
    [0, "0 Wh"],
    [3_600_000 * 12, "12 Wh"],
    [3_600_000 * 999, "999 Wh"],
    [3_600_000 * 1240, "1.24 kWh"],
  ])("%d millijoules read as %s", (millijoules, written) => {
    expect(formatEnergy(millijoules)).toBe(written);
  });
});

describe("messages", () => {
  it("become sentences", () => {
    expect(sentence("connection refused")).toBe("Connection refused.");
    expect(sentence("Done.")).toBe("Done.");
    expect(sentence("not found (os error 2)")).toBe("Not found (os error 2).");
    expect(sentence("not read (this is rare.)")).toBe("Not read (this is rare.)");
    expect(sentence("")).toBe("");
    expect(capitalised("measuring F16 (1 of 3)")).toBe("Measuring F16 (1 of 3)");
  });

  it("are short where only the ends matter", () => {
    expect(shorten("0x3F1b6cE0B4b1a0C5bE6f5d6f0e4C2dA9b7E81d42")).toBe("0x3F1b…E81d42");
    expect(shorten("short")).toBe("short");
  });
});
