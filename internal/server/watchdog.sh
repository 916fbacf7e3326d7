# Ends a server when the program that started it has ended, and removes its directory, $1. The program holds the
# other end of standard input, which the kernel closes when the program ends. It writes one line per server process
# with its number, and an empty line when that process has ended. The server process is in this process group, so
# it is killed even before its line arrives.
trap '' QUIT
server=
while read -r line; do
	server=$line
done
kill -QUIT 0
tenths=0
while [ -n "$server" ] && kill -0 "$server" 2>/dev/null && [ "$tenths" -lt 100 ]; do
	[ -e "$1/data/postmaster.pid" ] || [ "$tenths" -lt 5 ] || break
	sleep 0.1 2>/dev/null || sleep 1
	tenths=$((tenths + 1))
done
rm -rf "$1" 2>/dev/null || { sleep 1; rm -rf "$1"; }
kill -KILL 0
