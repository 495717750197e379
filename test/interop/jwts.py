"""What the servers need to read JWTs, with the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any


def base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def parts(jwt: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """The header, the claims, what is signed, and the signature."""
    signed, _, signature = jwt.rpartition('.')
    header, claims = (json.loads(base64url(part)) for part in signed.split('.'))
    return header, claims, signed.encode(), base64url(signature)


def public_key(account: Mapping[str, str]) -> tuple[int, int]:
    """The modulus and the exponent."""
    modulus, exponent = (int.from_bytes(base64url(account[name]), 'big') for name in ('n', 'e'))
    return modulus, exponent


def is_pss(message: bytes, signature: bytes, modulus: int, exponent: int) -> bool:
    """EMSA-PSS-VERIFY of RFC 8017 for SHA-256 and a salt of its length."""
    size, salt_size = 32, 32
    bits = modulus.bit_length() - 1
    length = (bits + 7) // 8
    encoded = pow(int.from_bytes(signature, 'big'), exponent, modulus).to_bytes(length, 'big')
    masked, digest, trailer = encoded[: -size - 1], encoded[-size - 1 : -1], encoded[-1]
    blocks = range((len(masked) + size - 1) // size)
    mask = b''.join(hashlib.sha256(digest + block.to_bytes(4, 'big')).digest() for block in blocks)
    block = int.from_bytes(bytes(a ^ b for a, b in zip(masked, mask)), 'big') % (1 << (bits - 8 * (size + 1)))
    padding, salt = divmod(block, 1 << (8 * salt_size))
    content = bytes(8) + hashlib.sha256(message).digest() + salt.to_bytes(salt_size, 'big')
    return trailer == 0xBC and padding == 1 and hashlib.sha256(content).digest() == digest


def is_pkcs1(message: bytes, signature: bytes, modulus: int, exponent: int) -> bool:
    """RSASSA-PKCS1-V1_5-VERIFY of RFC 8017 for SHA-256."""
    length = (modulus.bit_length() + 7) // 8
    algorithm = bytes.fromhex('3031300d060960864801650304020105000420')
    content = algorithm + hashlib.sha256(message).digest()
    expected = b'\x00\x01' + b'\xff' * (length - len(content) - 3) + b'\x00' + content
    return pow(int.from_bytes(signature, 'big'), exponent, modulus).to_bytes(length, 'big') == expected
