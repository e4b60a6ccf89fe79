#!/usr/bin/env bash
# docker-compose.yml for real, in a Docker engine: build the image, bring everything up, run the scenario, compare with
# the truth, and look into the containers. Where no engine can run it says so and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly engine=tests/compose/engine.sh
dir=${PSI_MATCH_ENGINE_DIR:-/var/tmp/psi-match-engine}
readonly dir
readonly name=psi-match-test
passed=0

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

ok() {
    passed=$((passed + 1))
    printf 'ok - %s\n' "$*"
}

parties="cjib belastingdienst toeslagen cak svb uwv gemeente-a gemeente-b rekennode cbs"
readonly parties

# What a party's container holds under /data, one name after the other, each with a space behind it.
data_of() {
    local files
    case $1 in
    cjib | toeslagen | cak) files="arrears opt_outs" ;;
    belastingdienst) files="arrears means opt_outs" ;;
    svb) files="aow_households arrears opt_outs" ;;
    uwv) files="arrears clients income opt_outs" ;;
    gemeente-*) files="debt_help opt_outs" ;;
    *) files="" ;;
    esac
    local file
    for file in $files; do
        printf '/data/%s/%s.parquet ' "$1" "$file"
    done
}

compose() {
    "$engine" compose "$dir" -p "$name" "$@"
}

in_node() {
    local party=$1
    shift
    compose exec -T "$party" "$@"
}

clean_up() {
    local status=$?
    if [[ $status -ne 0 ]]; then
        compose ps >&2 || true
        compose logs --no-color --tail 20 >&2 || true
    fi
    compose down --volumes --timeout 20 >/dev/null 2>&1 || true
    "$engine" stop "$dir" || true
    exit "$status"
}

"$engine" start "$dir"
trap clean_up EXIT
if [[ -z ${PSI_MATCH_BASE_IMAGE:-} ]]; then
    "$engine" base-image "$dir"
fi
"$engine" wheelhouse "$dir"
compose build --quiet keys
ok "the image builds"

compose up --detach >/dev/null 2>&1
# The operator runs once when all nodes are healthy; its exit status is the outcome.
began=$SECONDS
operator=$("$engine" run-cmd "$dir" docker ps --all --quiet \
    --filter "label=com.docker.compose.project=$name" --filter label=com.docker.compose.service=operator)
[[ -n $operator ]] || fail "the operator was not started"
status=$("$engine" run-cmd "$dir" timeout 180 docker wait "$operator") || fail "the operator did not end in 180 s"
table=$("$engine" run-cmd "$dir" docker logs "$operator" 2>/dev/null)
printf '%s\n' "$table"
[[ $status -eq 0 ]] || fail "the operator ended with exit status $status"
grep -q "gelijk aan de waarheid" <<<"$table" || fail "the table does not say that the result equals the truth"
ok "the scenario ran once after \`up\`, $((SECONDS - began)) s later, and its result equals the truth"

again=$(compose run --rm -T operator demo --attach "{party}:50051" --keys /keys --truth /truth/truth.parquet --json)
python3 -c 'import json, sys; o = json.loads(sys.argv[1]); assert o["equal_truth"] and o["persons"] == 100000, o' "$again" ||
    fail "a second run differs"
ok "a second run equals the truth too"

for party in $parties; do
    [[ $(in_node "$party" id -u) == 10001 ]] || fail "$party runs as another user than 10001"
    seen=$(in_node "$party" sh -c 'find /data /keys /truth -type f 2>/dev/null | sort | tr "\n" " "')
    expected="$(data_of "$party")/keys/$party/ca.pem /keys/$party/node.key /keys/$party/node.pem"
    expected+=" /keys/$party/operator.key /keys/$party/operator.pem "
    [[ $seen == "$expected" ]] || fail "$party sees $seen"
    in_node "$party" sh -c '! touch /keys/x /data/x /opt/x 2>/dev/null' || fail "$party can write where it should not"
done
ok "each node runs without root and sees its own data and keys only, read-only"

results=$(for party in $parties; do
    in_node "$party" sh -c "find /state -name 'result*' | sed 's/^/$party /'"
done)
[[ $(grep -c . <<<"$results") -eq 2 && $(grep -c '^cjib ' <<<"$results") -eq 2 ]] || fail "results are at: $results"
ok "results are in the leader's store only"

for scenario in vroegsignaal-gezamenlijk aio-niet-gebruik overlap-statistiek; do
    PSI_MATCH_SCENARIO=$scenario compose run --rm -T operator >/dev/null || fail "$scenario"
done
ok "joint scenarios among these nodes equal the truth"

set +e
error=$(compose run --rm -T operator demo overlap-statistiek-paren --attach "{party}:50051" --keys /keys \
    --truth /truth/truth.parquet 2>&1 >/dev/null)
status=$?
set -e
if [[ $status -ne 5 ]] || ! grep -q "snapshot" <<<"$error"; then
    fail "a second table of one snapshot: exit $status, $error"
fi
ok "a second table of one snapshot is refused"

in_node cjib sh -c '! python3 -c "import socket; socket.create_connection((\"192.0.2.1\", 80), 3)" 2>/dev/null' ||
    fail "a node reaches another network"
ok "a node reaches no other network"

compose stop --timeout 20 toeslagen >/dev/null 2>&1
compose logs --no-color toeslagen | grep -q '"event": "stopped"' || fail "toeslagen did not stop cleanly on SIGTERM"
set +e
error=$(compose run --rm -T --no-deps operator run betalingsregeling-rijk-paren 2>&1 >/dev/null)
status=$?
set -e
if [[ $status -ne 6 ]] || ! grep -q "toeslagen" <<<"$error"; then
    fail "without toeslagen: exit $status, $error"
fi
ok "with a node stopped the run ends with exit code 6 and names it"
compose start toeslagen >/dev/null 2>&1
compose run --rm -T operator demo --attach "{party}:50051" --keys /keys --truth /truth/truth.parquet >/dev/null ||
    fail "the next run does not work"
ok "with the node back the next run works"
printf '%d passed, 0 failed\n' "$passed"
