#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml mounts, those that are missing: deploy/make-secrets.sh
# The folder is its owner's alone; the files in it can be read by the containers' users.
set -euo pipefail
cd "$(dirname "$0")"

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

keep() {
    [ -e "secrets/$1" ] || { printf '%s\n' "$2" >"secrets/$1" && chmod 444 "secrets/$1"; }
}

umask 077
mkdir -p secrets
for user in migrator writer batch reader; do
    keep "${user}_url" "clickhouse://headwater_$user:$(random)@clickhouse:9000"
done
keep webhook_secret "$(random)"
keep command_token "$(random)"
keep erasure_key "$(random)"
