/** The first run of the mock, and taking over the key of another program. */

import type { Host } from "../host";
import type { FirstRunScreen, FirstRunView, ImportedEnv, Millis, Outlook, Status } from "../types";
import { failure } from "./failure";
import { HARDWARE, IMPORTED_ADDRESS } from "./machine";
import type { Miner } from "./miner";

type FirstRunHost = Pick<
  Host,
  "watchFirstRun" | "outlook" | "beginFirstRun" | "showFirstRun" | "firstRunTold" | "tryOut" | "importEnv" | "wipeEnv"
>;

const OUTLOOK: Outlook = { hardware: HARDWARE, model: "SmolLM2 135M Instruct", memory_bytes: 937_426_944, disk_bytes: 507_423_904 };
const ANSWER = "The sky is blue because of the way that sunlight is scattered by the air. Blue light is scattered more than red light";
const ENV = "/home/sam/.cortensor/.env";

export class FirstRun {
  view: FirstRunView = { screen: "over", started: true, ready_ms: null, served_ms: null, told: true };
  #watchers = new Set<(view: FirstRunView) => void>();
  #started: Millis | null = null;
  #imported: ImportedEnv | null = null;

  constructor(readonly miner: Miner) {
    miner.stage.watch((status) => this.#note(status));
  }

  /** As it is in a folder that nothing was ever started in. */
  recall(): void {
    this.view = { screen: "welcome", started: false, ready_ms: null, served_ms: null, told: false };
  }

  begin(): void {
    if (this.view.started) return;
    this.#started = this.miner.clock.now();
    this.#change({ started: true, screen: "plan" });
    void this.miner.life.start();
  }

  show(screen: FirstRunScreen): void {
    if (!this.view.started) throw failure("request", "the miner has not started yet; start it first");
    this.#change({ screen });
  }

  get host(): FirstRunHost {
    return {
      watchFirstRun: async (seen) => this.#watch(seen),
      outlook: async () => structuredClone(OUTLOOK),
      beginFirstRun: async () => this.begin(),
      showFirstRun: async (screen) => this.show(screen),
      firstRunTold: async () => this.#change({ told: true }),
      tryOut: async () => this.#tryOut(),
      importEnv: async (passphrase) => this.#import(passphrase),
      wipeEnv: async () => {
        if (!this.#imported) throw failure("request", "no key was imported from a file since the program started; import it first");
        this.#imported = null;
      },
    };
  }

  async #tryOut(): Promise<string> {
    const { work } = this.miner;
    work.take("user");
    await work.finished();
    return ANSWER;
  }

  #import(passphrase: string | null): ImportedEnv {
    const place = this.miner.stage.status.key_place ?? "keychain";
    if (place === "keystore" && passphrase === null) throw failure("passphrase", "the key is kept in an encrypted file and needs a passphrase");
    this.#imported = { address: IMPORTED_ADDRESS, place, file: ENV, not_used: ["HOST", "CHAINID", "WS_HOST_ROUTER", "LLM_OPTION_GPU"] };
    return structuredClone(this.#imported);
  }

  #watch(seen: (view: FirstRunView) => void): () => void {
    this.#watchers.add(seen);
    seen(structuredClone(this.view));
    return () => this.#watchers.delete(seen);
  }

  #change(change: Partial<FirstRunView>): void {
    Object.assign(this.view, change);
    this.#watchers.forEach((seen) => seen(structuredClone(this.view)));
  }

  #note({ phase, earnings }: Status): void {
    if (this.#started === null) return;
    const [served, passed] = [earnings.requests > 0, this.miner.clock.now() - this.#started];
    if (this.view.ready_ms === null && (served || phase === "mining")) this.#change({ ready_ms: passed });
    if (this.view.served_ms === null && served) this.#change({ served_ms: passed });
  }
}
