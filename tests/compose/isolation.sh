# Part of run.sh: who reaches whom, and who sees what.
# shellcheck shell=bash

# Who may talk to whom, as docker-compose.yml was made: `SERVICE SERVICE` a line, in both directions.
sharing() {
    docker run --rm --network none --volume "$PWD:/project:ro" --entrypoint python3 psi-match \
        /project/scripts/compose_networks.py --pairs | awk '{ print; print $2, $1 }' | sort -u
}

addresses_of() {
    docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$(container "$1")"
}

# Every container tries every other one's port, by name and by each of its addresses.
check_reach() {
    local services=("$@") from to host all='' own reached expected job jobs=()
    declare -A port=([database]=5432 [page]=8080 [gemeente]=8081)
    for to in "${services[@]}"; do
        for host in "$to" $(addresses_of "$to"); do
            all+="$to $host ${port[$to]:-50051}"$'\n'
        done
    done
    # The pages listen to browsers, on a network of their own: nobody here reaches them.
    expected=$(sharing | grep -vE '^(operator|load) | (operator|load|page|gemeente)$')
    rm -f "$dir"/reached.*
    for from in "${services[@]}"; do
        own=$(grep -v "^$from " <<<"$all" | sed '/^$/d')
        docker exec --interactive "$(container "$from")" bash -c "$(cat tests/compose/reach.sh)" <<<"$own" |
            sed "s/^/$from /" >"$dir/reached.$from" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do
        wait "$job" || fail "a container could not be asked whom it reaches"
    done
    reached=$(cat "$dir"/reached.*)
    [[ $(cut -d' ' -f1,2 <<<"$reached" | sort -u) == "$(sort -u <<<"$expected")" ]] ||
        fail "reached and allowed differ: $(diff <(cut -d' ' -f1,2 <<<"$reached" | sort -u) <(sort -u <<<"$expected"))"
    # By name and by one address each: those of the network that both share, and of no other.
    [[ $(grep -cE '^\S+ \S+ [a-z]' <<<"$reached") -eq $(wc -l <<<"$expected") ]] || fail "some pair shares no name"
    [[ $(grep -cE '^\S+ \S+ [0-9]' <<<"$reached") -eq $(wc -l <<<"$expected") ]] || fail "some pair shares two networks"
    open=$(wc -l <<<"$expected")
    tried=$(($(wc -l <<<"$all") * (${#services[@]} - 1)))
    # Not by the derivation alone: a few that must be so.
    for pair in "cjib belastingdienst" "gemeente-a rekennode" "svb uwv" "cjib gemeente-b" "page svb" "cjib database"; do
        grep -qx "$pair" <<<"$expected" || fail "$pair must reach each other"
    done
    for pair in "svb cjib" "cbs cjib" "gemeente-a svb" "uwv gemeente-a" "cbs database" "rekennode database" \
        "page database" "gemeente cjib" "gemeente database" "gemeente page" "page gemeente" "cjib page"; do
        ! grep -q "^$pair " <<<"$reached" || fail "$pair reach each other"
    done
}

# A body's user gets into its own database and no other, and may read there and not write.
check_database() {
    docker exec --interactive "$(container cjib)" python3 - <<'PYTHON'
import pathlib, psycopg

password = pathlib.Path("/password/database").read_text()


def refused(user: str, database: str, query: str) -> bool:
    try:
        with psycopg.connect(host="database", user=user, password=password, dbname=database, connect_timeout=5) as found:
            found.execute(query)
    except psycopg.OperationalError as error:
        assert any(words in str(error) for words in ("authentication failed", "no pg_hba.conf", "rejects")), type(error)
        return True
    except psycopg.Error as error:
        assert error.sqlstate in {"25006", "42501"}, error.sqlstate
        return True
    return False


assert not refused("cjib_reader", "cjib", "SELECT count(*) FROM arrears"), "own rows"
assert refused("cjib_reader", "cjib", "DELETE FROM arrears"), "writes"
assert refused("cjib_reader", "cjib", "SET default_transaction_read_only = off; DELETE FROM arrears"), "writes anyway"
for user, database in (
    ("cjib_reader", "belastingdienst"), ("cjib_reader", "postgres"), ("belastingdienst_reader", "belastingdienst"),
    ("belastingdienst", "belastingdienst"), ("cjib", "cjib"), ("postgres", "postgres"),
):
    assert refused(user, database, "SELECT 1"), (user, database)
PYTHON
}

# What a container sees of keys, passwords and data of others, one path a line.
seen_by() {
    docker exec "$(container "$1")" sh -c "find /keys /password /run/secrets /truth /evaluation /volumes -type f \
        -not -path '*/agreements/*' 2>/dev/null | LC_ALL=C sort"
}

expected_at() {
    local party
    case $1 in
    database)
        for party in $with_data; do
            printf '/run/secrets/%s\n/run/secrets/%s_reader\n' "${party/-/_}" "${party/-/_}"
        done
        ;;
    page)
        echo /evaluation/evaluation.json
        for party in $parties; do
            printf "/keys/observers/$party/%s\n" ca.pem observer.key observer.pem
        done
        for party in belastingdienst cjib svb uwv; do
            printf "/keys/operators/$party/%s\n" ca.pem operator.key operator.pem
        done
        ;;
    gemeente) printf '/keys/%s\n' ca.pem operator.key operator.pem ;;
    *)
        printf '/keys/%s\n' ca.pem node.key node.pem signers.toml signing.key
        [[ " $with_data " != *" $1 "* ]] || echo /password/database
        ;;
    esac | LC_ALL=C sort
}

check_inside() {
    local service status
    for service in "$@"; do
        [[ $(seen_by "$service") == "$(expected_at "$service")" ]] ||
            fail "$service sees $(diff <(seen_by "$service") <(expected_at "$service"))"
        status=$(docker exec "$(container "$service")" sh -c 'id -u; grep -E "^(CapEff|CapBnd|NoNewPrivs):" /proc/1/status;
            touch /x /etc/x /opt/x /keys/x /config/x /password/x /run/secrets/x /evaluation/x 2>/dev/null || true
            ls /x /etc/x /opt/x /keys/x /config/x /password/x /run/secrets/x /evaluation/x 2>/dev/null || true')
        [[ $(tr -s ' \t\n' ' ' <<<"$status") == \
            "10001 CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 " ]] ||
            fail "$service runs with more than it needs, or can write where it should not: $status"
        docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}' \
            "$(container "$service")" | grep -qE '^true [1-9][0-9]+ [1-9][0-9]+$' || fail "$service has no limits"
    done
}
