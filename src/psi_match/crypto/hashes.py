"""How many hash functions place a row in a cuckoo table."""

HASHES = 3
