import { readdirSync } from "node:fs";

/** Tests only: the files that the interface is made of, by how they end. */
export function sourcesOf(...ends: string[]): string[] {
  const all = readdirSync("src", { recursive: true, encoding: "utf8" });
  return all.filter((path) => ends.some((end) => path.endsWith(end))).map((path) => `src/${path}`);
}
