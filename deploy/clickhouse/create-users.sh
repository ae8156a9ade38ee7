#!/usr/bin/env bash
# Run by ClickHouse's image at each start, before it serves others: the users, with the passwords
# in the programs' own secrets. No password appears on a command line, its hash alone does.
set -euo pipefail

hash_of() {
    local url credentials
    url=$(<"/run/secrets/$1_url")
    credentials=${url#*://}
    credentials=${credentials%@*}
    printf %s "${credentials#*:}" | sha256sum | cut -d ' ' -f 1
}

parameters=()
for user in migrator writer batch reader; do
    parameters+=("--param_$user=$(hash_of "$user")")
done
clickhouse client --host 127.0.0.1 "${parameters[@]}" --queries-file /etc/headwater/users.sql
