#!/usr/bin/env bash
# Says what there is to cache: Go's compiled packages, and what kohealth keeps.
set -euo pipefail

if ! command -v go >/dev/null; then
	echo '::error title=kohealth::there is no go here, which compiles the programs: put actions/setup-go before this step'
	exit 1
fi
case $RUNNER_OS in
macOS) cache=${HOME-}/Library/Caches ;;
Windows) cache=$LOCALAPPDATA ;;
*) cache=${XDG_CACHE_HOME:-${HOME-}/.cache} ;;
esac
{
	echo "go=$(go env GOVERSION)"
	echo "gocache=$(go env GOCACHE)"
	echo "kohealth=$cache/kohealth"
	echo "kocache=${KOCACHE-}"
} >>"$GITHUB_OUTPUT"
