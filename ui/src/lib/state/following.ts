import type { Unwatch } from "../host/host";
import { asFailure, type Shown } from "./failure";

/** Follows a subscription that is still being made. Ending it before it is there ends it as soon as it is. */
export function following(subscribing: Promise<Unwatch>, failed: (failure: Shown) => void): Unwatch {
  let unwatch: Unwatch = () => {};
  let ended = false;
  subscribing.then(
    (stop) => (ended ? stop() : (unwatch = stop)),
    (error: unknown) => failed(asFailure(error)),
  );
  return () => {
    ended = true;
    unwatch();
  };
}
