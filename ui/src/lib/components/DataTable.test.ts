import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { createRawSnippet } from "svelte";
import { describe, expect, it } from "vitest";

import DataTable from "./DataTable.svelte";

type Row = { name: string; size: number };

function shown(): () => string[] {
  const row = createRawSnippet((one: () => Row) => ({ render: () => `<td>${one().name}</td>` }));
  const columns = [{ title: "Name" }, { title: "Size", compare: (left: Row, right: Row) => left.size - right.size }];
  const rows = [{ name: "middle", size: 2 }, { name: "large", size: 3 }, { name: "small", size: 1 }];
  render(DataTable<Row>, { caption: "Things", columns, rows, key: (one: Row) => one.name, row });
  return () => within(screen.getByRole("table")).getAllByRole("cell").map((cell) => cell.textContent ?? "");
}

const sorted = (): string | null => screen.getByRole("columnheader", { name: /Size/ }).getAttribute("aria-sort");

describe("DataTable", () => {
  it("is sorted by a column, up, down, and as it was", async () => {
    const names = shown();
    expect([names(), sorted()]).toEqual([["middle", "large", "small"], "none"]);
    const press = () => userEvent.click(screen.getByRole("button", { name: "Size" }));
    await press();
    expect([names(), sorted()]).toEqual([["small", "middle", "large"], "ascending"]);
    await press();
    expect([names(), sorted()]).toEqual([["large", "middle", "small"], "descending"]);
    await press();
    expect([names(), sorted()]).toEqual([["middle", "large", "small"], "none"]);
  });

  it("has no buttons on columns that nobody sorts by", () => {
    shown();
    expect(screen.getAllByRole("button")).toHaveLength(1);
    expect(screen.getByRole("columnheader", { name: "Name" }).hasAttribute("aria-sort")).toBe(false);
  });
});
