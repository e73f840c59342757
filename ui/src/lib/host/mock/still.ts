/** 2026-11-25 14:23:07 UTC: what a still mock has for now. */
export const STILL_TIME = Date.UTC(2026, 10, 25, 14, 23, 7);
