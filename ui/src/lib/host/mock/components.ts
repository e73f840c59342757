/** What the program is built from: a part of the real list, which has some hundreds. */

import type { About } from "../types";

const APACHE_OR_MIT = "MIT OR Apache-2.0";

const LIST: [name: string, version: string, licence: string][] = [
  ["ahash", "0.8.12", APACHE_OR_MIT], ["alloy-primitives", "1.4.1", APACHE_OR_MIT], ["alloy-signer-local", "1.1.2", APACHE_OR_MIT],
  ["anyhow", "1.0.100", APACHE_OR_MIT], ["axum", "0.8.7", "MIT"], ["bits-ui", "2.18.4", "MIT"], ["bytemuck", "1.24.0", "Zlib OR Apache-2.0 OR MIT"],
  ["candle-core", "0.10.2", APACHE_OR_MIT], ["chart.js", "4.5.1", "MIT"], ["directories", "6.0.0", APACHE_OR_MIT], ["fd-lock", "4.0.4", APACHE_OR_MIT],
  ["futures", "0.3.31", APACHE_OR_MIT], ["gemm", "0.18.2", "MIT"], ["i18next", "25.7.1", "MIT"], ["keyring", "4.2.0", APACHE_OR_MIT],
  ["libsqlite3-sys", "0.30.1", "MIT"], ["mistralrs", "0.6.0", "MIT"], ["option-ext", "0.2.0", "MPL-2.0"], ["rand", "0.9.2", APACHE_OR_MIT],
  ["rayon", "1.11.0", APACHE_OR_MIT], ["ring", "0.17.14", "Apache-2.0 AND ISC"], ["rustls", "0.23.35", "Apache-2.0 OR ISC OR MIT"],
  ["serde", "1.0.228", APACHE_OR_MIT], ["sqlx", "0.8.6", APACHE_OR_MIT], ["svelte", "5.57.0", "MIT"], ["sysinfo", "0.40.1", "MIT"],
  ["tauri", "2.12.0", "Apache-2.0 OR MIT"], ["thiserror", "2.0.17", APACHE_OR_MIT], ["tokenizers", "0.22.1", "Apache-2.0"], ["tokio", "1.48.0", "MIT"],
  ["tokio-tungstenite", "0.28.0", "MIT"], ["toml", "0.9.8", APACHE_OR_MIT], ["tower", "0.5.2", "MIT"], ["tracing", "0.1.43", "MIT"],
  ["unicode-ident", "1.0.22", "(MIT OR Apache-2.0) AND Unicode-3.0"], ["uuid", "1.18.1", "Apache-2.0 OR MIT"], ["wry", "0.57.0", "Apache-2.0 OR MIT"],
  ["zeroize", "1.8.2", "Apache-2.0 OR MIT"],
];

export const COMPONENTS: About["components"] = LIST.map(([name, version, licence]) => ({ name, version, licence }));
