"""Hashes of files as their publishers print them: whole, or their first digits as part of the file's name."""

import dataclasses
import hashlib
import os
import re

from kerasnets.checks import refuse

FORM = re.compile(r"(md5|sha1|sha256|sha384|sha512)( prefix)? ([0-9a-f]+)(?: \((.*)\))?")
LEAST = 6  # fewest hexadecimal digits of a prefix
ALLOWED = (
    "None, or an algorithm and hexadecimal digits such as 'sha1 9116...' or 'sha256 prefix 7be5be79', "
    "perhaps with a remark in parentheses"
)


@dataclasses.dataclass(frozen=True)
class Hash:
    """The hash of a file, or its first digits.

    Attributes:
        algorithm: Name of the algorithm in hashlib.
        digits: Hexadecimal digits.
    """

    algorithm: str
    digits: str

    @property
    def whole(self) -> bool:
        """Whether these are all digits, not only the first."""
        return len(self.digits) == digits_of(self.algorithm)

    def __str__(self):
        return f"{self.algorithm} {self.digits}{'' if self.whole else '...'}"


def digits_of(algorithm: str) -> int:
    """The number of hexadecimal digits of an algorithm's hashes."""
    return 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size


def parse(text: str | None, file: str) -> Hash | None:
    """Reads the hash of a file.

    Args:
        text: An algorithm and digits, such as "sha1 9116...", "sha256 prefix 7be5be79" where only the first
            digits are known, or "sha1 2768... (of the .pth)". None or "" if no hash is known.
        file: Name of the file.

    Returns:
        The hash; None if there is none, or if a remark says that it is the hash of another type of file than
        `file`, such as of the .pth from which a .safetensors was made.

    Raises:
        ValueError: The text has another form.
    """
    if not text:
        return None
    found = FORM.fullmatch(text) if isinstance(text, str) else None
    if not found:
        refuse("hash", ALLOWED, text)
    algorithm, prefix, digits, remark = found.groups()
    size = digits_of(algorithm)
    if not (LEAST <= len(digits) < size if prefix else len(digits) == size):
        refuse("hash", ALLOWED, text)
    other = re.match(r"of the (\.\w+)", remark or "")
    return None if other and not file.endswith(other[1]) else Hash(algorithm, digits)


def hash_of(path: str | os.PathLike, algorithm: str = "sha256") -> Hash:
    """Computes the hash of a file."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return Hash(algorithm, digest.hexdigest())
