# What Coppice needs from Debian 12 and npm, by purpose, and how it gets onto the machine. Sourced by ./dev.
# shellcheck shell=bash

packages_for() { # PURPOSE: its Debian packages, one a line
  case $1 in
    build)
      printf '%s\n' ca-certificates git cmake ninja-build ccache \
        clang-19 lld-19 libclang-rt-19-dev g++-12 libstdc++-12-dev \
        libboost1.81-dev libboost-json1.81-dev libboost-stacktrace1.81-dev \
        libfmt-dev libspdlog-dev libcli11-dev \
        libexpat1-dev libidn-dev libmimalloc-dev libpq-dev libsqlite3-dev prometheus-cpp-dev libssl-dev libyaml-cpp-dev libgtest-dev libgmock-dev libbenchmark-dev zlib1g-dev python3
      command -v node >/dev/null || echo nodejs
      command -v npm >/dev/null || echo npm
      ;;
    test)
      printf '%s\n' chromium curl dpkg-dev ejabberd elixir erlang-base erlang-nox erlang-observer erlang-ssl file iproute2 nftables \
        openssl pkg-config postgresql-15 profanity-light prosody python3 python3-aiohttp python3-slixmpp xauth xvfb
      command -v node >/dev/null || echo nodejs
      command -v npm >/dev/null || echo npm
      ;;
    conformance)
      printf '%s\n' esbuild python3-autobahn python3-twisted
      command -v node >/dev/null || echo nodejs
      ;;
    lint) printf '%s\n' clang-format-19 clang-tidy-19 python3 shellcheck ;;
    docs) printf '%s\n' doxygen python3 ;;
    package) printf '%s\n' dpkg-dev file ;;
    bench) printf '%s\n' ejabberd erlang-base erlang-dev erlang-nox lua-event lua-sec nginx-light openssl perl procps prosody python3 ;;
    *) echo "dev: nothing is known to install for '$1'" >&2 && return 2 ;;
  esac
}

missing_packages() { # PACKAGE...: those that are not installed, one a line
  local installed
  installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  comm -13 <(sed -n 's/^installed //p' <<<"$installed" | sort -u) <(printf '%s\n' "$@" | sort -u)
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    echo "dev: installing packages needs root: run as root, or install sudo" >&2
    return 1
  fi
}

# Installs with Debian's own switch against starting daemons, /usr/sbin/policy-rc.d, set for this while only.
# A subshell, so that its EXIT trap puts the machine's own policy back whatever happens.
install_packages() ( # PACKAGE...
  policy=/usr/sbin/policy-rc.d kept=/usr/sbin/policy-rc.d.kept-by-coppice
  # shellcheck disable=SC2317 # the trap calls it
  restore() {
    as_root rm -f "$policy"
    if [[ -e $kept ]]; then as_root mv "$kept" "$policy"; fi
  }
  trap restore EXIT
  trap 'exit 130' INT TERM HUP
  if [[ -e $policy ]] && ! grep -q coppice "$policy"; then as_root mv "$policy" "$kept"; fi
  printf '#!/bin/sh\n# Set by coppice for the time of an installation.\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"

  apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  as_root "${apt[@]}" update || echo "dev: apt-get update failed in part; trying with the lists there are" >&2
  as_root "${apt[@]}" install --no-install-recommends "$@"
)

# The npm packages of a folder, again only when their lock file changed.
install_npm_packages() { # FOLDER
  local dir=$1 key
  [[ -f $dir/package-lock.json ]] || return 0
  key=$(cat "$dir/package.json" "$dir/package-lock.json" | sha256sum)
  if [[ $(cat "$dir/node_modules/.installed" 2>/dev/null) != "$key" ]]; then
    (cd "$dir" && npm ci --ignore-scripts --no-progress)
    echo "$key" >"$dir/node_modules/.installed"
  fi
}

install_for() { # PURPOSE...: everything they need; silent and quick where nothing is missing
  local purpose packages missing
  packages=$(for purpose in "$@"; do packages_for "$purpose" || exit; done)
  # shellcheck disable=SC2086 # one word a package
  missing=$(missing_packages $packages)
  if [[ -n $missing ]]; then
    # shellcheck disable=SC2086
    echo "Installing from Debian:" $missing
    # shellcheck disable=SC2086
    install_packages $missing
  fi
  if [[ " $* " == *" build "* ]]; then install_npm_packages servers/messaging/web; fi
  if [[ " $* " == *" test "* ]]; then
    install_npm_packages tests/browser
    install_npm_packages tests/xmpp
  fi
}
