/** The status page of the mock: who is paired with it, and the code that pairs. */

import type { Host } from "../host";
import type { PairedDevice, Settings, StatusPageView } from "../types";
import type { Clock } from "./clock";
import { failure } from "./failure";

type StatusPageHost = Pick<Host, "watchStatusPage" | "showPairingCode" | "forgetDevice">;

const DAY = 86_400_000;
const CODE_HOLDS = 600_000;
/** How long the other browser's user takes. */
const TYPING = 30_000;
const HERE = ["192.168.1.23", "[fd00:3a:51:1::23]"];

export class StatusPage {
  view: StatusPageView = { open: false, addresses: [], problem: null, code: null, devices: [] };
  #watchers = new Set<(view: StatusPageView) => void>();

  constructor(readonly clock: Clock) {}

  listen({ on, listen }: Settings["status_page"]): void {
    const port = listen.slice(listen.lastIndexOf(":") + 1);
    const problem = on && Number(port) < 1024 ? refusal(listen) : null;
    const open = on && problem === null;
    const addresses = HERE.filter((address) => !address.startsWith("[") || listen.startsWith("[")).map((address) => `http://${address}:${port}`);
    this.#be({ open, addresses: open ? addresses : [], code: null, problem });
  }

  /** Two browsers that were paired before. */
  recall(): void {
    this.#be({ devices: [this.#device(1, "Firefox on Android", 9), this.#device(2, "Safari on iPad", 2)] });
  }

  get host(): StatusPageHost {
    return {
      watchStatusPage: async (seen) => {
        this.#watchers.add(seen);
        seen(structuredClone(this.view));
        return () => this.#watchers.delete(seen);
      },
      showPairingCode: async () => {
        if (!this.view.open) throw failure("request", "the status page is off; turn it on in Settings");
        const code = { digits: "4085 2617", until: this.clock.now() + CODE_HOLDS };
        this.#be({ code });
        this.clock.after(TYPING, () => this.#pair());
        return code;
      },
      forgetDevice: async (id) => this.#be({ devices: this.view.devices.filter((device) => device.id !== id) }),
    };
  }

  /** A browser types the code that is shown. */
  #pair(): void {
    if (!this.view.code) return;
    this.#be({ code: null, devices: [...this.view.devices, this.#device(3, "Chrome on Linux", 0)] });
  }

  #device(id: number, name: string, days: number): PairedDevice {
    const paired = this.clock.now() - days * DAY;
    return { id, name, paired_at: paired, last_seen: days === 0 ? paired : this.clock.now() - days * 1_200_000 };
  }

  #be(change: Partial<StatusPageView>): void {
    Object.assign(this.view, change);
    this.#watchers.forEach((seen) => seen(structuredClone(this.view)));
  }
}

/** Such ports are the system's own. */
const refusal = (listen: string): string =>
  `the status page cannot listen on ${listen}; choose another address for it in Settings, or end what uses this one (Permission denied (os error 13))`;
