"""Fetching: the file behind an address that a stranger gave, and nothing that is not public.

A name is resolved once, every address it has must be public, and the connection goes to the address that was looked
at: what a name server says a moment later (DNS rebinding) is not asked for. Each redirect starts over.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from disclose.detector.addresses import is_public
from disclose.errors import InputError, TooLargeError, UnreadableError
from disclose.version import __version__

_USUAL_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 4
_LONGEST_URL = 2048
_PIECE = 1 << 16
_NOT_PUBLIC = "cannot fetch the address: its name does not lead to the public network"


class RefusedAddressError(InputError):
    """The address is not one that is fetched on a stranger's word."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses that *host* has."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches at most *largest* bytes within *seconds*, redirects included.

    *permits* says which addresses may be asked; *schemes* and *ports* hold for redirects too.
    """

    largest: int
    seconds: float
    permits: Callable[[str], bool] = is_public
    resolves: Callable[[str, int], list[str]] = resolve
    ports: frozenset[int] = frozenset(_USUAL_PORTS.values())
    schemes: frozenset[str] = frozenset(_USUAL_PORTS)

    def fetch(self, url: str) -> bytes:
        """Return the bytes at *url*.

        Raises RefusedAddressError for what is not fetched for strangers, TooLargeError, and UnreadableError for what
        does not answer in time or not with a file.
        """
        deadline = time.monotonic() + self.seconds
        for _ in range(_MOST_REDIRECTS + 1):
            found = self._asked(url, deadline)
            if isinstance(found, bytes):
                return found
            url = _redirected(url, found)
        raise RefusedAddressError("cannot fetch the address: it redirects too often")

    def _asked(self, url: str, deadline: float) -> bytes | str:
        """Return the bytes at *url*, or where it redirects to."""
        parts = _checked(url, self.schemes)
        port = parts.port or _USUAL_PORTS[parts.scheme]
        if port not in self.ports:
            raise RefusedAddressError(f"cannot fetch the address: port {port} is not one that web servers use")
        host = str(parts.hostname)
        addresses = self._addresses(host, port)
        connection = http.client.HTTPConnection(host, port)
        # The header Host names the port where it is not the scheme's own.
        connection.default_port = _USUAL_PORTS[parts.scheme]
        opened: list[socket.socket] = []
        # A server that sends a byte now and then would never run into a limit between bytes.
        watch = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [opened])
        watch.daemon = True
        watch.start()
        try:
            with closing(connection):
                _connect(connection, opened, parts.scheme, addresses, deadline)
                return self._answer(connection, parts, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unanswered(error, deadline) from error
        finally:
            watch.cancel()

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = self.resolves(host, port)
        except (OSError, UnicodeError) as error:
            # In the same words as below: who is told which names there are could ask for those of the network inside.
            raise RefusedAddressError(_NOT_PUBLIC) from error
        if not addresses or not all(self.permits(one) for one in addresses):
            raise RefusedAddressError(_NOT_PUBLIC)
        return addresses

    def _answer(self, connection: http.client.HTTPConnection, parts: SplitResult, deadline: float) -> bytes | str:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"User-Agent": f"disclose/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
        connection.request("GET", path, headers=headers)
        # A response that is to end with its connection keeps that open, whatever is closed but itself.
        with connection.getresponse() as response:
            if response.status in _REDIRECTS and (target := response.getheader("Location")):
                return target
            if response.status != 200:
                raise UnreadableError(f"cannot fetch the address: it answers with status {response.status}")
            if response.getheader("Content-Encoding", "identity").strip().lower() != "identity":
                raise UnreadableError("cannot fetch the address: it answers compressed, though that was not asked for")
            return self._received(response, deadline)

    def _received(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        if int(response.getheader("Content-Length") or 0) > self.largest:
            raise _too_large(self.largest)
        received = bytearray()
        while piece := response.read1(_PIECE):
            received += piece
            if len(received) > self.largest:
                raise _too_large(self.largest)
            if time.monotonic() > deadline:
                raise TimeoutError
        # A connection that was cut off while it sent its headers looks like one that ended by itself.
        if time.monotonic() > deadline:
            raise TimeoutError
        if response.length:
            raise http.client.IncompleteRead(b"")
        return bytes(received)


def _redirected(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise RefusedAddressError("cannot fetch the address: it redirects to one that is malformed") from error


def _checked(url: str, schemes: frozenset[str]) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
        is_plain = len(url) <= _LONGEST_URL and url.isascii() and not any(one <= " " or one == "\x7f" for one in url)
    except ValueError as error:
        raise RefusedAddressError("cannot fetch the address: it is malformed") from error
    if not is_plain or parts.scheme not in schemes or not parts.hostname:
        wanted = " or ".join(f"{one}://" for one in sorted(schemes, reverse=True))
        raise RefusedAddressError(f"cannot fetch the address: it has to begin with {wanted}")
    if parts.username is not None or parts.password is not None:
        raise RefusedAddressError("cannot fetch the address: it holds a user name or a password")
    return parts


def _connect(
    connection: http.client.HTTPConnection,
    opened: list[socket.socket],
    scheme: str,
    addresses: list[str],
    deadline: float,
) -> None:
    """Connect to one of *addresses*, over which the host of *connection* is asked for, and note what can be cut off."""
    plain = connection.sock = _reached(addresses, connection.port, deadline)
    opened.append(plain)
    if scheme == "https":
        context = ssl.create_default_context()
        # Noted before the handshake, so that one that never ends is cut off too.
        secured = context.wrap_socket(plain, server_hostname=connection.host, do_handshake_on_connect=False)
        opened.append(secured)
        connection.sock = secured
        secured.do_handshake()


def _reached(addresses: list[str], port: int, deadline: float) -> socket.socket:
    """Return a connection to the first of *addresses* that answers; one that keeps silent leaves time for the next."""
    for number, address in enumerate(addresses):
        left = max(0.1, deadline - time.monotonic())
        try:
            found = socket.create_connection((address, port), timeout=left / (len(addresses) - number))
        except OSError:
            if number == len(addresses) - 1:
                raise
        else:
            found.settimeout(max(0.1, deadline - time.monotonic()))
            return found
    raise OSError("there is no address")


def _cut(opened: list[socket.socket]) -> None:
    for one in opened:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _unanswered(error: Exception, deadline: float) -> UnreadableError:
    late = time.monotonic() >= deadline or isinstance(error, TimeoutError)
    reason = "it took too long to answer" if late else "it does not answer as a web server does"
    return UnreadableError(f"cannot fetch the address: {reason}")


def _too_large(largest: int) -> TooLargeError:
    size = f"{largest >> 20} MB" if largest >= 1 << 20 else f"{largest} bytes"
    return TooLargeError(f"cannot fetch the address: what it leads to is larger than {size}")
