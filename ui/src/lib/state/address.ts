import type { NodeAddress } from "../host/types";

export type AddressFault = "shape" | "own";

/** What can be seen from here to be wrong with a payout address; its checksum is the host's to check. "" is none. */
export function addressFault(address: string, own: NodeAddress | null): AddressFault | null {
  if (address === "") return null;
  if (!/^0x[0-9a-fA-F]{40}$/.test(address)) return "shape";
  return address.toLowerCase() === own?.toLowerCase() ? "own" : null;
}
