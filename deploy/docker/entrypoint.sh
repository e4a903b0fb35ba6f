#!/bin/sh
# Gives an instance in a container what only the container knows, unless it is set: its address, which it tells the other instances, and its id.
set -eu
if [ -z "${HOST:-}" ]; then
  # The first one, where there are several networks.
  HOST=$(hostname -i | cut -d ' ' -f 1)
  export HOST
fi
if [ -z "${INSTANCE_ID:-}" ]; then
  INSTANCE_ID=router-$(hostname)
  export INSTANCE_ID
fi
exec "$@"
