// The policy of the window, word for word as in tauri.conf.json, so that the browser tests meet the same walls.
export const contentSecurityPolicy = [
  "default-src 'self'",
  "img-src 'self' asset: http://asset.localhost data:",
  "style-src 'self'",
  "connect-src 'self' ipc: http://ipc.localhost",
].join("; ");
