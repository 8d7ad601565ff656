#!/bin/sh
# Send a hit to Goby and print its outcome: GOBY_SERVER=http://127.0.0.1:8000 GOBY_TOKEN=goby_… sh send_hit.sh
# curl sends it again by itself after 429 and 503 (and when the connection breaks): the id makes that safe.
payload=$(cat "$(dirname "$0")/hit.json")
curl --silent --show-error --fail-with-body --retry 5 --retry-connrefused --max-time 15 \
  --header "Authorization: Bearer $GOBY_TOKEN" --header "Content-Type: application/json" \
  --data "{\"id\": \"hit-$(date +%s%N)-$$\", \"topic\": \"wargame.hit\", \"key\": \"example\", \"payload\": $payload}" \
  "$GOBY_SERVER/api/v1/events?wait=10"
