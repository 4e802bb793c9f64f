"""A gzip stream of long runs of zeros, which are written as ready-made blocks (standard library only).

An image of one region a volume is zero nearly everywhere. A block of zeros is deflated once, by zlib itself, and ends
at a byte, so that it can be repeated; what repeated zeros do to the checksum is a matrix. Any reader of gzip takes it.
"""

import zlib
from functools import cache
from typing import BinaryIO

SHORTEST = 2**14  # bytes of zeros that get blocks of their own
_LARGEST = 2**22  # bytes in a block: deflate halves nothing more beyond
_START = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"  # of gzip: no name, no time, fast, of no system
_END = b"\x03\x00"  # a last block with nothing in it
_ONES = 0xFFFFFFFF


class GzipOfZeros:
    """Write a gzip stream (no time, no name inside): bytes, and zeros that cost next to nothing.

    Parameters
    ----------
    raw : binary stream to write to.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._checksum, self._size, self._left = raw, 0, 0, 0
        raw.write(_START)

    def write(self, content: bytes) -> None:
        """Deflate `content`, after the zeros that no block was made of."""
        content, self._left = bytes(self._left) + content, 0
        self._raw.write(_deflated(content, 1))
        self._checksum = zlib.crc32(content, self._checksum)
        self._size += len(content)

    def zeros(self, number: int) -> None:
        """Write so many bytes of 0; those beyond the last whole block come with what is written next."""
        number += self._left
        self._left = number % SHORTEST
        number -= self._left
        self._checksum = _checksum_after(self._checksum, number)
        self._size += number
        block = _LARGEST
        while number:
            self._raw.write(_block(block) * (number // block))
            number %= block
            block //= 2

    def close(self) -> None:
        """Write the end of the stream; `raw` stays open."""
        if self._left:
            self.write(b"")
        size = self._size % 2**32
        self._raw.write(_END + self._checksum.to_bytes(4, "little") + size.to_bytes(4, "little"))


def _deflated(content: bytes, level: int) -> bytes:
    """Deflated by itself, not the end of a stream, in whole bytes."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(content) + deflate.flush(zlib.Z_FULL_FLUSH)


@cache
def _block(number: int) -> bytes:
    return _deflated(bytes(number), 9)


def _checksum_after(checksum: int, zeros: int) -> int:
    """CRC-32 of bytes whose CRC-32 is `checksum`, and so many zeros after them."""
    register = checksum ^ _ONES
    for doublings in range(zeros.bit_length()):
        if zeros >> doublings & 1:
            register = _times(_matrix(doublings), register)
    return register ^ _ONES


@cache
def _matrix(doublings: int) -> list[int]:
    """What ``2**doublings`` zeros make of each bit of the register of CRC-32, (32,): it is linear."""
    if not doublings:
        return [zlib.crc32(b"\0", 1 << bit ^ _ONES) ^ _ONES for bit in range(32)]
    half = _matrix(doublings - 1)
    return [_times(half, column) for column in half]


def _times(matrix: list[int], register: int) -> int:
    product = 0
    for bit, column in enumerate(matrix):
        if register >> bit & 1:
            product ^= column
    return product
