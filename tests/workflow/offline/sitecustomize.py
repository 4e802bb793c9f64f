"""Every Python that a workflow test starts reads this first: it connects to nobody but this machine."""

import socket

HERE = ("127.0.0.1", "::1", "localhost")
_connect = socket.socket.connect


def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in HERE:
        raise OSError(f"no connection to {address[0]}: the tests of the workflow are offline")
    return _connect(self, address)


socket.socket.connect = connect
