"""What the programs bench/run-* that load servers have in common: a running server's figures, and tables."""

import os
import pathlib
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """A running server: its processes' memory and CPU."""

    def __init__(self, name, process):
        self.name, self.process = name, process

    def pids(self):
        found = [self.process.pid]
        for pid in found:  # grows: children of children
            listed = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
            found += [int(child) for child in listed.split()]
        return found

    def memory(self):
        """Private bytes and a share of what is shared (Pss)."""
        total = 0
        for pid in self.pids():
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        return total * 1024

    def cpu(self):
        """Seconds, of user and system."""
        total = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def stop(self):
        if self.process.stdin:
            self.process.stdin.close()
        else:
            self.process.terminate()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:  # a server that is overwhelmed may not hear of it
            self.process.kill()
            self.process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def wait_for(port, whom, seconds=60):
    for _ in range(seconds * 20):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise SystemExit(f"{whom} does not start; see its log")


def cell(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def print_table(results):
    """`results`: by server, each its rows by name."""
    print("| what | " + " | ".join(results) + " |")
    print("|---|" + "---:|" * len(results))
    for row in next(iter(results.values())):
        print(f"| {row} | " + " | ".join(cell(rows.get(row)) for rows in results.values()) + " |")
