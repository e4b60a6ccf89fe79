#!/bin/sh
# Make the cluster if there is none, a database and two roles per body, and then run PostgreSQL.
#
# Nobody is superuser over the network: user postgres exists for the socket alone, and only for the user who runs this.
set -eu
umask 077
here=$(dirname "$0")
: "${DATABASE_FOLDER:=/var/lib/postgresql/data}" "${SECRETS_FOLDER:=/run/secrets}" "${SOCKET_FOLDER:=/tmp}"
: "${LISTEN:=*}" "${PORT:=5432}"
cluster=$DATABASE_FOLDER/cluster

if [ ! -e "$cluster" ]; then
    # Moved into place when it is whole: a start that was broken off begins anew.
    rm -rf "$cluster.new"
    initdb --pgdata="$cluster.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
        --auth=reject --no-instructions >/dev/null
    mv "$cluster.new" "$cluster"
fi

bodies=
for file in "$SECRETS_FOLDER"/*_reader; do
    body=$(basename "$file" _reader)
    case $body in
    *[!a-z0-9_]* | [!a-z]*)
        continue
        ;;
    esac
    for secret in "$SECRETS_FOLDER/$body" "$SECRETS_FOLDER/${body}_reader"; do
        if [ ! -s "$secret" ] || [ ! -r "$secret" ]; then
            echo "Error: $secret is missing, empty or not readable: each body needs two passwords." >&2
            exit 1
        fi
    done
    bodies="$bodies $body"
done
if [ -z "$bodies" ]; then
    echo "Error: no body has passwords in $SECRETS_FOLDER." >&2
    exit 1
fi

# Who may come in: each body's two roles to its own database, by password; nobody else, to nothing else.
echo "owner $(id --user --name) postgres" >"$cluster/pg_ident.conf"
{
    echo "local all postgres peer map=owner"
    for body in $bodies; do
        echo "host $body $body,${body}_reader all scram-sha-256"
    done
    echo "local all all reject"
    echo "host all all all reject"
    echo "host replication all all reject"
} >"$cluster/pg_hba.conf"

# What goes wrong is logged by its message alone: statements and their details could hold passwords and rows.
set -- -D "$cluster" -c port="$PORT" -c password_encryption=scram-sha-256 -c log_min_error_statement=panic \
    -c log_error_verbosity=terse -c lc_messages=C -c max_connections=60 -c max_wal_senders=0 -c wal_level=minimal

# A server that only this script can talk to, for roles and databases.
private=$(mktemp -d "$SOCKET_FOLDER/setup.XXXXXX")
pg_ctl start --wait --silent --pgdata="$cluster" --log="$private/log" \
    --options="-p $PORT -c listen_addresses='' -c unix_socket_directories='$private' -c log_min_error_statement=panic \
        -c max_wal_senders=0 -c wal_level=minimal" || {
    cat "$private/log" >&2
    exit 1
}
failed=
for body in $bodies; do
    if ! OWNER_FILE="$SECRETS_FOLDER/$body" READER_FILE="$SECRETS_FOLDER/${body}_reader" psql --no-psqlrc --quiet \
        --host="$private" --port="$PORT" --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 \
        --set=body="$body" --file="$here/body.sql" >/dev/null; then
        failed=$body
        break
    fi
done
pg_ctl stop --wait --silent --pgdata="$cluster" --mode=fast
rm -rf "$private"
if [ -n "$failed" ]; then
    echo "Error: the database of $failed could not be set up." >&2
    exit 1
fi
echo "ready: a database each for$bodies" >&2
exec postgres "$@" -c listen_addresses="$LISTEN" -c unix_socket_directories="$SOCKET_FOLDER"
