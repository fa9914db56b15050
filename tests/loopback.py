"""An ASGI application behind a real server on this machine, for tests with real clients."""

import threading
import time
from contextlib import contextmanager

import uvicorn


@contextmanager
def served(app):
    """Serve *app* for the block and give its address, "127.0.0.1:port"."""
    settings = {"lifespan": "off", "log_level": "critical", "ws": "websockets-sansio", "timeout_graceful_shutdown": 5}
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
