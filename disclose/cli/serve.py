"""``disclose serve``: run the detector."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Server processes.")
@click.option(
    "--processes", type=click.IntRange(1), help="Examiners of each server process. [default: one a processor]"
)
@click.option("--address", help="Public address, which stands in reports. [default: that of host and port]")
@click.option("--rate", default=120.0, show_default=True, help="Requests a minute that one client may make.")
@click.option(
    "--exempt",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of the SHA-256 of tokens, one a line.",
)
@click.option("--origin", "origins", multiple=True, help="Origin that may call the API. [default: any]")
@click.option("--no-fetch", is_flag=True, help="Fetch no addresses.")
@click.option("--manifests", is_flag=True, help="Give out the manifests that the ledger keeps (keep_manifests).")
def serve(
    host: str,
    port: int,
    workers: int,
    processes: int | None,
    address: str | None,
    rate: float,
    exempt: Path | None,
    origins: tuple[str, ...],
    no_fetch: bool,
    manifests: bool,
) -> None:
    """Serve the public detector: a page, an API and signed reports.

    What is sent is held in memory while it is examined and is kept nowhere. Put a proxy in front for TLS; uvicorn takes
    the client's address from it where FORWARDED_ALLOW_IPS names the proxy.
    """
    from disclose.detector.serving import serve as run
    from disclose.detector.settings import Settings

    given = {} if processes is None else {"processes": processes}
    settings = Settings(
        address=address or f"http://{f'[{host}]' if ':' in host else host}:{port}",
        requests_per_minute=rate,
        exempt=() if exempt is None else _hashes(exempt),
        origins=origins or ("*",),
        fetches=not no_fetch,
        manifests=manifests,
        **given,
    )
    run(settings, host=host, port=port, workers=workers)


def _hashes(path: Path) -> tuple[str, ...]:
    """Return the first word of each line of *path*, as sha256sum prints them; what begins with # is a remark."""
    from disclose.media import files

    # In whatever encoding: what is no hash is refused by the settings, without being repeated.
    lines = (line.split() for line in files.read(path).decode("latin-1").splitlines())
    return tuple(words[0].lower() for words in lines if words and not words[0].startswith("#"))
