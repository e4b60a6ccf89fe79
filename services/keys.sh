#!/bin/sh
# Runs once, as the service `keys`: a certificate authority that is thrown away after use, everybody's keys, agreements
# that all have signed, and passwords of the bodies' databases. In a demo one person plays everybody; each container gets
# only what its own party, or its own service, would have.
#
#   /volumes/keys/PARTY        that party's node: its certificate and signing key, who signs for whom, its agreements
#   /volumes/passwords/PARTY   that party's node: the password of its own database, to read
#   /volumes/database          the database and whoever loads it: all passwords
#   /volumes/operator/PARTY    operators' and auditors' certificates
#   /volumes/page              observers' certificates; those of operators who lead a scenario, because the page starts
#                              runs in a demo; the agreements, to show them
#   /volumes/gemeente          the operator's certificate of gemeente-a
set -eu
umask 077
readonly made=/tmp/keys complete=/volumes/operator/complete
if [ -e "$complete" ]; then
    exit
fi
# Also after a first try that was cut off.
find /volumes -mindepth 2 -type f -delete

psi-match keys init "$made"
psi-match agreement sign-all "$made"

# The first leaders of all scenarios, or the parties that bring rows to one.
catalogue() {
    python3 -c "from psi_match.scenario.catalogue import Catalogue
print(*sorted({party for scenario in Catalogue().all() for party in ($1)}))"
}

password() {
    head -c 24 /dev/urandom | od -A n -v -t x1 | tr -d ' \n'
}

for folder in "$made"/*/; do
    party=$(basename "$folder")
    cd "$folder"
    cp -R ca.pem node.pem node.key signing.key signers.toml agreements "/volumes/keys/$party/"
    mkdir -p "/volumes/operator/$party" "/volumes/page/observers/$party" /volumes/page/agreements
    cp ca.pem operator.pem operator.key auditor.pem auditor.key signers.toml "/volumes/operator/$party/"
    cp ca.pem observer.pem observer.key "/volumes/page/observers/$party/"
    cp agreements/* /volumes/page/agreements/
done
for party in $(catalogue "scenario.leaders[:1]"); do
    cd "$made/$party"
    mkdir -p "/volumes/page/operators/$party"
    cp ca.pem operator.pem operator.key "/volumes/page/operators/$party/"
done
cd "$made/gemeente-a"
cp ca.pem operator.pem operator.key /volumes/gemeente/
for party in $(catalogue "party.id for party in scenario.parties if party.dataset is not None"); do
    database=$(echo "$party" | tr - _)
    password >"/volumes/database/$database"
    password >"/volumes/database/${database}_reader"
    cp "/volumes/database/${database}_reader" "/volumes/passwords/$party/database"
done
rm -rf "$made"
touch "$complete"
