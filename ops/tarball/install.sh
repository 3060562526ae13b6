#!/bin/sh
# Puts what lies in the unpacked tarball below a prefix, or takes it out of there. Each file comes by a rename: what runs keeps its old
# one, and a hook that starts meanwhile is the old one or the new one. Folders that are there stay as they are.
#
#   ./install.sh                  below $PREFIX (~/.local); for everybody: sudo PREFIX=/usr/local ./install.sh
#   ./install.sh --uninstall      takes out what was set up, then deletes the programs; the data stays
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
# The copy that is installed knows its prefix.
[ -d "$here/lib/prompt-manager" ] || PREFIX=${here%/lib/prompt-manager}
prefix=${PREFIX:-$HOME/.local}
lib=$prefix/lib/prompt-manager
list=$lib/files

fail() {
    echo "install.sh: $1" >&2
    exit "${2:-1}"
}

# away FILE...: with the folders that are empty then, but for those that everybody has.
away() {
    for file; do
        rm -f "$prefix/$file" "$prefix/$file.new"
        folder=$(dirname "$file")
        while [ "${folder#*/}" != "$folder" ] && rmdir "$prefix/$folder" 2>/dev/null; do folder=$(dirname "$folder"); done
    done
}

if [ "$*" = --uninstall ]; then
    [ -f "$list" ] || fail "nothing of a tarball is installed in $prefix: is PREFIX another?"
    # As the prefix is written here, also where the home is a link.
    home=$(cd "$HOME" 2>/dev/null && pwd -P) || home=$HOME
    case $prefix/ in
        "$home"/*)
            if [ -x "$lib/ingest" ]; then
                said=$("$lib/ingest" setup remove) || said="kept $said"
                echo "$said"
                ! echo "$said" | grep -q '^kept ' || fail 'nothing was deleted: mend that and run this again'
            fi
            ;;
        *) echo 'What a user has set up is taken out by that user: prompt-manager setup remove' ;;
    esac
    while read -r file; do away "$file"; done <"$list"
    away lib/prompt-manager/files
    echo "deleted $prefix/bin/prompt-manager and its programs"
    exit 0
fi

[ $# -eq 0 ] || fail "unknown argument $1; there is only --uninstall" 2
[ -d "$here/lib/prompt-manager" ] || fail 'run the install.sh of an unpacked tarball'
case $prefix in
    *[\"\\%\&\|\$]* | [!/]*) fail "PREFIX is no absolute path that the units of systemd can hold: $prefix" 2 ;;
esac
umask 022
cd "$here"
new=$(find bin lib share -type f | LC_ALL=C sort)
[ ! -f "$list" ] && was=new || was=old
before=$(cat "$list" 2>/dev/null) || :
echo "$new" | while read -r file; do
    [ ! -d "$prefix/$file" ] || fail "there is a folder where a file has to go; nothing was installed: $prefix/$file"
done
# All that is installed is on the list before it is there.
mkdir -p "$lib"
printf '%s\n' "$before" "$new" | sed '/^$/d' | LC_ALL=C sort -u >"$list.new"
mv -f "$list.new" "$list"
echo "$new" | while read -r file; do
    mkdir -p "$prefix/$(dirname "$file")"
    case $file in
        # Where the programs lie, systemd has to be told.
        share/systemd/user/*) sed "s|@LIB@|$lib|g" "$file" >"$prefix/$file.new" ;;
        *) cp -p "$file" "$prefix/$file.new" ;;
    esac
    mv -f "$prefix/$file.new" "$prefix/$file"
done
echo "$before" | while read -r file; do
    [ -z "$file" ] || [ -e "$file" ] || away "$file"
done
printf '%s\n' "$new" >"$list.new"
mv -f "$list.new" "$list"

echo "Installed $prefix/bin/prompt-manager, $("$prefix/bin/prompt-manager" --version | sed 's/^[^ ]* /version /')."
case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) echo "It is not on your PATH yet: export PATH=\"$prefix/bin:\$PATH\"" ;;
esac
if [ "$was" = new ]; then
    echo 'Each user sets it up: prompt-manager setup service, prompt-manager setup hooks'
else
    echo 'Each user renews hook and services: prompt-manager setup refresh'
fi
