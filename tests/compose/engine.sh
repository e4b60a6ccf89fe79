#!/usr/bin/env bash
# A private Docker engine for the tests of the image and of docker-compose.yml, on a machine where none runs.
#
#   engine.sh start DIR             use the engine that is reachable, else start one that keeps everything in DIR
#   engine.sh env DIR               print DOCKER_HOST=... of that engine; nothing if it is the default one
#   engine.sh run-cmd DIR CMD...    run a command against that engine
#   engine.sh compose DIR ARG...    run `docker compose`, or `docker-compose` where the plug-in is missing
#   engine.sh base-images DIR       make and use base images from Debian's packages: no image registry needed
#   engine.sh wheelhouse DIR        fill wheelhouse/ for the base image's Python: the build then needs no network
#   engine.sh stop DIR              stop the engine if `start` started it; DIR can be removed after that
#
# The private engine listens on a socket in DIR only, has no default bridge, writes no firewall rules, routes nothing:
# containers reach each other by name on the networks that compose makes, and nothing else.
set -euo pipefail

readonly base_image=psi-match-base database_base_image=psi-match-database-base
readonly suite=bookworm
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly project

fail() {
    printf 'engine.sh: %s\n' "$*" >&2
    exit 1
}

usage() {
    sed -n '2,/^set /{s/^# \{0,1\}//;/^set /d;p;}' "${BASH_SOURCE[0]}" >&2
    exit 2
}

# Install Debian packages for the commands that are missing: `need PURPOSE COMMAND:PACKAGE...`
need() {
    local purpose=$1 pair packages=()
    shift
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || packages+=("${pair#*:}")
    done
    [[ ${#packages[@]} -eq 0 ]] && return
    if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        fail "No $purpose here: install ${packages[*]}, or run this as root on Debian."
    fi
    {
        apt-get update --quiet=2 &&
            DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${packages[@]}"
    } >&2 || fail "No $purpose here: apt-get cannot install ${packages[*]}."
}

reachable() {
    timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# Point this shell at the engine that `start` chose for DIR.
use() {
    [[ -f $dir/engine.env ]] || fail "No engine was started for $dir: run \`engine.sh start $dir\` first."
    set -a
    # shellcheck source=/dev/null
    source "$dir/engine.env"
    set +a
}

start() {
    need "Docker client" docker:docker.io docker-compose:docker-compose
    mkdir -p "$dir"
    [[ -f $dir/engine.env ]] && (use && reachable) && return
    if reachable; then
        printf '%s\n' "${DOCKER_HOST:+DOCKER_HOST=$DOCKER_HOST}" >"$dir/engine.env"
        return
    fi
    [[ $(id -u) -eq 0 ]] || fail "No Docker engine is reachable, and only root can start one."
    [[ ${#dir} -le 60 ]] || fail "The path $dir is too long for the sockets in it: choose one of at most 60 characters."
    need "Docker engine" dockerd:docker.io

    local log=$dir/dockerd.log
    setsid dockerd --host "unix://$dir/docker.sock" --data-root "$dir/data" --exec-root "$dir/exec" \
        --pidfile "$dir/dockerd.pid" --bridge=none --iptables=false --ip6tables=false --ip-forward=false \
        --ip-masq=false >"$log" 2>&1 </dev/null &
    local daemon=$! tries
    export DOCKER_HOST=unix://$dir/docker.sock
    for ((tries = 0; tries < 300; tries++)); do
        if reachable; then
            printf '%s\n' "DOCKER_HOST=$DOCKER_HOST" DOCKER_BUILDKIT=0 >"$dir/engine.env"
            local problem
            problem=$(probe 2>&1) && return
            stop
            fail "No Docker engine can run here: ${problem##*$'\n'}"
        fi
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    kill "$daemon" 2>/dev/null || true
    fail "No Docker engine can run here: $(grep -E 'level=(fatal|error)|^failed' "$log" | tail -n 1 || true)"
}

# An engine may answer and yet be unable to run a container on a network: run one that holds only docker-init.
probe() {
    local init
    init=$(command -v docker-init) &&
        tar --directory / --create --dereference "${init#/}" | docker import - psi-match-probe &&
        docker network create psi-match-probe &&
        docker run --rm --network psi-match-probe psi-match-probe "$init" --version &&
        docker network rm psi-match-probe &&
        docker rmi psi-match-probe
}

stop() {
    local pid
    # The pid may be another process's by now: only a process that was started with this pid file is ours.
    if pid=$(cat "$dir/dockerd.pid" 2>/dev/null) && grep -qsF "$dir/dockerd.pid" "/proc/$pid/cmdline"; then
        use
        # Containers and networks first: a bridge would outlive the daemon.
        docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null
        docker network prune --force >/dev/null
        kill "$pid"
        timeout 60 tail --pid="$pid" --follow /dev/null || fail "The Docker engine with pid $pid does not stop."
        # What dockerd leaves mounted would keep DIR from being removed.
        awk -v prefix="$dir/" 'index($2, prefix) == 1 { print $2 }' /proc/mounts | xargs --no-run-if-empty umount
    fi
    rm -f "$dir/engine.env"
}

make_base_images() {
    use
    # The one that most containers start from stays small: PostgreSQL has its own.
    docker image inspect "$base_image" >/dev/null 2>&1 || debootstrap_image "$base_image" python3,python3-venv
    docker image inspect "$database_base_image" >/dev/null 2>&1 || debootstrap_image "$database_base_image" postgresql
    # From now on docker-compose.yml and `wheelhouse` use them.
    local setting
    for setting in "PSI_MATCH_BASE_IMAGE=$base_image" "PSI_MATCH_DATABASE_BASE_IMAGE=$database_base_image"; do
        grep -qx "$setting" "$dir/engine.env" || echo "$setting" >>"$dir/engine.env"
    done
}

# debootstrap_image IMAGE PACKAGE,...
debootstrap_image() {
    [[ $(id -u) -eq 0 ]] || fail "Only root can make a base image from Debian's packages."
    need "debootstrap" debootstrap:debootstrap
    local root=$dir/rootfs mirror bundle=/etc/ssl/certs/ca-certificates.crt
    # The mirror that this machine is set up with; debootstrap's own choice where that is no Debian $suite.
    # shellcheck disable=SC2016  # the variables are apt's
    mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 'Component: main' |
        sed -n "s/^$suite //p" | head -n 1) || true
    rm -rf "$root"
    # No cluster of PostgreSQL that nobody asked for.
    mkdir -p "$root/etc/postgresql-common"
    echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
    # shellcheck disable=SC2086  # no mirror, no argument
    debootstrap --variant=minbase --include="$2" "$suite" "$root" $mirror >"$dir/debootstrap.log" 2>&1 ||
        fail "debootstrap cannot make a base image: $(tail -n 1 "$dir/debootstrap.log")"
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,locale,man}
    if [[ -f $bundle ]]; then
        mkdir -p "$root/etc/ssl/certs"
        cp "$bundle" "$root$bundle"
    fi
    tar --directory "$root" --create --one-file-system . |
        docker import --change 'CMD ["/bin/sh"]' - "$1" >/dev/null
    rm -rf "$root"
}

fill_wheelhouse() {
    use
    local version wanted stamp minor house=$project/wheelhouse platforms=()
    version=$(docker run --rm --network none "${PSI_MATCH_BASE_IMAGE:-python:3.12-slim-bookworm}" \
        python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    # Exactly what services/Dockerfile installs; it names whatever is needed, also by what it names.
    wanted=$(sed '/^#/d' "$project/services/constraints.txt")
    stamp=$(printf '%s\n%s\n' "$version" "$wanted" | sha256sum)
    [[ $(cat "$house/.complete" 2>/dev/null) == "$stamp" ]] && return
    rm -rf "$house"
    mkdir -p "$house"
    echo '*' >"$house/.gitignore"
    # Debian bookworm and the official Python images on it have glibc 2.36; pip wants every platform by name.
    for ((minor = 36; minor >= 17; minor--)); do
        platforms+=(--platform "manylinux_2_${minor}_$(uname -m)")
    done
    "${PYTHON:-python3}" -m pip download --quiet --quiet --no-deps --dest "$house" --only-binary :all: --implementation cp \
        --python-version "$version" "${platforms[@]}" --platform "manylinux2014_$(uname -m)" \
        --requirement <(printf '%s\n' "$wanted") >&2 || fail "pip cannot download the wheels for Python $version."
    printf '%s\n' "$stamp" >"$house/.complete"
}

[[ $# -ge 2 ]] || usage
command=$1
dir=$(realpath --canonicalize-missing "$2")
shift 2
case $command in
start) start ;;
env)
    use
    grep '^DOCKER_HOST=' "$dir/engine.env" || true
    ;;
run-cmd)
    use
    exec "$@"
    ;;
compose)
    use
    cd "$project"
    if docker compose version >/dev/null 2>&1; then exec docker compose "$@"; else exec docker-compose "$@"; fi
    ;;
base-images) make_base_images ;;
wheelhouse) fill_wheelhouse ;;
stop) stop ;;
*) usage ;;
esac
