"""Installs the library below the build tree, moves it, and builds and runs an outside project against it: by
find_package and by pkg-config. No header and no file of the package may name the source or the build tree."""

import argparse
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
FLOORS = ("term", "runtime", "otp", "net", "http", "store")


def run(*command, env=None):
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
    return done.stdout.strip()


def files(folder):
    for at, _, names in os.walk(folder):
        yield from (os.path.join(at, name) for name in names)


def check_tree(prefix, trees):
    """What is installed is what was meant to be, and stands alone."""
    names = [os.path.relpath(path, prefix) for path in files(prefix)]
    for floor in FLOORS:
        assert any(name.endswith(f"libcoppice_{floor}.a") for name in names), f"no library of {floor}"
        assert any(name.endswith(f"coppice-{floor}.pc") for name in names), f"no pkg-config file of {floor}"
    assert os.path.join("bin", "coppice") in names, "no program"
    wrong = [name for name in names if name.endswith((".cpp", "_test.hpp")) or "test_node" in name]
    assert not wrong, f"installed by mistake: {wrong}"
    for path in files(prefix):
        if path.endswith((".hpp", ".cmake", ".pc")):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            assert not any(tree in text for tree in trees), f"{path} names a tree that users do not have"


def public_headers(prefix):
    include = os.path.join(prefix, "include")
    names = sorted(os.path.relpath(path, include) for path in files(include))
    return [name for name in names if "/detail/" not in name]


def by_cmake(a, prefix, outside):
    build = os.path.join(outside, "build")
    configure = [a.cmake, "-S", outside, "-B", build, "-G", a.generator, f"-DCMAKE_CXX_COMPILER={a.compiler}",
                 f"-DCMAKE_PREFIX_PATH={prefix}"]
    run(*configure, f"-DWANTED={a.version}")
    run(a.cmake, "--build", build)
    run(os.path.join(build, "term_only"))
    run(os.path.join(build, "program"))
    shutil.rmtree(build)
    major, minor = a.version.split(".")[:2]
    for other in (f"{major}.{int(minor) + 1}", f"{int(major) + 1}.0"):
        refused = subprocess.run([*configure, f"-DWANTED={other}"], capture_output=True, text=True, check=False)
        assert refused.returncode != 0, f"a project that wants {other} was given {a.version}"
        shutil.rmtree(build)


def by_pkg_config(a, prefix, outside):
    folder = next(os.path.dirname(path) for path in files(prefix) if path.endswith(".pc"))
    env = {**os.environ, "PKG_CONFIG_PATH": folder}
    assert run("pkg-config", "--modversion", "coppice-otp", env=env) == a.version
    for package, program in (("coppice-term", "term_only"), ("coppice-http", "program")):
        flags = run("pkg-config", "--cflags", "--libs", package, env=env).split()
        target = os.path.join(outside, program + ".by_pkg_config")
        run(a.compiler, "-std=c++2b", os.path.join(outside, program + ".cpp"), "-o", target, *flags)
        run(target)


def main():
    parser = argparse.ArgumentParser()
    for option in ("cmake", "generator", "build", "compiler", "version", "work"):
        parser.add_argument("--" + option, required=True)
    a = parser.parse_args()
    shutil.rmtree(a.work, ignore_errors=True)
    staged, prefix, outside = (os.path.join(a.work, name) for name in ("staged", "moved", "outside"))
    run(a.cmake, "--install", a.build, "--prefix", staged)
    os.rename(staged, prefix)
    check_tree(prefix, (SOURCE, os.path.abspath(a.build)))
    shutil.copytree(os.path.join(HERE, "outside"), outside)
    with open(os.path.join(outside, "headers.cpp"), "w", encoding="utf-8") as file:
        file.writelines(f"#include <{name}>\n" for name in public_headers(prefix))
    by_cmake(a, prefix, outside)
    by_pkg_config(a, prefix, outside)
    shutil.rmtree(a.work)


if __name__ == "__main__":
    main()
