#!/usr/bin/env bash
# docker-compose.yml for real, in a Docker engine: from a clean checkout build the images, bring everything up, run
# scenarios, compare with the truth, kill a node in the middle of a run, and look who reaches whom and who sees what.
# Where no engine can run it says so and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

dir=${PSI_MATCH_ENGINE_DIR:-/var/tmp/psi-match-engine}
readonly dir name=psi-match-test
readonly parties="cjib belastingdienst toeslagen cak svb uwv gemeente-a gemeente-b rekennode cbs"
readonly with_data="cjib belastingdienst toeslagen cak svb uwv gemeente-a gemeente-b"
# shellcheck disable=SC2206  # one word each
services=($parties database page gemeente)
passed=0

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

ok() {
    passed=$((passed + 1))
    printf 'ok - %s\n' "$*"
}

compose() {
    tests/compose/engine.sh compose "$dir" -p "$name" "$@"
}

# The operator's container for one command; what it needs runs already.
operator() {
    compose run --rm -T --no-deps operator "$@"
}

container() {
    docker ps --all --quiet --filter "label=com.docker.compose.project=$name" \
        --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False
}

demo() {
    operator demo "$1" --attach "{party}:50051" --keys /keys --truth /truth/population/truth.parquet --json
}

equals_truth() {
    local outcome
    outcome=$(demo "$1" 2>/dev/null) || fail "$1 differs from the truth, or did not run"
    python3 -c 'import json, sys; o = json.loads(sys.argv[1]); assert o["equal_truth"] and o["persons"] == 100000, o' \
        "$outcome" || fail "$1: $outcome"
}

healthy() {
    local tries
    for ((tries = 0; tries < 240; tries++)); do
        [[ $(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")") == healthy ]] && return
        sleep 0.5
    done
    fail "$1 is not healthy after two minutes"
}

# Run a command in a container that sees every volume of the project below /v, and nothing else.
in_volumes() {
    local volume mounts=()
    for volume in $(docker volume ls --quiet --filter "label=com.docker.compose.project=$name"); do
        mounts+=(--volume "$volume:/v/${volume#"${name}_"}:ro")
    done
    docker run --rm --interactive --network none --user 0 "${mounts[@]}" --entrypoint sh psi-match -c "$1"
}

# Volumes in which a result lies, one line for each.
results() {
    in_volumes 'find /v -type f -name "result*"' | cut -d/ -f3 | LC_ALL=C sort
}

source_part() {
    # shellcheck source=/dev/null
    source "tests/compose/$1"
}

clean_up() {
    local status=$?
    if [[ $status -ne 0 ]]; then
        compose ps >&2 || true
        compose logs --no-color --tail 20 >&2 || true
    fi
    compose down --volumes --timeout 20 >/dev/null 2>&1 || true
    tests/compose/engine.sh stop "$dir" || true
    rm -rf "$dir/checkout"
    exit "$status"
}

tests/compose/engine.sh start "$dir"
trap clean_up EXIT
[[ -n ${PSI_MATCH_BASE_IMAGE:-} ]] || tests/compose/engine.sh base-images "$dir"
tests/compose/engine.sh wheelhouse "$dir"
# From what is or would be committed, and nothing that only lies about here.
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    rm -rf "$dir/checkout"
    mkdir "$dir/checkout"
    git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for file; do test ! -e "$file" || printf "%s\0" "$file"; done' sh |
        tar --create --null --files-from - | tar --extract --directory "$dir/checkout"
    cp -R wheelhouse "$dir/checkout/"
    cd "$dir/checkout"
fi
host=$(tests/compose/engine.sh env "$dir")
[[ -z $host ]] || export "${host?}"
compose build --quiet keys database
ok "the images build from a clean checkout: $(docker image ls --format '{{.Repository}} {{.Size}}' | grep -E '^psi-match(-database)? ' | tr '\n' ' ')"

python3 tests/compose/memory.py >"$dir/memory.json" &
watcher=$!
began=$(date +%s%N)
compose up --detach >"$dir/up.log" 2>&1 || fail "up: $(tail -n 5 "$dir/up.log")"
# The operator runs once when all nodes are healthy; its exit status is the outcome.
first=$(container operator)
[[ -n $first ]] || fail "the operator was not started"
status=$(timeout 180 docker wait "$first") || fail "the operator did not end in 180 s"
took=$((($(date +%s%N) - began) / 100000000))
table=$(docker logs "$first" 2>/dev/null)
printf '%s\n' "$table"
[[ $status -eq 0 ]] || fail "the operator ended with exit status $status"
grep -q "gelijk aan de waarheid" <<<"$table" || fail "the table does not say that the result equals the truth"
ok "a first match of 100,000 persons, equal to the truth, $((took / 10)).$((took % 10)) s after \`up\` (aim: 60 s on two idle cores; load here $(cut -d' ' -f1 /proc/loadavg))"
[[ $(results) == data-cjib ]] || fail "results are in: $(results)"
ok "its result is in the leader's volume only"
for service in "${services[@]}"; do healthy "$service"; done
ok "nodes, database and pages are healthy"

source_part isolation.sh
docker run --rm --network none --volume "$PWD:/project:ro" --entrypoint python3 psi-match \
    /project/scripts/compose_networks.py --check || fail "the networks are not those of the scenarios"
check_reach "${services[@]}"
ok "of $tried ways between two containers, by name and by address, those of $open pairs (one way each) are open and no other"
check_database
ok "a body's user gets into its own database only, and only reads"
check_inside "${services[@]}"
ok "every container sees its own keys and data only, has no root, no capability, bounds, and nothing to write to but its volume"
out=$(operator page login --keys /keys/gemeente-a --url http://127.0.0.1:8081 2>/dev/null) || fail "no login link"
docker exec --interactive "$(container page)" python3 - <<'PYTHON' || fail "the page does not show all nodes"
import json, time, urllib.request

ask = lambda path: urllib.request.urlopen(urllib.request.Request("http://published:8080" + path, headers={"Host": "127.0.0.1:8080"}), timeout=10)
assert ask("/healthz").status == 200
html = ask("/").read().decode()
until = time.monotonic() + 30
while True:
    with ask("/events") as events:
        assert events.readline().strip() == b"event: snapshot"
        nodes = json.loads(events.readline().removeprefix(b"data: "))["nodes"]
    if all(node["state"] == "serving" for node in nodes):
        break
    assert time.monotonic() < until, nodes
    time.sleep(1)
assert len(nodes) == 10 and all(f'data-party="{node["party"]}"' in html for node in nodes), nodes
PYTHON
[[ $out == http://127.0.0.1:8081/login#login=* ]] || fail "a strange login link"
ok "the page answers and shows all ten nodes serving; the recipient's page has a login link"
if python3 -c 'import urllib.request as u; assert u.urlopen("http://127.0.0.1:8080/healthz", timeout=5).status == 200' 2>/dev/null; then
    ok "the page is published on this machine"
else
    printf 'not here - the published ports cannot be reached from where this test runs\n'
fi

source_part runs.sh
check_runs
kill "$watcher"
wait "$watcher" || true
python3 - "$dir/memory.json" <<'PYTHON' || fail "memory: more than 6 GB, or it could not be read"
import json, sys

found = json.load(open(sys.argv[1]))
assert found["containers"] >= 15, found
print(f"memory of all containers, page cache that can be dropped apart: {found['together'] / 1e9:.2f} GB at most at one time;"
      f" own peaks of those that stay, summed: {found['staying'] / 1e9:.2f} GB")
assert max(found["together"], found["staying"]) <= 6e9
PYTHON
ok "everything together stays below 6 GB"
printf '%d passed, 0 failed\n' "$passed"
