// The policy of the window, word for word as in tauri.conf.json, so that the browser tests meet the same walls.
export const contentSecurityPolicy = [
  "default-src 'self'",
  "img-src 'self' asset: http://asset.localhost data:",
  "style-src 'self'",
  "connect-src 'self' ipc: http://ipc.localhost",
].join("; ");

// The policy of the status page, word for word as in crates/status-page/src/guard.rs.
export const glancePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
