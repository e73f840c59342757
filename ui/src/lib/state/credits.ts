import { t } from "../messages";
import type { StatusStore } from "./status.svelte";

/** Before the network is known, nothing is claimed to be worth anything. */
export const isPractice = (status: StatusStore): boolean => (status.network ?? "practice") === "practice";

/** What an amount is an amount of. */
export const creditWord = (status: StatusStore): string => t(isPractice(status) ? "credits.practice" : "credits.real");
