"""Makes the Debian packages and looks at what is in them. As root, dpkg also installs them below a folder of their own
and removes them again; others unpack them there."""

import argparse
import glob
import os
import re
import shutil
import subprocess

UNIT = "usr/lib/systemd/system/coppice.service"
PROGRAM = "usr/bin/coppice"
MANUAL = "usr/share/man/man1/coppice.1"
EXAMPLE = "usr/share/doc/coppice/examples/coppice.yaml"
LICENSE = "usr/share/doc/coppice/LICENSE.converse.js"
SANDBOX = ("Type=notify", "WatchdogSec=", "DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes",
           "ProtectHome=yes", "PrivateDevices=yes", "SystemCallFilter=", "CapabilityBoundingSet=\n")


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
    return done.stdout


def make(a):
    run(a.cpack, "--config", a.config, "-B", a.work)
    made = {re.match(r"[a-z-]+", os.path.basename(path))[0]: path for path in glob.glob(f"{a.work}/*.deb")}
    assert sorted(made) == ["coppice", "libcoppice-dev"], f"made: {made}"
    return made


def field(package, name):
    return run("dpkg-deb", "--field", package, name).strip()


def contents(package):
    lines = run("dpkg-deb", "--contents", package).splitlines()
    wrong = [line for line in lines if not line.split()[1] == "root/root" or line[8] == "w"]
    assert not wrong, f"owned by others than root, or writable by all: {wrong}"
    return {line.split()[5].removeprefix("./") for line in lines if not line.startswith("d")}


def check_fields(made, version):
    for name, package in made.items():
        assert field(package, "Package") == name
        assert field(package, "Version").split("-")[0] == version
        assert field(package, "Maintainer") and field(package, "Description")
    assert "libc6" in field(made["coppice"], "Depends"), "the program names not what it is linked with"
    for needed in ("libfmt-dev", "libmimalloc-dev", "libpq-dev", "libsqlite3-dev", "libssl-dev", "zlib1g-dev"):
        assert needed in field(made["libcoppice-dev"], "Depends")


def check_contents(made):
    assert contents(made["coppice"]) == {PROGRAM, UNIT, MANUAL, EXAMPLE, LICENSE}
    dev = contents(made["libcoppice-dev"])
    assert "usr/include/coppice/coppice.hpp" in dev
    for floor in ("term", "runtime", "otp", "net", "http", "store"):
        assert any(name.endswith(f"/libcoppice_{floor}.a") for name in dev), floor
        assert any(name.endswith(f"/pkgconfig/coppice-{floor}.pc") for name in dev), floor
    outside = [name for name in dev if not name.startswith(("usr/include/coppice/", "usr/lib/"))]
    assert not outside, f"where nothing of ours belongs: {outside}"


def check_installed(root, version):
    with open(os.path.join(root, UNIT), encoding="utf-8") as file:
        unit = file.read()
    missing = [line for line in SANDBOX if "\n" + line not in unit]
    assert not missing, f"the unit lacks {missing}"
    assert re.search(r"(?m)^ExecStart=/usr/bin/coppice run ", unit)
    assert run(os.path.join(root, PROGRAM), "--version").strip().endswith(version)


def installed_and_removed(made, root, version):
    """By dpkg itself, with a database of its own; dependencies are not there, so it is told not to ask for them."""
    admin = os.path.join(root, "var/lib/dpkg")
    for folder in ("updates", "info", "triggers"):
        os.makedirs(os.path.join(admin, folder))
    open(os.path.join(admin, "status"), "w", encoding="utf-8").close()
    dpkg = ("dpkg", f"--root={root}", "--force-script-chrootless", "--force-depends", "--log=/dev/null")
    run(*dpkg, "--install", *made.values())
    check_installed(root, version)
    run(*dpkg, "--remove", *made)
    left = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(root, "usr")) for name in names]
    assert not left, f"left behind: {left}"


def unpacked(made, root, version):
    for package in made.values():
        run("dpkg-deb", "--extract", package, root)
    check_installed(root, version)


def main():
    parser = argparse.ArgumentParser()
    for option in ("cpack", "config", "version", "work"):
        parser.add_argument("--" + option, required=True)
    a = parser.parse_args()
    shutil.rmtree(a.work, ignore_errors=True)
    os.makedirs(os.path.join(a.work, "root"))
    made = make(a)
    check_fields(made, a.version)
    check_contents(made)
    way = installed_and_removed if os.geteuid() == 0 else unpacked
    way(made, os.path.join(a.work, "root"), a.version)
    shutil.rmtree(a.work)


if __name__ == "__main__":
    main()
