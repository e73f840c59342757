import type { Host } from "../host/host";
import type { ActivityFilter, ActivityPage } from "../host/types";
import { Answer } from "./answer.svelte";
import { everything } from "./activity-filter";

export const PAGE = 50;

/** The settled tasks as they are read, page by page. What is settled meanwhile does not move them under the reader. */
export class ActivityList {
  filter = $state.raw<ActivityFilter>(everything);
  page = $state(0);
  /** Matching tasks that were settled since the newest ones were shown. */
  newer = $state(0);
  readonly answer = new Answer<ActivityPage>();
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  get offset(): number {
    return this.page * PAGE;
  }

  /** How many match, without those that came meanwhile. */
  get total(): number {
    return (this.answer.value?.total ?? 0) - this.newer;
  }

  get pages(): number {
    return Math.max(1, Math.ceil(this.total / PAGE));
  }

  load(): Promise<void> {
    const query = { filter: this.filter, offset: this.offset + this.newer, limit: PAGE };
    return this.answer.ask(() => this.#host.activity(query));
  }

  narrow(filter: ActivityFilter): Promise<void> {
    this.filter = filter;
    return this.toNewest();
  }

  turn(page: number): Promise<void> {
    this.page = Math.min(Math.max(page, 0), this.pages - 1);
    return this.load();
  }

  toNewest(): Promise<void> {
    this.page = 0;
    this.newer = 0;
    return this.load();
  }

  /** Something was settled: shows it if the reader sees the newest ones, else counts it. */
  async settled(reading: boolean): Promise<void> {
    if (this.page === 0 && this.newer === 0 && !reading) return this.load();
    const { filter, answer } = this;
    const before = this.total;
    // Not through the answer: what is shown stays as it is, and so does a failure of the count.
    const latest = await this.#host.activity({ filter, offset: 0, limit: 1 }).catch(() => null);
    if (!latest || filter !== this.filter || !answer.value) return;
    answer.value = { ...answer.value, total: latest.total, known: latest.known };
    this.newer = Math.max(0, latest.total - before);
  }
}
