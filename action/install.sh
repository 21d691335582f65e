#!/usr/bin/env bash
# Puts kohealth into the PATH of the steps that follow: a released binary whose checksum
# stands in checksums.txt, or else what Go compiles.
#
#   VERSION       v1.2.3, source, or empty for the release that checksums.txt is of
#   DOWNLOAD_URL  where releases are, each in a directory of its tag
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd)
checksums=$source/action/checksums.txt
dir=$RUNNER_TEMP/kohealth-bin
exe=

say() { echo "kohealth: $1"; }

fail() {
	echo "::error title=kohealth::$1"
	exit 1
}

# Names of archives are goreleaser's: kohealth_1.2.3_linux_amd64.tar.gz.
case $RUNNER_OS in
Linux) os=linux ;;
macOS) os=darwin ;;
Windows) os=windows exe=.exe ;;
esac
case $RUNNER_ARCH in
X64) arch=amd64 ;;
ARM64) arch=arm64 ;;
*) arch=$RUNNER_ARCH ;;
esac

checksum() {
	if command -v sha256sum >/dev/null; then
		sha256sum "$1"
	else
		shasum -a 256 "$1" # macOS
	fi | cut -d ' ' -f 1
}

# download fetches, verifies and unpacks a release. It returns 1 where there is none.
download() {
	local archive=kohealth_${1#v}_${os}_$arch.tar.gz want
	want=$(awk -v name="$archive" '$2 == name { print $1 }' "$checksums")
	if [ -z "$want" ]; then
		say "the action knows no checksum of $archive"
		return 1
	fi
	case $DOWNLOAD_URL in
	http://* | https://*) ;;
	*) fail 'download-url is not a URL of http or https' ;;
	esac
	say "downloading $archive"
	curl -fsSL --retry 3 --connect-timeout 20 --max-time 300 --globoff -o "$archive" --url "$DOWNLOAD_URL/$1/$archive" || return 1
	if [ "$(checksum "$archive")" != "$want" ]; then
		rm "$archive"
		fail "what was downloaded as $archive is not what was released: its checksum is another one"
	fi
	tar -xzf "$archive" "kohealth$exe" || fail "unpacking $archive"
	rm "$archive"
}

# verified says what verifies the source of a module: Go's checksum database, unless Go is
# told to leave it out.
verified() {
	if [ "$(go env GOSUMDB)" = off ]; then
		echo 'and GOSUMDB=off leaves its source unverified'
	elif [ -n "$(go env GONOSUMDB)" ]; then
		echo "which verifies its source unless GOPRIVATE or GONOSUMDB ($(go env GONOSUMDB)) leave it out"
	else
		echo 'which verifies its source'
	fi
}

# compile builds for this machine, whatever the job builds for.
compile() { env -u GOOS -u GOARCH -u GOFLAGS GOWORK=off CGO_ENABLED=0 "$@"; }

version=${VERSION-}
case $version in
*[!0-9A-Za-z._+-]* | -*) fail 'version is not a version' ;;
[0-9]*.*) version=v$version ;;
'')
	version=v$(sed -n 's/^.*  kohealth_\(.*\)_linux_amd64\.tar\.gz$/\1/p' "$checksums")
	if [ "$version" = v ]; then
		say 'this revision of the action stands for no release'
		version=source
	fi
	;;
esac

mkdir -p "$dir"
cd "$dir"
# What an earlier step of the job has compiled, of the same source and by the same Go, need
# not be compiled again.
compiled="$version of $source, $(go env GOVERSION GOPROXY GOSUMDB GONOSUMDB | tr '\n' ' ')"
if [ -x "kohealth$exe" ] && [ "$(cat "$dir.compiled" 2>/dev/null)" = "$compiled" ]; then
	say 'an earlier step has compiled it'
	echo "$dir" >>"$GITHUB_PATH"
	exit
fi
rm -f "kohealth$exe" "$dir.compiled"
if [ "$version" = source ]; then
	say 'compiling the revision of the action'
	compile go build -C "$source" -trimpath -buildvcs=false -o "$dir/kohealth$exe" ./cmd/kohealth
	echo "$compiled" >"$dir.compiled"
elif ! download "$version"; then
	say "no binary of $version could be downloaded: compiling it with go install, $(verified)"
	GOBIN=$dir compile go install -trimpath "github.com/ko-health/kohealth/cmd/kohealth@$version"
	echo "$compiled" >"$dir.compiled"
fi
echo "$dir" >>"$GITHUB_PATH"
