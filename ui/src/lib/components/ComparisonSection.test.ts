import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import type { Host } from "../host/host";
import type { Comparison } from "../host/types";
import { comparedWith, networkSide, sideWith } from "../testing/comparisons";
import { applicationWith } from "../testing/application";
import WithApplication from "../testing/WithApplication.svelte";
import ComparisonSection from "./ComparisonSection.svelte";

function shown(comparison: Comparison, given: Partial<Host> = {}): void {
  const host = given as Host;
  const application = applicationWith(host);
  render(WithApplication, { application, component: ComparisonSection as never, given: { comparison } });
}

const top = (texts: string[]) => texts.map((text, id) => ({ id, text, probability: 0.5 / (id + 1) }));
const told = (text: string, id: number, divergence: number) => ({ id, text, divergence, top: [top(["b", "c"]), top(["x", "y"])] });
const parted = comparedWith(
  [
    { ...sideWith("F16", ["a", "b", "c"]), tokens: [told("a", 9, 0), told("b", 0, 0.7), told("c", 2, 0.05)] },
    { ...sideWith("Q4_0", ["a", "x"]), tokens: [told("a", 9, 0), told("x", 0, 0.7)], first_divergence: 1, equal_tokens: 1, energy_joules: 12.4 },
  ],
  { first_divergence: 1 },
);
const panel = (): HTMLElement => screen.getByRole("region", { name: "Token in detail" });

describe("the answers", () => {
  it("are one stop for Tab, and the arrow keys go along them with what was expected there", async () => {
    const user = userEvent.setup();
    shown(parted);
    const tokens = screen.getByRole("listbox", { name: "Tokens of the answers" });
    expect(within(tokens).getAllByRole("option").every((option) => option.tabIndex < 0)).toBe(true);
    expect(panel().textContent).toContain("Token 2 of 2 in Q4_0");
    tokens.focus();
    await user.keyboard("{ArrowLeft}{ArrowUp}{End}");
    expect(panel().textContent).toContain("Token 3 of 3 in F16");
    expect(panel().textContent).toContain("0.05 nats: a little apart");
    expect(panel().textContent).toContain("Q4_0 expected");
    const active = document.getElementById(tokens.getAttribute("aria-activedescendant") ?? "");
    expect(active?.getAttribute("aria-label")).toContain("c, F16, token 3 of 3");
    expect(active?.getAttribute("aria-selected")).toBe("true");
  });

  it("show the same for the token below the pointer", async () => {
    shown(parted);
    await userEvent.setup().hover(screen.getByRole("option", { name: /^b, F16/ }));
    expect(panel().textContent).toContain("Token 2 of 3 in F16");
  });

  it("mark the first different token and shade by level, with a line for each", () => {
    shown(parted);
    expect(screen.getByRole("option", { name: /^x, Q4_0, token 2 of 2, first different token/ }).className.split(" ")).toEqual(expect.arrayContaining(["apart-3", "parts"]));
    expect(screen.getByRole("option", { name: /^c, F16/ }).className).toContain("apart-1");
    expect(screen.getByRole("option", { name: /^a, Q4_0/ }).className).not.toMatch(/apart-\d/);
  });

  it("have a table of figures that says what was not measured", () => {
    shown(parted);
    const row = screen.getByRole("row", { name: /^Energy for the answer/ });
    expect(within(row).getAllByRole("cell").map((cell) => cell.textContent)).toEqual(["Not measured", "12.4 J"]);
  });

  it("of the network are marked, with what it expected where it told it, and why figures are missing", () => {
    const said = { id: 4, text: "b", divergence: null, top: [[{ id: 4, text: "b", probability: 0.7 }, { id: null, text: "y", probability: 0.2 }, { id: null, text: "z", probability: 0.1 }], []] };
    shown(comparedWith([{ ...networkSide(["a"]), tokens: [said] }, sideWith("Q4_0", ["a"], { unscored: { why: "remote_reference" } })]));
    expect(screen.getByText("remote")).toBeTruthy();
    expect(within(panel()).getAllByRole("list")).toHaveLength(1);
    expect(panel().textContent).toContain("Network F16 expected");
    const cells = (name: RegExp) => within(screen.getByRole("row", { name })).getAllByRole("cell").map((cell) => cell.textContent);
    expect([cells(/^File size/), cells(/^Mean divergence/)]).toEqual([["On the network", "271 MB"], ["–", "No figure"]]);
  });

  it("say that nothing is known of a token once all is over", () => {
    const blank = comparedWith([sideWith("F16", ["a"]), sideWith("Q8_0", ["b"])]);
    blank.sides.forEach((side) => side.tokens.forEach((token) => Object.assign(token, { divergence: null })));
    shown(blank);
    expect(panel().textContent).toContain("What was expected here is not known.");
  });

  it("are made again with the same question", async () => {
    const asked: unknown[] = [];
    const request = { prompt: "p", system: null, sides: [], sampling: { temperature: 0, top_p: null, max_tokens: 8 }, in_turn: false, name: null };
    shown({ ...parted, request }, { compare: (given) => (asked.push(given), Promise.reject({ code: "busy", message: "a blind vote is under way; stop it first" })) });
    await userEvent.setup().click(screen.getByRole("button", { name: "Regenerate" }));
    expect(asked).toEqual([request]);
    expect((await screen.findByText(/A blind vote is under way/)).closest("[role='alert']")).toBeTruthy();
  });
});
