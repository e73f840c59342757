import { expect, it } from "vitest";

import type { Host } from "../host/host";
import type { ActivityQuery, Settlement } from "../host/types";
import { everything } from "./activity-filter";
import { ActivityList, PAGE } from "./activity-list.svelte";

/** Settlements are numbered; a search for "even" finds those with an even number. */
function listOf(count: number) {
  const settled = Array.from({ length: count }, (_, index) => index + 1);
  const queries: ActivityQuery[] = [];
  const activity = async (query: ActivityQuery) => {
    queries.push(query);
    const matching = settled.filter((number) => query.filter.search !== "even" || number % 2 === 0).reverse();
    const entries = matching.slice(query.offset, query.offset + query.limit).map((sequence) => ({ sequence }) as Settlement);
    return { entries, total: matching.length, known: settled.length };
  };
  const list = new ActivityList({ activity } as Partial<Host> as Host);
  const settle = (more: number) => settled.push(...Array.from({ length: more }, (_, index) => settled.length + index + 1));
  const first = () => list.answer.value?.entries[0]?.sequence;
  return { list, queries, settle, first };
}

it("shows what is settled at once to who looks at the newest", async () => {
  const { list, settle, first } = listOf(120);
  await list.load();
  expect([first(), list.pages]).toEqual([120, 3]);
  settle(1);
  await list.settled(false);
  expect([first(), list.newer, list.total]).toEqual([121, 0, 121]);
});

it("does not move the rows under the reader, and says how many are new", async () => {
  const { list, settle, first } = listOf(120);
  await list.load();
  settle(2);
  await list.settled(true);
  settle(1);
  await list.settled(true);
  expect([first(), list.newer, list.total]).toEqual([120, 3, 120]);
  await list.toNewest();
  expect([first(), list.newer, list.total]).toEqual([123, 0, 123]);
});

it("keeps pages together while more is settled", async () => {
  const { list, settle, first } = listOf(120);
  await list.load();
  await list.turn(1);
  expect(first()).toBe(120 - PAGE);
  settle(4);
  await list.settled(false);
  await list.turn(2);
  expect([first(), list.newer]).toEqual([120 - 2 * PAGE, 4]);
  await list.turn(99);
  expect(list.page).toBe(2);
});

it("counts as new only what matches the filter, from the first page on", async () => {
  const { list, queries, settle, first } = listOf(120);
  await list.load();
  await list.turn(2);
  await list.narrow({ ...everything, search: "even" });
  expect([first(), list.page, list.total]).toEqual([120, 0, 60]);
  settle(3);
  await list.settled(true);
  expect(list.newer).toBe(1);
  expect(queries.at(-1)).toMatchObject({ limit: 1, filter: { search: "even" } });
});
