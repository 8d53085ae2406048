"""A detector's memory as text: version, checksum, compressed content.

detector-snapshot/1 SHA256-OF-THE-REST BASE64-OF-DEFLATED-JSON
"""

import base64
import binascii
import hashlib
import zlib

import msgspec

from reference_impl.detector.detector import Detector, Memory

MAGIC = "detector-snapshot/1"
MAX_CONTENT_BYTES = 1 << 28
"""A checksum is no secret: content that inflates beyond this is refused whoever made it."""


class SnapshotError(ValueError):
    """The text is not a whole, undamaged snapshot of this version."""


def dump(detector: Detector) -> str:
    """The detector's whole state, alerts not yet taken excepted."""
    content = base64.b64encode(zlib.compress(msgspec.json.encode(detector.memory), 1))
    return f"{MAGIC} {hashlib.sha256(content).hexdigest()} {content.decode('ascii')}"


def load(state: str) -> Detector:
    """A detector that goes on where the dumped one stood. Raises SnapshotError."""
    magic, _, rest = state.partition(" ")
    checksum, _, body = rest.partition(" ")
    if magic != MAGIC:
        raise SnapshotError(f"state must begin with {MAGIC!r}, not with {magic[:40]!r}: take a new snapshot")
    content = body.encode("utf-8", "replace")
    if hashlib.sha256(content).hexdigest() != checksum:
        raise SnapshotError("state is damaged or truncated: its checksum does not match; use an older snapshot")
    try:
        inflater = zlib.decompressobj()
        data = inflater.decompress(base64.b64decode(content, validate=True), MAX_CONTENT_BYTES)
        if not inflater.eof:
            raise SnapshotError("state is larger than any snapshot of this version")
        return Detector(msgspec.json.decode(data, type=Memory))
    except (binascii.Error, zlib.error, msgspec.MsgspecError) as error:
        raise SnapshotError(f"state has a right checksum but content of another shape: {error}") from error
