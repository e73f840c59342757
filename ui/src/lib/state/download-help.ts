// Why a model was not got, by what helps.

/** Key of `models.way.why.*`. */
export type DownloadHelp = "connection" | "busy" | "refused" | "gone" | "source" | "other_file" | "disk_full" | "file" | "in_use" | "made_here" | "list" | "stopped" | "other";

const HELP: Record<Exclude<DownloadHelp, "other">, readonly string[]> = {
  connection: ["connection", "stalled", "cut", "client", "all_sources_failed"],
  busy: ["busy"],
  refused: ["refused"],
  gone: ["missing", "no_source"],
  source: ["answer", "insecure", "endpoint"],
  other_file: ["other_file", "changed", "digest", "not_a_model", "no_model_in_folder", "parts_missing", "pinned_otherwise"],
  disk_full: ["disk_full"],
  file: ["file_unwritable", "file_unreadable", "inventory_damaged", "manifest_folder"],
  in_use: ["in_use", "model_needed", "model_kept"],
  made_here: ["made_here"],
  list: [
    "manifest_signature", "manifest_hexadecimal", "manifest_layout", "manifest_content", "manifest_expired", "manifest_older",
    "manifest_same_version", "no_such_model", "no_such_format", "model_not_here",
  ],
  stopped: ["stopped", "cancelled"],
};

const BY_CODE = new Map(Object.entries(HELP).flatMap(([help, codes]) => codes.map((code): [string, DownloadHelp] => [code, help as DownloadHelp])));

/** `other`: a code of a newer miner. */
export const helpOf = (code: string): DownloadHelp => BY_CODE.get(code) ?? "other";
