"""Milenage, the authentication functions of 3GPP TS 35.206; AES comes from ``cryptography``.

Constants c1 to c5 and rotations r1 to r5 are those of TS 35.206 clause 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What f2 to f5* give for one RAND.

    Attributes:
        res: f2, 8 bytes.
        ck: f3, 16 bytes.
        ik: f4, 16 bytes.
        ak: f5, 6 bytes, hides SQN in AUTN.
        ak_star: f5*, 6 bytes, hides SQN in AUTS.
    """

    res: bytes
    ck: bytes
    ik: bytes
    ak: bytes
    ak_star: bytes


def xor(left: bytes, right: bytes) -> bytes:
    """Combine two byte strings of one length."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def derive_opc(k: bytes, op: bytes) -> bytes:
    """Return OPc, the operator's constant bound to one key (TS 35.206 clause 4.1)."""
    return xor(_encrypt(k, op), op)


def f1(k: bytes, opc: bytes, rand: bytes, sqn: bytes, amf: bytes) -> tuple[bytes, bytes]:
    """Return MAC-A and MAC-S, the codes of network and of resynchronisation."""
    temp = _encrypt(k, xor(rand, opc))
    in1 = sqn + amf + sqn + amf
    out1 = xor(_encrypt(k, xor(temp, _rotate(xor(in1, opc), 64))), opc)
    return out1[:8], out1[8:]


def f2345(k: bytes, opc: bytes, rand: bytes) -> Answers:
    """Return RES, CK, IK and the two anonymity keys."""
    base = xor(_encrypt(k, xor(rand, opc)), opc)

    def out(rotation: int, constant: int) -> bytes:
        mixed = xor(_rotate(base, rotation), constant.to_bytes(16, "big"))
        return xor(_encrypt(k, mixed), opc)

    out2 = out(0, 1)
    return Answers(res=out2[8:], ck=out(32, 2), ik=out(64, 4), ak=out2[:6], ak_star=out(96, 8)[:6])


def _encrypt(key: bytes, block: bytes) -> bytes:
    # One block of a block cipher is what the standard asks for: there is no chaining to choose.
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(block) + encryptor.finalize()


def _rotate(block: bytes, bits: int) -> bytes:
    cut = bits // 8
    return block[cut:] + block[:cut]
