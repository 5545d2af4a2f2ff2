# Installs, starts, upgrades, removes and purges the package, in a root of its own: the files of the host, with an empty
# layer above them. $1 is a directory with "layer", "system" and "packages". The mounts and the processes end with the
# namespaces that this runs in.
set -e

if [ "$1" != inside ]; then
    mount -t tmpfs none "$1/layer"
    mkdir "$1/layer/upper" "$1/layer/work"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layer/upper,workdir=$1/layer/work" "$1/system"
    mount -t proc proc "$1/system/proc"
    mount -t tmpfs none "$1/system/run"
    mkdir -p "$1/system/packages"
    mount --bind "$1/packages" "$1/system/packages"
    cp "$0" "$1/packages/life"
    exec chroot "$1/system" sh -e /packages/life inside
fi

export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
# As the unit does it, without systemd.
start() {
    : > /tmp/output
    runuser -u rememberd -- $(sed -n 's/^ExecStart=//p' /lib/systemd/system/rememberd.service) > /tmp/output 2>&1 &
    until grep -q 'rememberd listens on http://127.0.0.1:8080' /tmp/output; do
        kill -0 $! || { cat /tmp/output; exit 1; }
        sleep 0.05
    done
}
stop() {
    kill $(pidof rememberd)
    wait $!
}
ip link set lo up 2> /dev/null || true
dpkg -i /packages/rememberd_1.0.0-1.deb
test "$(stat -c '%U %G %a' /var/lib/rememberd)" = 'rememberd rememberd 700'
test "$(stat -c '%U %a' /etc/rememberd/rememberd.toml)" = 'root 644'
test -e /usr/share/man/man1/rememberd-serve.1.gz
test -s /usr/share/bash-completion/completions/rememberd
rememberd config --config /etc/rememberd/rememberd.toml --check
start
cp /var/lib/rememberd/access-token.admin /tmp/token
stop
echo 'cache-size = "32MiB"' >> /etc/rememberd/rememberd.toml

dpkg -i /packages/rememberd_1.1.0-1.deb
test "$(dpkg-query -W -f '${Version}' rememberd)" = 1.1.0-1
grep -q '^cache-size = "32MiB"' /etc/rememberd/rememberd.toml
start
cmp /tmp/token /var/lib/rememberd/access-token.admin
stop

dpkg -r rememberd
test ! -e /usr/bin/rememberd
test -e /var/lib/rememberd/rememberd.redb
test -e /etc/rememberd/rememberd.toml
dpkg -i /packages/rememberd_1.1.0-1.deb
start
cmp /tmp/token /var/lib/rememberd/access-token.admin
stop

dpkg -P rememberd
for path in /usr/bin/rememberd /var/lib/rememberd /etc/rememberd /lib/systemd/system/rememberd.service; do
    test ! -e $path || { echo "$path is left"; exit 1; }
done
echo lived
