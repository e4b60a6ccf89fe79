# Part of run.sh: scenarios, where their results end up, and a node that dies in the middle of one.
# shellcheck shell=bash

# The numbers in the newest result of a party, by its operator.
numbers_at() {
    operator_sh "psi-match result $2 --node $1:50051 --keys /keys/$1 --out /tmp/result.csv >&2
        cut -d, -f1 /tmp/result.csv | grep -xE '[0-9]{9}'"
}

operator_sh() {
    compose run --rm -T --no-deps --entrypoint sh operator -ec "$1"
}

status_at() {
    operator_sh "psi-match status --run $2 --node $1:50051 --keys /keys/$1 --json" 2>/dev/null
}

run_id() {
    python3 -c 'import json, sys; print(json.load(sys.stdin)["run_id"])'
}

check_runs() {
    local scenario run expected numbers found party error status

    # As a user does it: the leader's node and keys are found by the scenario.
    run=$(operator run vroegsignaal-gezamenlijk --json 2>/dev/null | run_id) || fail "run vroegsignaal-gezamenlijk"
    expected=$'data-cjib\ndata-gemeente-a\ndata-gemeente-b'
    [[ $(results) == "$expected" ]] || fail "results are in: $(results)"
    numbers=$(numbers_at gemeente-a "$run" 2>/dev/null)
    [[ $(wc -l <<<"$numbers") -ge 5 ]] || fail "gemeente-a has no result to look for"
    # Beside the truth and the bodies' databases they are in that result, which also shows that this search finds them.
    found=$(in_volumes "cat >/tmp/numbers; grep --recursive --text --fixed-strings --word-regexp --files-with-matches \
        --file=/tmp/numbers /v --exclude-dir=database --exclude-dir=truth || true" <<<"$numbers")
    [[ $found == "/v/data-gemeente-a/runs/$run/result.parquet" ]] || fail "numbers of the result are in: $found"
    ok "\`operator run vroegsignaal-gezamenlijk\`: the result is in both gemeenten's volumes only, its numbers nowhere else"

    for scenario in vroegsignaal-gezamenlijk aio-niet-gebruik vroegsignaal-nieuw betalingsregeling-rijk \
        bestaansminimum-uwv overlap-statistiek; do
        equals_truth "$scenario"
    done
    expected="data-cbs data-cjib data-gemeente-a data-gemeente-b data-svb data-uwv"
    [[ $(results | uniq | tr '\n' ' ') == "$expected " ]] || fail "results are in: $(results | uniq | tr '\n' ' ')"
    ok "six joint scenarios among these nodes equal the truth, and results are at their recipients only"

    head -n 1 <<<"$numbers" | operator signal withdraw "$run" --reason objection --node cjib:50051 --keys /keys/cjib \
        >/dev/null 2>&1 || fail "no notice from cjib to the gemeenten"
    ok "a party of the run gives notice to the recipients, over networks that only notices need"

    set +e
    error=$(demo overlap-statistiek-paren 2>&1 >/dev/null)
    status=$?
    set -e
    [[ $status -eq 5 ]] && grep -q "snapshot" <<<"$error" || fail "a second table of one snapshot: exit $status, $error"
    ok "a second table of one snapshot is refused"

    for party in $parties; do
        operator_sh "psi-match audit fetch --node $party:50051 --keys /keys/$party --out /tmp/log
            psi-match audit verify /tmp/log --signers /keys/$party/signers.toml" >/dev/null 2>&1 || fail "the audit log of $party"
    done
    ok "every node's auditor fetches its audit log, and it is in order"

    check_killed

    docker stop --time 20 "$(container toeslagen)" >/dev/null
    docker logs "$(container toeslagen)" 2>&1 | grep -q '"event": "stopped"' || fail "toeslagen did not stop cleanly on SIGTERM"
    set +e
    error=$(operator run betalingsregeling-rijk-paren 2>&1 >/dev/null)
    status=$?
    set -e
    [[ $status -eq 6 ]] && grep -q "toeslagen" <<<"$error" || fail "without toeslagen: exit $status, $error"
    ok "a node stops cleanly, and a run without it ends with exit code 6 and names it"
    docker start "$(container toeslagen)" >/dev/null
    healthy toeslagen
    equals_truth betalingsregeling-rijk-paren
    ok "with the node back the next run works"
}

# Frozen first, when shares are on their way: the run is then under way for certain when the node dies. A run is quick, so
# the node is let on in slices until they are. It may be over all the same, and its end may reach us only after the node is
# dead: then once more.
check_killed() {
    local log=$dir/killed.log victim pid attempt run status before reached named told='' party
    victim=$(container rekennode)
    for ((attempt = 0; attempt < 8; attempt++)); do
        before=$(results)
        operator run vroegsignaal-gezamenlijk >"$dir/killed.out" 2>"$log" &
        pid=$!
        until grep '"peer": "rekennode"' "$log" | grep -qvE '"step": "(hello|session-[a-z]+)"'; do
            kill -0 "$pid" 2>/dev/null || break
            docker unpause "$victim" >/dev/null 2>&1 || true
            docker pause "$victim" >/dev/null
            sleep 0.3
        done
        docker pause "$victim" >/dev/null 2>&1 || true
        sleep 3
        reached=$(sed -n 's/.*"peer": "rekennode", "step": "\([a-z-]*\)".*/\1/p' "$log" | grep -vE '^(hello|session-.*)$' | tail -n 1) || true
        if [[ -z $reached || -s $dir/killed.out ]] || ! kill -0 "$pid" 2>/dev/null; then
            docker unpause "$victim" >/dev/null
            wait "$pid" || fail "a run that was frozen for some seconds failed: $(cat "$log")"
            continue
        fi
        docker kill "$victim" >/dev/null
        set +e
        wait "$pid"
        status=$?
        set -e
        [[ $status -ne 0 ]] && break
        docker start "$victim" >/dev/null
        healthy rekennode
    done
    [[ $attempt -lt 8 ]] || fail "no run could be frozen on its way"
    run=$(sed -n 's/.*"event": "started", "run": "\([0-9a-f]*\)".*/\1/p' "$log")
    named=$(sed -n 's/^Error: .*(peer \([a-z-]*\).*/\1/p' "$log")
    # The leader waits a moment for the word of the party itself. Where that does not come, it says what another party
    # heard, and that party's own operator finds out which it was.
    if [[ $status -eq 8 && -n $named && $named != rekennode ]]; then
        status_at "$named" "$run" | grep -q "peer rekennode" || fail "neither the leader nor $named names rekennode: $(cat "$log")"
        told=", and $named rekennode"
    elif [[ $status -ne 6 || $named != rekennode ]]; then
        fail "exit $status, $(cat "$log")"
    fi
    [[ $(results) == "$before" ]] || fail "a result was stored all the same"
    for party in belastingdienst gemeente-a; do
        status_at "$party" "$run" | grep -q '"failed"' ||
            fail "$party does not say that run $run failed"
    done
    ok "a node killed in the middle of a run (at $reached): it ends at once, the leader names $named${told:-}, no result anywhere"
    docker start "$victim" >/dev/null
    healthy rekennode
    equals_truth vroegsignaal-gezamenlijk
    ok "with that node back the next run works"
}
