"""Keys and signatures."""

import base64
import os
import pathlib
import subprocess
from typing import Optional

from releasing.failure import fail
from releasing.folder import Manifest
from releasing.version import ROOT

SIGNER = ROOT / "ui/node_modules/.bin/tauri"
MAKE_A_KEY = """make a key and say where it is:
  npm --prefix ui exec -- tauri signer generate -w FILE
  export TAURI_SIGNING_PRIVATE_KEY_PATH=FILE TAURI_SIGNING_PRIVATE_KEY_PASSWORD=PASSWORD"""


def keys() -> tuple[str, str]:
    """The private key that signs and the public key that programs are stamped with."""
    path = os.environ.get("TAURI_SIGNING_PRIVATE_KEY_PATH")
    private = os.environ.get("TAURI_SIGNING_PRIVATE_KEY")
    public = os.environ.get("CORTENSOR_UPDATE_KEY")
    if not private and not path:
        fail("there is no key to sign with: neither TAURI_SIGNING_PRIVATE_KEY nor TAURI_SIGNING_PRIVATE_KEY_PATH is set", MAKE_A_KEY)
    if not public and not path:
        hint = 'it is what FILE.pub of the key has: export CORTENSOR_UPDATE_KEY="$(cat FILE.pub)"'
        fail("there is no public key: CORTENSOR_UPDATE_KEY is not set", hint)
    for file, wanted in ((path, not private), (f"{path}.pub", not public)):
        if wanted and not pathlib.Path(file).is_file():
            fail(f"there is no key at '{file}'", MAKE_A_KEY)
    private = private or pathlib.Path(path).read_text()
    return private.strip(), (public or pathlib.Path(f"{path}.pub").read_text()).strip()


def key_name(text: str) -> bytes:
    """Which key this is the public half of, or a signature by."""
    try:
        return base64.b64decode(base64.b64decode(text, validate=True).decode().splitlines()[1], validate=True)[2:10]
    except (ValueError, IndexError):
        fail(f"'{text[:40]}' is no public key or signature", "it is the one long line that FILE.pub of the key has")


def sign(file: pathlib.Path, version: str, private: str) -> str:
    environment = {**os.environ, "TAURI_SIGNING_PRIVATE_KEY": private}
    environment.pop("TAURI_SIGNING_PRIVATE_KEY_PATH", None)
    # The version is signed too: an old release cannot be passed off as a new one.
    command = [SIGNER, "signer", "sign", "--app-version", version, file]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it says nothing"])[-1].strip().replace("Error ", "")
        fail(f"the key does not sign: {reason}", "check the key and TAURI_SIGNING_PRIVATE_KEY_PASSWORD")
    return pathlib.Path(f"{file}.sig").read_text().strip()


def check_keys(scratch: pathlib.Path, version: str, private: str, public: str, there: Optional[Manifest]) -> None:
    """One signature in advance: what is released with another key than the stamped one is refused by every machine."""
    probe = scratch / "probe"
    probe.write_text("probe")
    signer = key_name(sign(probe, version, private))
    if signer != key_name(public):
        fail("the public key is not the private key's", "set CORTENSOR_UPDATE_KEY to what FILE.pub of the signing key has")
    for entry in (there or {"platforms": {}})["platforms"].values():
        if signer != key_name(entry["signature"]):
            fail("the channel's release is signed with another key, and machines that have it take nothing else", "sign with that key")
