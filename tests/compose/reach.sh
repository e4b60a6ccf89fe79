#!/usr/bin/env bash
# Runs inside a container: which of these does it reach? Reads lines `SERVICE HOST PORT`, prints `SERVICE HOST` for each
# one to which a TCP connection can be made. Some at a time: a container has a bounded number of processes.
tried=0
while read -r service host port; do
    timeout 3 bash -c "exec 3<>/dev/tcp/$host/$port" 2>/dev/null && echo "$service $host" &
    if ((++tried % 60 == 0)); then
        wait
    fi
done
wait
